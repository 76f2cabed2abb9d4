/** Arrays over named axes, with a bound on how far each element may be off; broadcasting by name. */

import type { Axis } from '../../spec/index.js';
import { floor, max } from './numbers.js';

export interface Grid {
  readonly axes: readonly Axis[];
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Float64Array;
  /** How far a correct kernel's element may lie from `values`; absent: not at all. */
  readonly error?: Float64Array;
}

/** Length of an axis: a dimension's name, or `hidden/128` for its blocks. */
export type ExtentOf = (axis: Axis) => number;

export const elementsOf = (shape: readonly number[]): number =>
  shape.reduce((product, extent) => product * extent, 1);

export function scalar(value: number): Grid {
  return { axes: [], shape: [], values: Float64Array.of(value) };
}

export function grid(
  axes: readonly Axis[],
  shape: readonly number[],
  values: Float64Array,
  error?: Float64Array,
): Grid {
  return { axes, shape, values, ...(error && { error }) };
}

/** `operand` repeated over `axes`, which hold all of its own; an element of `hidden` finds its block of `hidden/128`. */
export function expand(operand: Grid, axes: readonly Axis[], extentOf: ExtentOf): Grid {
  if (operand.axes.length === axes.length && operand.axes.every((axis, i) => axis === axes[i]))
    return operand;
  const shape = axes.map(extentOf);
  const places = placesOf(operand, axes, shape);
  const size = elementsOf(shape);
  const values = new Float64Array(size);
  const { error: from } = operand;
  const error = from && new Float64Array(size);
  eachRun(shape, places, (base, steps, first) => {
    for (let i = 0; i < steps.length; i++) {
      const place = base + steps[i]!;
      values[first + i] = operand.values[place]!;
      if (error) error[first + i] = from[place]!;
    }
  });
  return grid(axes, shape, values, error);
}

/** For each axis of a result, where each of its positions moves to in the operand. */
function placesOf(operand: Grid, axes: readonly Axis[], shape: readonly number[]): readonly Float64Array[] {
  const tables = shape.map((extent) => new Float64Array(extent));
  let stride = 1;
  for (let k = operand.axes.length - 1; k >= 0; k--) {
    const axis = operand.axes[k]!;
    const exact = axes.indexOf(axis);
    const [dim, by] = axis.split('/');
    const at = exact >= 0 ? exact : axes.indexOf(dim!);
    if (at < 0) throw new Error(`${axis} is none of ${axes.join(', ')}`);
    const step = exact >= 0 ? 1 : Number(by);
    const table = tables[at]!;
    for (let i = 0; i < table.length; i++) table[i]! += floor(i / step) * stride;
    stride *= operand.shape[k]!;
  }
  return tables;
}

/**
 * Calls `visit` for every run of positions along the last axis: the sum of the other axes' table entries, the last axis's
 * table, and the row-major index of the run's first position.
 */
export function eachRun(
  shape: readonly number[],
  tables: readonly Float64Array[],
  visit: (base: number, steps: Float64Array, first: number) => void,
): void {
  const size = elementsOf(shape);
  if (size === 0) return;
  const last = shape.length - 1;
  const steps = tables[last] ?? new Float64Array(1);
  const at = new Array<number>(max(last, 0)).fill(0);
  for (let first = 0; first < size; first += steps.length) {
    let base = 0;
    for (let axis = 0; axis < last; axis++) base += tables[axis]![at[axis]!]!;
    visit(base, steps, first);
    for (let axis = last - 1; axis >= 0; axis--) {
      if (++at[axis]! < shape[axis]!) break;
      at[axis] = 0;
    }
  }
}

/** `of` each value; a plain loop, as the method of typed arrays is several times slower. */
export function mapped(values: Float64Array, of: (x: number, i: number) => number): Float64Array {
  const results = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) results[i] = of(values[i]!, i);
  return results;
}

/** Row-major strides. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i]!;
  }
  return strides;
}
