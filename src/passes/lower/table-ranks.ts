/**
 * A row of each lane of a warp -> how many earlier rows of all have the same index.
 *
 * A shared array holds the counts of the rows before the warp's (`table-warps`). Lanes that have the same index are told apart
 * by their mask; where more rows of the warp follow, the first of them adds how many they are.
 */

import { all, arith, compare, guarded, i32, name, type Statement, type TileExpr } from '../../ir/tile.js';
import { fresh, inside, read, write, type Variable } from './scalars.js';
import type { SectionContext } from './section-context.js';
import { placeOfWarp, rankingWarps } from './table-warps.js';

export interface RankTable {
  /** Counts of the rows before, by warp where there are several. */
  readonly counts: string;
  readonly extent: number;
}

/**
 * Gives the rank of this thread's row. `row` is the row that this thread ranks, `binOf` its index; `again` says that rows of
 * the same warp follow.
 */
export function rankRows(
  context: SectionContext,
  wanted: string | undefined,
  { counts, extent }: RankTable,
  { row, rows, again }: { readonly row: TileExpr; readonly rows: TileExpr; readonly again: boolean },
  binOf: (row: TileExpr, out: Statement[]) => TileExpr,
): TileExpr {
  const { names, row: out } = context;
  const { threads } = context.kernel.schedule!;
  const { rowsPerCta, threadsPerRow } = context.section.schedule!;
  const thread = name('thread', 'i32');
  const own = fresh(names, 'own_bin');
  const counted = context.bind('own_row', row);
  const exists = all([
    ...(rowsPerCta < threads ? [compare('<', thread, i32(rowsPerCta))] : []),
    compare('<', counted, rows),
  ]);
  const inner: Statement[] = [];
  const index = context.bind('bin', binOf(counted, inner), inner);
  const assign: Statement = { kind: 'assign', name: own.name, value: index };
  inner.push(...guarded(inside(index, extent), [assign]));
  out.push({ kind: 'let', name: own.name, value: i32(-1) }, ...guarded(exists, inner));
  const same = context.bind('same', { kind: 'warp-match', operand: own, dtype: 'i32', width: 0 });
  const lanes = (which: 'below' | 'all'): TileExpr => ({
    kind: 'lane-count',
    which,
    operand: same,
    dtype: 'i32',
    width: 0,
  });
  const below = context.bind('below', lanes('below'));
  const place = rankingWarps(context) > 1 ? placeOfWarp(extent, own) : own;
  const isCounted = compare('>=', own, i32(0));
  const rank = fresh(names, wanted ?? 'rank_of_row');
  out.push(
    { kind: 'let', name: rank.name, value: i32(0) },
    ...guarded(isCounted, [
      { kind: 'assign', name: rank.name, value: arith('+', read(counts, place), below) },
    ]),
  );
  if (again) {
    const isFirst = all([isCounted, compare('==', below, i32(0))]);
    const more = write(counts, place, arith('+', read(counts, place), lanes('all')));
    out.push({ kind: 'warp-barrier' }, ...guarded(isFirst, [more]), { kind: 'warp-barrier' });
  }
  return threadsPerRow === 1 ? rank : shown(context, rank);
}

/** What thread r has of row r -> what every thread of row r has. */
function shown(context: SectionContext, rank: Variable): TileExpr {
  const { rowsPerCta, threadsPerRow } = context.section.schedule!;
  const thread = name('thread', 'i32');
  const ranks = context.names.fresh(`s_${rank.name}`);
  context.shared.push({ name: ranks, dtype: 'i32', elements: rowsPerCta, align: 16 });
  context.row.push(...guarded(compare('<', thread, i32(rowsPerCta)), [write(ranks, thread, rank)]), {
    kind: 'barrier',
  });
  const group = rowsPerCta === 1 ? i32(0) : arith('/', thread, i32(threadsPerRow));
  return context.bind(rank.name, read(ranks, group));
}
