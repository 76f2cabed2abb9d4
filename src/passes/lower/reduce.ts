/**
 * Partial results in every thread -> the results in every thread: butterfly, then shared memory, then the cluster. Reductions that
 * end together share one barrier.
 */

import { makeLayout } from '../../layout/index.js';
import type { ReduceFn, SharedRegion } from '../../ir/kernel.js';
import { arith, i32, literal, name, type Statement, type TileExpr } from '../../ir/tile.js';
import type { Names } from './names.js';
import { shareResults, type WarpResult } from './warp-results.js';

const WARP = 32;

export interface ReduceContext {
  readonly names: Names;
  /** Threads of the CTA. */
  readonly threads: number;
  readonly rowsPerCta: number;
  readonly cluster: number;
  /** Regions of shared memory are added here. */
  readonly shared: SharedRegion[];
}

/** What a reduction starts from: x combined with it is x. */
export const identity = (fn: ReduceFn): number => (fn === 'sum' ? 0 : fn === 'max' ? -Infinity : Infinity);

export interface Partial {
  readonly fn: ReduceFn;
  readonly variable: string;
  /** The threads of a row that take part: so many, so far apart. */
  readonly group: { readonly threads: number; readonly stride: number };
}

/** Emits statements that leave in each partial's variable its reduction over the threads of a row, and over the cluster. */
export function reduceAcrossThreads(
  context: ReduceContext,
  partials: readonly Partial[],
  out: Statement[],
): void {
  for (const { fn, variable, group } of partials) {
    const threads = Math.min(group.threads, WARP / group.stride);
    if (threads <= 1) continue;
    const operand = name(variable, 'f32');
    const { stride } = group;
    const value = { kind: 'warp-reduce', fn, operand, threads, stride, dtype: 'f32', width: 0 } as const;
    out.push({ kind: 'assign', name: variable, value });
  }
  const exchanges = partials
    .filter(({ group }) => context.cluster > 1 || group.threads * group.stride > WARP)
    .map((partial) => exchange(context, partial));
  if (exchanges.length === 0) return;
  out.push(
    ...shareResults(
      context.cluster,
      exchanges.map(({ result }) => result),
    ),
    ...exchanges.flatMap(({ read }) => read),
  );
}

/** Of one reduction: what each warp found, and what every thread reads behind the barrier. */
function exchange(
  context: ReduceContext,
  { fn, variable, group }: Partial,
): { readonly result: WarpResult; readonly read: readonly Statement[] } {
  const value = name(variable, 'f32');
  const warps = Math.max(1, (group.threads * group.stride) / WARP);
  const perRow = warps * context.cluster;
  const region = context.names.fresh(`s_${variable}`);
  context.shared.push({ name: region, dtype: 'f32', elements: perRow * context.rowsPerCta, align: 16 });
  // The partial results of this row lie next to each other: row r of the CTA owns [r * perRow, (r + 1) * perRow).
  const view = context.names.fresh(`${region}_row`);
  const row = context.rowsPerCta === 1 ? i32(0) : arith('/', name('thread', 'i32'), i32(warps * WARP));
  const partials: TileExpr = {
    kind: 'element',
    of: view,
    at: [{ kind: 'at', index: row }, { kind: 'vector' }],
    dtype: 'f32',
    width: perRow,
  };
  const initial = literal(identity(fn), 'f32');
  const layout = makeLayout([context.rowsPerCta, perRow], [perRow, 1]);
  return {
    result: { to: region, value, warps },
    read: [
      { kind: 'shared-fragment', name: view, region, layout },
      {
        kind: 'assign',
        name: variable,
        value: { kind: 'fold', fn, operand: partials, initial, dtype: 'f32', width: 0 },
      },
    ],
  };
}
