/**
 * Product: a layout repeated. Block A is laid out size(B) times without overlap, in the order that B gives.
 *
 *   logical  (A, repeats), or ((A0,r0),(A1,r1)) by mode    zipped, tiled, flat   as in division
 *   blocked  ((A0,B0),(A1,B1)): blocks side by side        raked   ((B0,A0),(B1,A1)): blocks interleaved
 */
import { coalesce } from './coalesce.js';
import { complementOfSize } from './complement.js';
import { composition } from './composition.js';
import { flat, tiled } from './divide.js';
import { type Layout, concat, cosize, makeLayout, modesOf } from './layout.js';
import { type Tiler, applyTiler, zipByTiler } from './tiler.js';

/**
 * (A, C o B): mode 0 walks in a block, mode 1 from block to block. C is the complement of A with room for every value
 * of B. That within size(A) * cosize(B) is the same one where A has no padding, and too small where it has.
 */
function multiplyLayouts(block: Layout, tile: Layout): Layout {
  const room = complementOfSize(block, cosize(tile));
  return concat([block, composition(room, tile)]);
}

/** @throws LAYOUT_INVALID where `complement` or `composition` does. */
export function logicalProduct(block: Layout, tiler: Tiler): Layout {
  return applyTiler(block, tiler, multiplyLayouts);
}

/** @throws LAYOUT_INVALID where `complement` or `composition` does. */
export function zippedProduct(block: Layout, tiler: Tiler): Layout {
  return zipByTiler(block, tiler, multiplyLayouts);
}

/** @throws LAYOUT_INVALID where `complement` or `composition` does. */
export function tiledProduct(block: Layout, tiler: Tiler): Layout {
  return tiled(zippedProduct(block, tiler));
}

/** @throws LAYOUT_INVALID where `complement` or `composition` does. */
export function flatProduct(block: Layout, tiler: Tiler): Layout {
  return flat(zippedProduct(block, tiler));
}

/**
 * Blocks side by side, mode by mode: in mode k the block's mode k runs within a block and the tiler's mode k from block
 * to block. The one of lower rank is filled up with modes 1:0.
 *
 * @throws LAYOUT_INVALID where `complement` or `composition` does.
 */
export function blockedProduct(block: Layout, tiler: Layout): Layout {
  return concat(repeatByMode(block, tiler).map(([inner, outer]) => concat([inner, outer])));
}

/**
 * Blocks interleaved, mode by mode: in mode k the tiler's mode k runs fastest, so that neighbours belong to different
 * blocks. Each mode is coalesced. The one of lower rank is filled up with modes 1:0.
 *
 * @throws LAYOUT_INVALID where `complement` or `composition` does.
 */
export function rakedProduct(block: Layout, tiler: Layout): Layout {
  return concat(repeatByMode(block, tiler).map(([inner, outer]) => coalesce(concat([outer, inner]))));
}

/** For each top-level mode: how it runs in a block, and from block to block. */
function repeatByMode(block: Layout, tiler: Layout): [Layout, Layout][] {
  const rank = Math.max(modesOf(block).length, modesOf(tiler).length);
  const fill = (layout: Layout): Layout =>
    concat(Array.from({ length: rank }, (_, i) => modesOf(layout)[i] ?? makeLayout(1, 0)));
  const [inner, outer] = modesOf(multiplyLayouts(fill(block), fill(tiler)));
  return modesOf(inner!).map((mode, i) => [mode, modesOf(outer!)[i]!]);
}
