/**
 * Coordinates and indices: how a nested coordinate into a shape becomes an index, and back.
 *
 * The order is colexicographic: the leftmost mode runs fastest, so (1,2) in a (4,8) is index 1 + 2 * 4.
 */
import { add, atLeast, floorDivide, layoutError, multiply } from './integer.js';
import {
  type IntTuple,
  type Nested,
  flatten,
  formatTuple,
  isTuple,
  product,
  requireCongruent,
  unflatten,
} from './int-tuple.js';

/** A coordinate: an index, or a tuple of coordinates, one for each mode. */
export type Coordinate = IntTuple;

/** Strides of the compact layout of `shape` whose leftmost mode runs fastest: (4,(2,3)) gives (1,(4,8)). */
export function compactStride(shape: IntTuple): IntTuple {
  return unflatten(exclusiveProducts(flatten(shape)), shape);
}

/** Strides of the compact layout of `shape` whose rightmost mode runs fastest: (4,(2,3)) gives (6,(3,1)). */
export function compactStrideRight(shape: IntTuple): IntTuple {
  return unflatten(exclusiveProducts(flatten(shape).reverse()).reverse(), shape);
}

/** Before each factor, the product of those left of it. */
export function exclusiveProducts(factors: readonly number[]): number[] {
  let running = 1;
  return factors.map((factor) => {
    const before = running;
    running = multiply(running, factor);
    return before;
  });
}

/**
 * The index of a coordinate: the inner product of the coordinate with `stride`.
 *
 * A number where the shape has a tuple is an index into that tuple; its last mode takes whatever is left, so that an
 * index past the end goes on along the last mode, as it does in CuTe. Strides default to the compact ones.
 *
 * @throws LAYOUT_INVALID for a tuple where the shape has a leaf, another number of modes, a negative or fractional
 *   coordinate, or a result beyond 2^53 - 1.
 */
export function crd2idx(
  coordinate: Coordinate,
  shape: IntTuple,
  stride: IntTuple = compactStride(shape),
): number {
  if (isTuple(coordinate)) {
    const [extents, strides] = matchingModes(coordinate, shape, stride);
    return coordinate.reduce<number>((sum, part, i) => add(sum, crd2idx(part, extents[i]!, strides[i]!)), 0);
  }
  atLeast(0, coordinate, 'a coordinate');
  requireCongruent(shape, stride, 'shape and stride');
  const steps = flatten(stride);
  return splitIndex(coordinate, flatten(shape)).reduce(
    (sum, digit, i) => add(sum, multiply(digit, steps[i]!)),
    0,
  );
}

/** One digit for each extent; the last takes whatever is left. */
function splitIndex(index: number, extents: readonly number[]): number[] {
  return extents.map((extent, i) => {
    const digit = i === extents.length - 1 ? index : index % extent;
    index = floorDivide(index, extent);
    return digit;
  });
}

/**
 * The coordinate of an index into `shape`, nested as the shape is; where `index` is a tuple, mode by mode.
 *
 * @throws LAYOUT_INVALID where the index is not in [0, size of the shape), or does not fit the shape's modes.
 */
export function idx2crd(index: Coordinate, shape: IntTuple): Coordinate {
  if (isTuple(index)) {
    const [extents] = matchingModes(index, shape, shape);
    return index.map((part, i) => idx2crd(part, extents[i]!));
  }
  if (!Number.isInteger(index) || index < 0 || index >= product(shape)) {
    throw layoutError(
      'the index lies outside its shape',
      `index ${index} into ${formatTuple(shape)}`,
      `an integer from 0 to ${product(shape) - 1}`,
      'correct the index or the shape',
    );
  }
  return unflatten(splitIndex(index, flatten(shape)), shape);
}

/** The same element's coordinate in another shape of the same size. @throws LAYOUT_INVALID as `idx2crd` does. */
export function crd2crd(coordinate: Coordinate, from: IntTuple, to: IntTuple): Coordinate {
  return idx2crd(crd2idx(coordinate, from), to);
}

/** `shape` and `stride` as tuples with one mode for each of the coordinate's. */
function matchingModes(
  coordinate: readonly Coordinate[],
  shape: IntTuple,
  stride: IntTuple,
): [readonly IntTuple[], readonly IntTuple[]] {
  if (isTuple(shape) && isTuple(stride) && shape.length === coordinate.length) {
    return [shape, stride];
  }
  throw coordinateError(coordinate, shape);
}

/** The error of a coordinate that does not fit its shape. */
export function coordinateError(coordinate: Nested<number | null>, shape: IntTuple): Error {
  return layoutError(
    'the coordinate does not fit its shape',
    `coordinate ${formatTuple(coordinate)} into ${formatTuple(shape)}`,
    'a number, or one coordinate for each mode',
    'give the coordinate the nesting of the shape',
  );
}
