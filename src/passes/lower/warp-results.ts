/** One result of each warp of a row, where every thread of the row finds them: shared memory, of each CTA of the cluster. */

import {
  arith,
  clusterRank,
  compare,
  guarded,
  i32,
  name,
  type Statement,
  type TileExpr,
} from '../../ir/tile.js';
import type { SectionContext } from './section-context.js';

const WARP = 32;

/** Warps of the row in a CTA. */
export const warpsOf = ({ lanes }: SectionContext): number => lanes.threads / WARP;

/** A region that has an i32 of each warp. */
export function declareResults({ names, shared }: SectionContext, wanted: string, count: number): string {
  const region = names.fresh(wanted);
  shared.push({ name: region, dtype: 'i32', elements: count, align: 16 });
  return region;
}

/** What a warp found, and the region that has one of each of a row's `warps` in a CTA, CTA by CTA of the cluster. */
export interface WarpResult {
  readonly to: string;
  readonly value: TileExpr;
  readonly warps: number;
}

/** The first lane of each warp writes its results; behind the barrier all are there. */
export function shareResults(cluster: number, results: readonly WarpResult[]): readonly Statement[] {
  const thread = name('thread', 'i32');
  const warp = arith('/', thread, i32(WARP));
  const then = results.map(({ to, value, warps }): Statement => {
    if (cluster === 1) return { kind: 'store', to, at: [{ kind: 'at', index: warp }], value };
    const index = arith('+', arith('*', clusterRank, i32(warps)), warp);
    return { kind: 'cluster-store', to, index, value, cluster };
  });
  return [
    { kind: 'if', condition: compare('==', arith('%', thread, i32(WARP)), i32(0)), then },
    { kind: cluster > 1 ? 'cluster-barrier' : 'barrier' },
  ];
}

/** What `take` does at the places of this lane, of `count` that a warp shares out. */
export function overResults(
  { names, unrolled }: SectionContext,
  count: number,
  take: (index: TileExpr) => readonly Statement[],
): Statement {
  const variable = names.fresh('part');
  unrolled.add(variable);
  const lane = arith('%', name('thread', 'i32'), i32(WARP));
  const index = arith('+', lane, arith('*', name(variable, 'i32'), i32(WARP)));
  const isThere = count % WARP === 0 ? undefined : compare('<', index, i32(count));
  return {
    kind: 'unroll',
    variable,
    extent: Math.ceil(count / WARP),
    body: guarded(isThere, take(index)),
  };
}
