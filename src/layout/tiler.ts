/**
 * Tilers: the right-hand side of composition, division and product.
 *
 * A layout acts on the whole; a number n is the layout n:1; a tuple acts mode by mode, `null` leaving its mode alone,
 * and so do modes beyond the tuple's end.
 */
import { layoutError } from './integer.js';
import { type Layout, concat, formatLayout, makeLayout, modesOf } from './layout.js';

export type Tiler = Layout | number | null | readonly Tiler[];

export function isTilerTuple(tiler: Tiler): tiler is readonly Tiler[] {
  return Array.isArray(tiler);
}

/** `op(layout, tile)` for a tiler without tuples, else mode by mode. @throws LAYOUT_INVALID for a tiler of too many modes. */
export function applyTiler(
  layout: Layout,
  tiler: Tiler,
  op: (layout: Layout, tile: Layout) => Layout,
): Layout {
  if (tiler === null) return layout;
  if (typeof tiler === 'number') return op(layout, makeLayout(tiler));
  if (!isTilerTuple(tiler)) return op(layout, tiler);
  requireRank(layout, tiler.length, 'tiler');
  return concat(
    modesOf(layout).map((mode, i) => (i < tiler.length ? applyTiler(mode, tiler[i]!, op) : mode)),
  );
}

/**
 * `split` mode by mode, the first halves gathered into mode 0 and the rest into mode 1:
 * from ((A,a),(B,b),C) to ((A,B),(a,b,C)). `split` gives layouts of two modes.
 *
 * @throws LAYOUT_INVALID for a tiler of too many modes.
 */
export function zipByTiler(
  layout: Layout,
  tiler: Tiler,
  split: (layout: Layout, tile: Layout) => Layout,
): Layout {
  if (tiler === null) return concat([makeLayout(1, 0), layout]);
  if (!isTilerTuple(tiler)) return applyTiler(layout, tiler, split);
  requireRank(layout, tiler.length, 'tiler');
  const modes = modesOf(layout);
  const halves = tiler.map((part, i) => modesOf(zipByTiler(modes[i]!, part, split)));
  return concat([
    concat(halves.map(([first]) => first!)),
    concat([...halves.map(([, second]) => second!), ...modes.slice(tiler.length)]),
  ]);
}

/** @throws LAYOUT_INVALID where the layout has fewer than `count` modes. */
export function requireRank(layout: Layout, count: number, what: string): void {
  const modes = modesOf(layout).length;
  if (count <= modes) return;
  throw layoutError(
    `the ${what} has more modes than the layout`,
    `${count} modes for ${formatLayout(layout)}`,
    `at most ${modes}`,
    `drop modes of the ${what}`,
  );
}
