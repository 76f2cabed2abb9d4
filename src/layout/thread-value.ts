/**
 * Thread-value layouts: which thread owns which elements of a tile.
 *
 * (thread, value) -> index into the tile, counted colexicographically: with tile (4,6), index 9 is coordinate (1,2).
 * The thread is the linear index of the thread, the value its v-th register.
 */
import { type Coordinate, crd2idx, idx2crd } from './coordinate.js';
import { composition } from './composition.js';
import { floorDivide, layoutError } from './integer.js';
import { flatten, formatTuple, product } from './int-tuple.js';
import { rightInverse } from './inverse.js';
import { type Layout, cosize, evaluate, formatLayout, makeLayout, modeOf, modesOf, size } from './layout.js';
import { isCompact, isContiguous } from './overlap.js';
import { rakedProduct } from './product.js';

/** Make one with `makeTvLayout` or `tvLayout`, which check it. */
export interface TvLayout {
  /** Extents of the tile. */
  readonly tile: readonly number[];
  /** Two top-level modes, (thread, value) -> index into the tile. */
  readonly layout: Layout;
}

/** An element's thread and its place among that thread's values. */
export interface Owner {
  readonly thread: number;
  readonly value: number;
}

/**
 * The thread-value layout of CuTe's `make_layout_tv`: `threads` takes a coordinate to a thread, `values` a coordinate
 * within one thread's elements to a value; each thread owns a block of the shape of `values`, and the blocks are laid
 * out as `threads` says. threads (2,3):(3,1), values (2,2):(2,1) -> tile (4,6), ((3,2),(2,2)):((8,2),(4,1)).
 *
 * @throws LAYOUT_INVALID where threads or values are not compact: a thread or value would own nothing, or two things.
 */
export function makeTvLayout(threads: Layout, values: Layout): TvLayout {
  for (const [layout, what] of [
    [threads, 'thread'],
    [values, 'value'],
  ] as const) {
    if (isCompact(layout)) continue;
    throw layoutError(
      `the ${what} layout is not compact`,
      formatLayout(layout),
      `each ${what} from 0 to ${size(layout) - 1} exactly once`,
      'use strides without gaps or repeats',
    );
  }
  const owners = rakedProduct(threads, values); // (M,N) -> thread + threads * value
  return tvLayout(
    modesOf(owners).map(size),
    composition(rightInverse(owners), makeLayout([size(threads), size(values)])),
  );
}

/**
 * A thread-value layout of one's own.
 *
 * @throws LAYOUT_INVALID where `layout` has not two top-level modes, or reaches beyond the tile.
 */
export function tvLayout(tile: readonly number[], layout: Layout): TvLayout {
  const modes = modesOf(layout).length;
  if (modes !== 2 || cosize(layout) > product(tile)) {
    throw layoutError(
      'the layout is no thread-value layout of its tile',
      `${formatLayout(layout)} for a tile of ${formatTuple(tile)}`,
      `two modes, thread and value, into at most ${product(tile)} elements`,
      'correct the layout or the tile',
    );
  }
  return { tile, layout };
}

export function threadCount(tv: TvLayout): number {
  return size(modeOf(tv.layout, 0));
}

/** Elements that each thread owns. */
export function valueCount(tv: TvLayout): number {
  return size(modeOf(tv.layout, 1));
}

/** Whether every element of the tile is owned exactly once. */
export function isPartition(tv: TvLayout): boolean {
  return size(tv.layout) === product(tv.tile) && isCompact(tv.layout);
}

/** Whether every element of the tile is owned at least once. */
export function coversTile(tv: TvLayout): boolean {
  return cosize(tv.layout) === product(tv.tile) && isContiguous(tv.layout);
}

/** The tile coordinate of a thread's value. */
export function tvCoordinate(tv: TvLayout, { thread, value }: Owner): number[] {
  return flatten(idx2crd(evaluate(tv.layout, [thread, value]), tv.tile));
}

/**
 * The inverse map: index into the tile -> thread + threadCount * value. Where several own an element it names one.
 *
 * @throws LAYOUT_INVALID where the tile is not covered, or only by modes that are not nested in one another.
 */
export function tvInverse(tv: TvLayout): Layout {
  const inverse = rightInverse(tv.layout);
  if (size(inverse) === product(tv.tile)) return inverse;
  throw layoutError(
    'the thread-value layout does not name an owner for every element of its tile',
    `${formatLayout(tv.layout)} for a tile of ${formatTuple(tv.tile)}, whose right inverse is ${formatLayout(inverse)}`,
    `a right inverse of ${product(tv.tile)} elements`,
    'choose a layout that covers its tile with nested modes',
  );
}

/** Who owns the element at a tile coordinate. @throws LAYOUT_INVALID as `tvInverse`, or outside the tile. */
export function tvOwner(tv: TvLayout, coordinate: Coordinate): Owner {
  const inside = idx2crd(coordinate, tv.tile);
  const owner = evaluate(tvInverse(tv), crd2idx(inside, tv.tile));
  const threads = threadCount(tv);
  return { thread: owner % threads, value: floorDivide(owner, threads) };
}
