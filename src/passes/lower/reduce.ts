/** A partial result in every thread -> the result in every thread: butterfly, then shared memory, then the cluster. */

import { makeLayout } from '../../layout/index.js';
import type { ReduceFn, SharedRegion } from '../../ir/kernel.js';
import { arith, compare, i32, literal, name, type Statement, type TileExpr } from '../../ir/tile.js';
import type { Names } from './names.js';

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

/** Emits statements that leave in `variable` the reduction over `group.threads` threads of a row, and over the cluster. */
export function reduceAcrossThreads(
  context: ReduceContext,
  fn: ReduceFn,
  variable: string,
  group: { threads: number; stride: number },
  out: Statement[],
): void {
  const value = name(variable, 'f32');
  const inWarp = Math.min(group.threads, WARP / group.stride);
  if (inWarp > 1) {
    out.push({
      kind: 'assign',
      name: variable,
      value: {
        kind: 'warp-reduce',
        fn,
        operand: value,
        threads: inWarp,
        stride: group.stride,
        dtype: 'f32',
        width: 0,
      },
    });
  }
  const warps = (group.threads * group.stride) / WARP;
  if (warps <= 1 && context.cluster === 1) return;
  const perRow = Math.max(1, warps) * context.cluster;
  const region = context.names.fresh(`s_${variable}`);
  context.shared.push({ name: region, dtype: 'f32', elements: perRow * context.rowsPerCta, align: 16 });
  const thread = name('thread', 'i32');
  const slot = arith('/', thread, i32(WARP));
  const lane = arith('%', thread, i32(WARP));
  if (context.cluster > 1) {
    const rank: TileExpr = { kind: 'cluster-rank', dtype: 'i32', width: 0 };
    const index = arith('+', arith('*', rank, i32(Math.max(1, warps))), slot);
    out.push(
      {
        kind: 'if',
        condition: compare('==', lane, i32(0)),
        then: [{ kind: 'cluster-store', to: region, index, value, cluster: context.cluster }],
      },
      { kind: 'cluster-barrier' },
    );
  } else {
    out.push(
      {
        kind: 'if',
        condition: compare('==', lane, i32(0)),
        then: [{ kind: 'store', to: region, at: [{ kind: 'at', index: slot }], value }],
      },
      { kind: 'barrier' },
    );
  }
  // The partial results of this row lie next to each other: row r of the CTA owns [r * perRow, (r + 1) * perRow).
  const view = context.names.fresh(`${region}_row`);
  out.push({
    kind: 'shared-fragment',
    name: view,
    region,
    layout: makeLayout([context.rowsPerCta, perRow], [perRow, 1]),
  });
  const row = context.rowsPerCta === 1 ? i32(0) : arith('/', thread, i32(Math.max(1, warps) * WARP));
  const partials: TileExpr = {
    kind: 'element',
    of: view,
    at: [{ kind: 'at', index: row }, { kind: 'vector' }],
    dtype: 'f32',
    width: perRow,
  };
  out.push({
    kind: 'assign',
    name: variable,
    value: {
      kind: 'fold',
      fn,
      operand: partials,
      initial: literal(identity(fn), 'f32'),
      dtype: 'f32',
      width: 0,
    },
  });
}
