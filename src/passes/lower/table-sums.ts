/** Values over a table's positions -> a shared array of the sums of what lies before each. */

import { all, arith, compare, guarded, i32, name, type Statement, type TileExpr } from '../../ir/tile.js';
import { choose, fresh, read, write } from './scalars.js';
import type { SectionContext } from './section-context.js';

const WARP = 32;

/** By warps, then over the warps; a round for each `threads` positions. `region` has `extent` elements. */
export function sumBefore(
  context: SectionContext,
  region: string,
  extent: number,
  valueAt: (index: TileExpr, out: Statement[]) => TileExpr,
): void {
  const { names, prologue } = context;
  const { threads } = context.kernel.schedule!;
  const warps = Math.ceil(Math.min(extent, threads) / WARP);
  const sums = names.fresh(`${region}_warps`);
  context.shared.push({ name: sums, dtype: 'i32', elements: warps, align: 16 });
  const thread = name('thread', 'i32');
  const warp = context.bind('warp', arith('/', thread, i32(WARP)), prologue);
  const rounds = Math.ceil(extent / threads);
  let done: TileExpr | undefined;
  for (let round = 0; round < rounds; round++) {
    const index = context.bind('position', arith('+', thread, i32(round * threads)), prologue);
    const guard = (round + 1) * threads <= extent ? undefined : compare('<', index, i32(extent));
    const own = fresh(names, 'own');
    const inner: Statement[] = [];
    inner.push({ kind: 'assign', name: own.name, value: valueAt(index, inner) });
    prologue.push({ kind: 'let', name: own.name, value: i32(0) }, ...guarded(guard, inner));
    const upTo = context.bind('up_to', { kind: 'warp-scan', operand: own, dtype: 'i32', width: 0 }, prologue);
    const last = all([
      compare('==', arith('%', thread, i32(WARP)), i32(WARP - 1)),
      ...(warps * WARP < threads ? [compare('<', warp, i32(warps))] : []),
    ]);
    prologue.push(...guarded(last, [write(sums, warp, upTo)]), { kind: 'barrier' });
    const base = fresh(names, 'base');
    const total = fresh(names, 'total');
    const variable = names.fresh('each_warp');
    const each = read(sums, name(variable, 'i32'));
    prologue.push(
      { kind: 'let', name: base.name, value: done ?? i32(0) },
      { kind: 'let', name: total.name, value: done ?? i32(0) },
      {
        kind: 'unroll',
        variable,
        extent: warps,
        body: [
          {
            kind: 'assign',
            name: base.name,
            value: arith('+', base, choose(compare('<', name(variable, 'i32'), warp), each, i32(0))),
          },
          { kind: 'assign', name: total.name, value: arith('+', total, each) },
        ],
      },
      ...guarded(guard, [write(region, index, arith('-', arith('+', base, upTo), own))]),
      { kind: 'barrier' },
    );
    done = total;
  }
}
