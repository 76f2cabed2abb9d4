/**
 * The rows of a tile -> how many earlier rows of all have the same index.
 *
 * A shared array holds the counts of the rows before the tile. Warp after warp adds its own: lanes that have the same index
 * are told apart by their masks, and the first of them writes the new count.
 */

import { all, arith, compare, guarded, i32, name, type Statement, type TileExpr } from '../../ir/tile.js';
import { rowCount } from './expressions.js';
import { fresh, inside, read, write } from './scalars.js';
import type { SectionContext } from './section-context.js';

const WARP = 32;

/**
 * Leaves the rank of each row of a tile in shared memory, and gives that of this thread's row. `before` is the array of
 * counts, of `extent` elements, `binOf` the index of a row.
 */
export function rankRows(
  context: SectionContext,
  wanted: string | undefined,
  { before, extent }: { readonly before: string; readonly extent: number },
  firstRow: TileExpr,
  binOf: (row: TileExpr, out: Statement[]) => TileExpr,
): TileExpr {
  const { names, row: out } = context;
  const { threads } = context.kernel.schedule!;
  const { rowsPerCta, threadsPerRow } = context.section.schedule!;
  const ranks = names.fresh(`s_${wanted ?? 'ranks'}`);
  context.shared.push({ name: ranks, dtype: 'i32', elements: rowsPerCta, align: 16 });
  const thread = name('thread', 'i32');
  const own = fresh(names, 'own_bin');
  // Thread r ranks row r of the tile.
  const counted = context.bind('own_row', arith('+', firstRow, thread));
  const exists = all([
    ...(rowsPerCta < threads ? [compare('<', thread, i32(rowsPerCta))] : []),
    compare('<', counted, rowCount(context.section)),
  ]);
  const inner: Statement[] = [];
  const index = context.bind('bin', binOf(counted, inner), inner);
  const assign: Statement = { kind: 'assign', name: own.name, value: index };
  inner.push(...guarded(inside(index, extent), [assign]));
  out.push({ kind: 'let', name: own.name, value: i32(-1) }, ...guarded(exists, inner));
  const peers = (which: 'below' | 'all'): TileExpr => ({
    kind: 'warp-peers',
    which,
    operand: own,
    dtype: 'i32',
    width: 0,
  });
  const below = context.bind('below', peers('below'));
  const warps = Math.ceil(rowsPerCta / WARP);
  const again = warps > 1 || context.kernel.schedule!.persistent !== undefined;
  const same = again ? context.bind('same', peers('all')) : undefined;
  const isCounted = compare('>=', own, i32(0));
  const found = arith('+', read(before, own), below);
  const rank = fresh(names, 'rank');
  const turn: readonly Statement[] = [
    { kind: 'let', name: rank.name, value: i32(0) },
    { kind: 'if', condition: isCounted, then: [{ kind: 'assign', name: rank.name, value: found }] },
    ...guarded(rowsPerCta % WARP === 0 ? undefined : compare('<', thread, i32(rowsPerCta)), [
      write(ranks, thread, rank),
    ]),
    ...(same
      ? [
          { kind: 'warp-barrier' } as const,
          ...guarded(all([isCounted, compare('==', below, i32(0))]), [
            write(before, own, arith('+', read(before, own), same)),
          ]),
        ]
      : []),
  ];
  const warp = arith('/', thread, i32(WARP));
  const variable = names.fresh('turn');
  const inTurn = (which: TileExpr): readonly Statement[] => [
    ...guarded(warps * WARP === threads && warps === 1 ? undefined : compare('==', warp, which), turn),
    { kind: 'barrier' },
  ];
  if (warps === 1) out.push(...inTurn(i32(0)));
  else {
    const [begin, end, step] = [i32(0), i32(warps), i32(1)];
    out.push({ kind: 'loop', variable, begin, end, step, unroll: 1, body: inTurn(name(variable, 'i32')) });
  }
  const group = threadsPerRow === 1 ? thread : arith('/', thread, i32(threadsPerRow));
  return context.bind(wanted ?? 'rank_of_row', read(ranks, rowsPerCta === 1 ? i32(0) : group));
}
