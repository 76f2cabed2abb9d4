/**
 * A CTA's own rows -> the warps that rank them, and counts of them by warp.
 *
 * Each warp has rows next to each other, and an array of its own: the number of its rows of each index and, once all have been
 * counted, of the rows before them. From there on no warp waits for another.
 */

import { arith, i32, name, type Statement, type TileExpr } from '../../ir/tile.js';
import { rowCount } from './expressions.js';
import { extreme, fresh, read, write } from './scalars.js';
import type { SectionContext } from './section-context.js';

const WARP = 32;
const thread = name('thread', 'i32');
const warp = arith('/', thread, i32(WARP));

/** Tiles of rows that a CTA (or cluster) has, and its place among the CTAs of its section. */
export interface OwnTiles {
  /** Index of the first tile. */
  readonly first: TileExpr;
  readonly count: TileExpr;
  readonly cta: TileExpr;
  readonly ctas: TileExpr;
}

/** Rows that a CTA ranks: `count` from `first`; this thread's from `begin` below `end`, `stride` apart. */
export interface OwnRows {
  readonly first: TileExpr;
  readonly count: TileExpr;
  readonly begin: TileExpr;
  readonly end: TileExpr;
  readonly stride: number;
}

/** A shared array (warps, extent). */
export interface ByWarp {
  readonly name: string;
  readonly warps: number;
  readonly elements: number;
}

/** Warps of a CTA that rank rows. */
export const rankingWarps = ({ section }: SectionContext): number =>
  Math.ceil(section.schedule!.rowsPerCta / WARP);

export function ownRows(context: SectionContext, tiles: OwnTiles): OwnRows {
  const { rowsPerCta } = context.section.schedule!;
  const { persistent, counters } = context.kernel.schedule!;
  const rows = rowCount(context.section);
  const isWalked = persistent !== undefined || counters !== undefined || rankingWarps(context) > 1;
  const bind = (wanted: string, value: TileExpr) =>
    isWalked ? context.bind(wanted, value, context.prologue) : value;
  const firstRow = arith('*', tiles.first, i32(rowsPerCta));
  const count = arith('*', tiles.count, i32(rowsPerCta));
  const share = arith('*', tiles.count, i32(WARP));
  const begin = bind('warp_begin', arith('+', firstRow, arith('*', warp, share)));
  const ctaEnd = extreme('min', arith('+', firstRow, count), rows);
  return {
    first: firstRow,
    count,
    begin: bind('own_begin', arith('+', begin, arith('%', thread, i32(WARP)))),
    end: bind('own_end', extreme('min', arith('+', begin, share), ctaEnd)),
    stride: WARP,
  };
}

/** Where the array of this thread's warp has an index. */
export const placeOfWarp = (extent: number, index: TileExpr): TileExpr =>
  arith('+', arith('*', warp, i32(extent)), index);

/** The rows of an index that all warps have counted, for `use`. */
export function sumOfWarps(
  { names }: SectionContext,
  byWarp: ByWarp,
  extent: number,
  index: TileExpr,
  use: (sum: TileExpr) => Statement,
): readonly Statement[] {
  const sum = fresh(names, 'own_sum');
  const body = (place: TileExpr): readonly Statement[] => [
    { kind: 'assign', name: sum.name, value: arith('+', sum, read(byWarp.name, place)) },
  ];
  return [
    { kind: 'let', name: sum.name, value: i32(0) },
    overWarps(names, byWarp, extent, index, body),
    use(sum),
  ];
}

/** Counts of each warp -> counts of the rows before it, of which `before` has those before the CTA's own. */
export function startWarps(
  { names }: SectionContext,
  byWarp: ByWarp,
  before: string,
  extent: number,
  index: TileExpr,
): readonly Statement[] {
  const sum = fresh(names, 'start');
  const count = fresh(names, 'count');
  const body = (place: TileExpr): readonly Statement[] => [
    { kind: 'let', name: count.name, value: read(byWarp.name, place) },
    write(byWarp.name, place, sum),
    { kind: 'assign', name: sum.name, value: arith('+', sum, count) },
  ];
  return [
    { kind: 'let', name: sum.name, value: read(before, index) },
    overWarps(names, byWarp, extent, index, body),
  ];
}

function overWarps(
  names: SectionContext['names'],
  { warps }: ByWarp,
  extent: number,
  index: TileExpr,
  body: (place: TileExpr) => readonly Statement[],
): Statement {
  const variable = names.fresh('each_warp');
  const place = arith('+', arith('*', name(variable, 'i32'), i32(extent)), index);
  return { kind: 'unroll', variable, extent: warps, body: body(place) };
}
