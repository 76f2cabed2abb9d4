/** What integer tensors hold that a formula takes for indices or for offsets of ranges: edges, repetitions, and some out of range. */

import type { BoundKernel, BoundTensor } from '../spec/index.js';
import { isDropped, rowsOf } from './places.js';
import type { Random } from './random.js';
import type { IndexUse } from './roles.js';
import type { Pattern } from './values.js';

/** Value of integer parameters. */
export const INTEGER = 3;

/**
 * Indices to be counted, moved by an integer parameter or not: all the same, few different ones, or all of them. The last
 * two have some out of range, on both sides.
 */
function countedIn(size: number, extent: number, random: Random): Float64Array {
  const few = [INTEGER, INTEGER + 1, extent - 1, INTEGER + extent - 1, -1];
  const one = INTEGER + random.below(extent);
  return Float64Array.from({ length: size }, () => {
    if (size % 3 === 0) return one;
    if (size % 3 === 1) return few[random.below(few.length)]!;
    return random.below(extent + 2 * INTEGER) - 1;
  });
}

/** From 0 to the extent, never falling; the first range has one row, the second none. */
export function offsetsInto(count: number, extent: number, random: Random): Float64Array {
  const cuts = Array.from({ length: Math.max(0, count - 2) }, () => random.below(extent + 1)).sort(
    (a, b) => a - b,
  );
  const offsets = Float64Array.of(0, ...cuts, extent).slice(0, count);
  if (count > 3) offsets[1] = Math.min(1, extent);
  if (count > 4) offsets[2] = offsets[1]!;
  // The last range is sometimes one row.
  if (count % 2 === 1 && count > 5) offsets[count - 2] = extent - 1;
  return offsets.sort();
}

/** The first and the last place come first: a bound that is one off shows there. */
function fromTheEdges(places: readonly number[]): readonly number[] {
  const edges = places.length > 1 ? [0, places.length - 1] : [0];
  return [...edges, ...places.filter((place) => !edges.includes(place))];
}

/** Ranges of three rows: their last rows come by every kind of extreme. The last range has what is left. */
export function offsetsByThree(count: number, extent: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => (i === count - 1 ? extent : Math.min(3 * i, extent)));
}

/** Places that indices of a problem with few of them name. */
const FEW = 4;

/**
 * Indices that reach the first and the last place; gathers repeat some, scatters of which two could meet hit each place once at
 * most. Both have some out of range, which read 0 and write nothing: -1, the extent, and in i64 a number whose low half is in range.
 */
export function indicesFor(
  bound: BoundKernel,
  tensor: BoundTensor,
  shape: readonly number[],
  uses: readonly IndexUse[],
  extents: Readonly<Record<string, number>>,
  random: Random,
  pattern: Pattern,
): Float64Array {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const tallies = uses.filter(({ kind }) => kind === 'tally');
  if (tallies.length > 0)
    return countedIn(size, Math.max(...tallies.map(({ dims }) => extents[dims[0]!]!)), random);
  const room = Math.min(...uses.map(({ dims }) => dims.reduce((product, dim) => product * extents[dim]!, 1)));
  const outside = tensor.dtype === 'i64' ? [-1, room, 2 ** 32 + 1, room + 1] : [-1, room, room + 1];
  const scatter = uses.find(({ kind }) => kind === 'scatter');
  // One in five, another place of each five: of rows of five, too, each place has its turn.
  const skips = (i: number): boolean => size > 3 && (i + Math.floor(i / 5)) % 5 === 3;
  // Positions that a written tensor keeps apart by itself may share a place.
  const written = bound.tensors.find(({ name }) => name === scatter?.target);
  const apart = tensor.modes.map((mode) => written?.modes.some(({ axis }) => axis === mode.axis) ?? true);
  if (apart.every(Boolean)) {
    // Few, and all in range: positions that are compared with them, such as ends of ranges, lie past the last one.
    if (pattern === 'peaked')
      return Float64Array.from({ length: size }, () => random.below(Math.min(room, FEW)));
    const rows = rowsOf(tensor, shape);
    return Float64Array.from({ length: size }, (_, i) => {
      if (rows && pattern === 'poisoned') {
        const row = Math.floor(i / rows.length) % rows.count;
        if (isDropped(row, i % rows.length, rows)) return -1;
      }
      if (skips(i)) return outside[Math.floor(i / 5) % outside.length]!;
      return i === 0 || i === 2 ? room - 1 : i === 1 ? 0 : random.below(room);
    });
  }
  const groups = new Map<string, number[]>();
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < size; i++) {
    const key = index.filter((_, axis) => apart[axis]).join();
    groups.set(key, [...(groups.get(key) ?? []), i]);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
  const values = new Float64Array(size).fill(-1);
  for (const members of groups.values()) {
    const places = fromTheEdges(random.permutation(room));
    // Of several places a row, another one has the edges in a problem of another number of rows.
    const start = shape.length > 1 ? shape[0]! % members.length : random.below(members.length);
    members.forEach((i, n) => {
      const place = places[(n + start) % members.length] ?? -1;
      values[i] = skips(i) ? outside[Math.floor(i / 5) % outside.length]! : place;
    });
  }
  return values;
}
