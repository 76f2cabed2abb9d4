/** Elements of tensors: which one each position of a value reads or writes. */

import type { BoundMode, BoundSection, BoundTensor } from '../../spec/index.js';
import { eachRun, elementsOf, expand, stridesOf, type ExtentOf, type Grid } from './grid.js';

/** The axis that a mode is indexed by where nothing else is said: under a cut, its section's part. */
export function axisOf(mode: BoundMode, section: BoundSection): string {
  return section.cut?.dim === mode.dim ? section.cut.as : mode.axis;
}

export const shapeOf = (tensor: BoundTensor, extentOf: ExtentOf): readonly number[] =>
  tensor.modes.map((mode) => (mode.extent === 'dynamic' ? extentOf(mode.axis) : mode.extent) + mode.extra);

export interface Places {
  /** Row-major place in the tensor of each position; -1 where an index is out of range. */
  readonly places: Float64Array;
  /** Positions whose index is not known for sure. */
  readonly unsure: Uint8Array | undefined;
}

/** Where each position over `axes` lies in a tensor; `indices` holds computed indices by mode. */
export function placesIn(
  tensor: BoundTensor,
  section: BoundSection,
  axes: readonly string[],
  indices: ReadonlyMap<BoundMode, Grid>,
  extentOf: ExtentOf,
): Places {
  const shape = axes.map(extentOf);
  const extents = shapeOf(tensor, extentOf);
  const strides = stridesOf(extents);
  const tables = shape.map((extent) => new Float64Array(extent));
  let fixed = 0;
  tensor.modes.forEach((mode, i) => {
    if (section.cut?.dim === mode.dim) fixed += section.cut.offset * strides[i]!;
    if (indices.has(mode)) return;
    const table = tables[axes.indexOf(axisOf(mode, section))]!;
    for (let p = 0; p < table.length; p++) table[p]! += p * strides[i]!;
  });
  const size = elementsOf(shape);
  const places = new Float64Array(size);
  eachRun(shape, tables, (base, steps, first) => {
    for (let i = 0; i < steps.length; i++) places[first + i] = base + steps[i]! + fixed;
  });
  let unsure: Uint8Array | undefined;
  tensor.modes.forEach((mode, i) => {
    const index = indices.get(mode);
    if (!index) return;
    const { values, error } = expand(index, axes, extentOf);
    const limit = section.cut?.dim === mode.dim ? extentOf(section.cut.as) : extents[i]!;
    for (let p = 0; p < size; p++) {
      const at = values[p]!;
      if (at < 0 || at >= limit) places[p] = -1;
      else if (places[p]! >= 0) places[p]! += at * strides[i]!;
      if (error && error[p]! > 0) (unsure ??= new Uint8Array(size))[p] = 1;
    }
  });
  return { places, unsure };
}
