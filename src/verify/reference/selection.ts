/**
 * Selections along an axis, and values read at them.
 *
 * Where a kernel's own rounding could put two elements in another order, either may be selected: the error of the
 * position is then infinite, and so is that of what is read there. Elements that are equal with equal errors are taken for
 * the same computation on the same inputs, which gives a kernel equal values too: the lower position comes first.
 */

import type { Axis, SelectFn } from '../../spec/index.js';
import { elementsOf, expand, grid, stridesOf, type ExtentOf, type Grid } from './grid.js';
import { INFINITY, floor, nan } from './numbers.js';

/**
 * Positions along `axis` of the largest (smallest) elements, in order, along `slots`. What `allowed`, over the operand's axes, leaves
 * out comes last; a row of which it is in doubt has nothing certain.
 */
export function selectAlong(
  fn: SelectFn,
  operand: Grid,
  axis: Axis,
  slots: { readonly axis: Axis; readonly extent: number },
  allowed?: Grid,
): Grid {
  const at = operand.axes.indexOf(axis);
  const extent = operand.shape[at]!;
  const outer = elementsOf(operand.shape.slice(0, at));
  const inner = elementsOf(operand.shape.slice(at + 1));
  const values = new Float64Array(outer * slots.extent * inner);
  const error = new Float64Array(values.length);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const place = (position: number): number => (o * extent + position) * inner + i;
      const row = Array.from({ length: extent }, (_, position): Candidate => {
        const isOut = allowed?.values[place(position)] === 0;
        const value = operand.values[place(position)]!;
        const off = operand.error?.[place(position)] ?? 0;
        return { position, isOut, value: isOut ? 0 : value, error: isOut ? 0 : off };
      });
      const isClear = row.every(({ position }) => (allowed?.error?.[place(position)] ?? 0) === 0);
      const certain = order(fn, row, slots.extent).map((each) => each && isClear);
      for (let slot = 0; slot < slots.extent; slot++) {
        const to = (o * slots.extent + slot) * inner + i;
        values[to] = row[slot]!.position;
        error[to] = certain[slot] ? 0 : INFINITY;
      }
    }
  }
  const put = <T>(list: readonly T[], item: T): T[] => list.map((each, k) => (k === at ? item : each));
  return grid(put(operand.axes, slots.axis), put(operand.shape, slots.extent), values, error);
}

interface Candidate {
  readonly position: number;
  readonly isOut: boolean;
  readonly value: number;
  readonly error: number;
}

/** Sorts a row; which of its first `count` places no rounding can change. */
function order(fn: SelectFn, row: Candidate[], count: number): readonly boolean[] {
  const sign = fn === 'top' ? 1 : -1;
  row.sort(
    (a, b) =>
      Number(a.isOut) - Number(b.isOut) || -sign * compare(a.value, b.value) || a.position - b.position,
  );
  const certain = Array.from({ length: count }, () => true);
  // Exact elements are in their order: only those with an error can be elsewhere.
  const exact = (a: Candidate, b: Candidate): boolean =>
    a.isOut !== b.isOut ||
    (a.error === 0 && b.error === 0) ||
    (a.error === b.error && compare(a.value, b.value) === 0);
  const apart = (before: Candidate, after: Candidate): boolean =>
    exact(before, after) || sign * before.value - before.error > sign * after.value + after.error;
  for (let slot = 0; slot < count; slot++) {
    certain[slot] = row.every((other, k) =>
      k === slot ? true : k < slot ? apart(other, row[slot]!) : apart(row[slot]!, other),
    );
  }
  return certain;
}

/** Order of numbers: NaN above every number, -0 equal to 0. */
function compare(a: number, b: number): number {
  if (nan(a) || nan(b)) return Number(nan(a)) - Number(nan(b));
  return a === b ? 0 : a < b ? -1 : 1;
}

/** `operand` at position `index` of `axis`: over the other axes of the operand and those of the index. */
export function pickAlong(operand: Grid, axis: Axis, index: Grid, extentOf: ExtentOf): Grid {
  const axes = [...new Set(operand.axes.flatMap((each) => (each === axis ? index.axes : [each])))];
  const shape = axes.map(extentOf);
  const { values: positions, error: doubt } = expand(index, axes, extentOf);
  const strides = stridesOf(operand.shape);
  const resultStrides = stridesOf(shape);
  const values = new Float64Array(elementsOf(shape));
  const error = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const from = operand.axes.reduce((place, each, k) => {
      const along = axes.indexOf(each);
      const position = each === axis ? positions[i]! : floor(i / resultStrides[along]!) % shape[along]!;
      return place + position * strides[k]!;
    }, 0);
    values[i] = operand.values[from]!;
    error[i] = doubt && doubt[i]! > 0 ? INFINITY : (operand.error?.[from] ?? 0);
  }
  return grid(axes, shape, values, error);
}
