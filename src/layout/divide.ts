/**
 * Division: a layout cut into tiles. Every form has a tile part and a rest part, and is the layout seen through other
 * coordinates; where a tile does not divide the layout, the last tile hangs over the end.
 *
 *   logical  (Tile, rest), or ((TileM,restM),(TileN,restN),L) by mode    zipped  ((TileM,TileN),(restM,restN,L))
 *   tiled    ((TileM,TileN),restM,restN,L)                               flat    (TileM,TileN,restM,restN,L)
 */
import { complement } from './complement.js';
import { composition } from './composition.js';
import { type Layout, concat, modesOf, size } from './layout.js';
import { type Tiler, applyTiler, zipByTiler } from './tiler.js';

/** A o (B, complement of B within size(A)): mode 0 walks in a tile, mode 1 from tile to tile. */
function divide(layout: Layout, tile: Layout): Layout {
  return composition(layout, concat([tile, complement(tile, size(layout))]));
}

/** @throws LAYOUT_INVALID where `complement` or `composition` does. */
export function logicalDivide(layout: Layout, tiler: Tiler): Layout {
  return applyTiler(layout, tiler, divide);
}

/** @throws LAYOUT_INVALID where `complement` or `composition` does. */
export function zippedDivide(layout: Layout, tiler: Tiler): Layout {
  return zipByTiler(layout, tiler, divide);
}

/** @throws LAYOUT_INVALID where `complement` or `composition` does. */
export function tiledDivide(layout: Layout, tiler: Tiler): Layout {
  return tiled(zippedDivide(layout, tiler));
}

/** @throws LAYOUT_INVALID where `complement` or `composition` does. */
export function flatDivide(layout: Layout, tiler: Tiler): Layout {
  return flat(zippedDivide(layout, tiler));
}

/** ((A,B),(a,b)) -> ((A,B),a,b) */
export function tiled(zipped: Layout): Layout {
  const [tile, rest] = modesOf(zipped);
  return concat([tile!, ...modesOf(rest!)]);
}

/** ((A,B),(a,b)) -> (A,B,a,b) */
export function flat(zipped: Layout): Layout {
  return concat(modesOf(zipped).flatMap(modesOf));
}
