/**
 * A layout is a function from coordinates to integers, given by a shape and a stride of the same nesting:
 * (4,(2,2)):(1,(4,8)) takes the coordinate (c0,(c1,c2)) to c0 * 1 + c1 * 4 + c2 * 8.
 *
 * Layouts are values: no operation changes one. Extents are at least 1 and strides at least 0, both exact integers.
 */
import { add, atLeast, layoutError, multiply } from './integer.js';
import {
  type IntTuple,
  equalTuples,
  flatten,
  formatTuple,
  isTuple,
  product,
  requireCongruent,
} from './int-tuple.js';
import {
  type Coordinate,
  compactStride,
  compactStrideRight,
  crd2idx,
  exclusiveProducts,
} from './coordinate.js';

/** Make one with `makeLayout`, which checks it. */
export interface Layout {
  readonly shape: IntTuple;
  readonly stride: IntTuple;
}

/** One leaf of a layout: `extent` steps of `stride`. */
export interface Mode {
  readonly extent: number;
  readonly stride: number;
}

/**
 * The layout `shape:stride`; without a stride the compact one whose leftmost mode runs fastest.
 *
 * @throws LAYOUT_INVALID for different nestings, an empty tuple, an extent below 1, a stride below 0, or a size or
 *   cosize beyond 2^53 - 1.
 */
export function makeLayout(shape: IntTuple, stride: IntTuple = compactStride(shape)): Layout {
  requireCongruent(shape, stride, 'shape and stride');
  requireModes(shape);
  flatten(shape).forEach((extent) => atLeast(1, extent, 'an extent'));
  flatten(stride).forEach((step) => atLeast(0, step, 'a stride'));
  const layout = { shape, stride };
  size(layout);
  cosize(layout);
  return layout;
}

function requireModes(tuple: IntTuple): void {
  if (!isTuple(tuple)) return;
  if (tuple.length === 0) {
    throw layoutError(
      'a tuple of a layout is empty',
      '()',
      'at least one mode',
      'use 1:0 for a layout of one element',
    );
  }
  tuple.forEach(requireModes);
}

/** The compact layout of `shape` whose rightmost mode runs fastest, the order of a C array. */
export function rowMajor(shape: IntTuple): Layout {
  return makeLayout(shape, compactStrideRight(shape));
}

/** The layout whose modes are `modes`, in order. */
export function concat(modes: readonly Layout[]): Layout {
  return makeLayout(
    modes.map((mode) => mode.shape),
    modes.map((mode) => mode.stride),
  );
}

/** The top-level modes as layouts; a layout without parentheses is its own only mode. */
export function modesOf(layout: Layout): Layout[] {
  const { shape, stride } = layout;
  if (!isTuple(shape) || !isTuple(stride)) return [layout];
  return shape.map((extent, i) => ({ shape: extent, stride: stride[i]! }));
}

/** Top-level mode `index`. @throws LAYOUT_INVALID where there is none. */
export function modeOf(layout: Layout, index: number): Layout {
  const mode = modesOf(layout)[index];
  if (mode) return mode;
  throw layoutError(
    'the layout has no such mode',
    `mode ${index} of ${formatLayout(layout)}`,
    `a mode from 0 to ${modesOf(layout).length - 1}`,
    'correct the mode',
  );
}

/** The leaves from left to right. */
export function flatModes(layout: Layout): Mode[] {
  const strides = flatten(layout.stride);
  return flatten(layout.shape).map((extent, i) => ({ extent, stride: strides[i]! }));
}

/** The layout with these leaves: 1:0 for none, no parentheses for one, a flat tuple for more. */
export function fromModes(modes: readonly Mode[]): Layout {
  if (modes.length === 0) return { shape: 1, stride: 0 };
  if (modes.length === 1) return makeLayout(modes[0]!.extent, modes[0]!.stride);
  return makeLayout(
    modes.map((mode) => mode.extent),
    modes.map((mode) => mode.stride),
  );
}

/** A leaf, and the index that one step along it stands for. */
export interface IndexedMode extends Mode {
  readonly index: number;
}

/** The leaves of an extent above 1 by rising stride; those of one stride stay in their order. */
export function risingModes(layout: Layout): IndexedMode[] {
  const modes = flatModes(layout);
  const indices = exclusiveProducts(modes.map(({ extent }) => extent));
  return modes
    .map((mode, i) => ({ ...mode, index: indices[i]! }))
    .filter(({ extent }) => extent > 1)
    .sort((a, b) => a.stride - b.stride);
}

/** Number of coordinates: the product of all extents. */
export function size(layout: Layout): number {
  return product(layout.shape);
}

/** One more than the largest integer the layout reaches. */
export function cosize(layout: Layout): number {
  return add(reach(flatModes(layout)), 1);
}

/** The largest integer that these leaves reach together. */
export function reach(modes: readonly Mode[]): number {
  return modes.reduce((sum, { extent, stride }) => add(sum, multiply(extent - 1, stride)), 0);
}

/** The layout's value at an index or a nested coordinate; see `crd2idx` for what coordinates may be. */
export function evaluate(layout: Layout, coordinate: Coordinate): number {
  return crd2idx(coordinate, layout.shape, layout.stride);
}

/** Whether shape and stride are the same, parentheses included. */
export function equalLayouts(a: Layout, b: Layout): boolean {
  return equalTuples(a.shape, b.shape) && equalTuples(a.stride, b.stride);
}

/** `(4,(2,2)):(1,(4,8))` */
export function formatLayout(layout: Layout): string {
  return `${formatTuple(layout.shape)}:${formatTuple(layout.stride)}`;
}
