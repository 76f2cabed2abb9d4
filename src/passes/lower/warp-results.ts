/** One result of each warp of a row, where every thread of the row finds them: shared memory, of each CTA of the cluster. */

import { arith, compare, guarded, i32, name, type Statement, type TileExpr } from '../../ir/tile.js';
import type { SectionContext } from './section-context.js';

const WARP = 32;

/** Warps of the row, over the cluster. */
export const warpsOf = ({ lanes }: SectionContext): number => (lanes.threads / WARP) * lanes.cluster;

/** A region that has an i32 of each warp. */
export function declareResults({ names, shared }: SectionContext, wanted: string, count: number): string {
  const region = names.fresh(wanted);
  shared.push({ name: region, dtype: 'i32', elements: count, align: 16 });
  return region;
}

/** The first lane of each warp writes its values; behind the barrier all are there. */
export function shareResults(
  { lanes }: SectionContext,
  regions: readonly string[],
  values: readonly TileExpr[],
): readonly Statement[] {
  const thread = name('thread', 'i32');
  const warp = arith('/', thread, i32(WARP));
  const rank: TileExpr = { kind: 'cluster-rank', dtype: 'i32', width: 0 };
  const index = lanes.cluster > 1 ? arith('+', arith('*', rank, i32(lanes.threads / WARP)), warp) : warp;
  const then = regions.map((to, i): Statement => {
    const value = values[i]!;
    return lanes.cluster > 1
      ? { kind: 'cluster-store', to, index, value, cluster: lanes.cluster }
      : { kind: 'store', to, at: [{ kind: 'at', index }], value };
  });
  return [
    { kind: 'if', condition: compare('==', arith('%', thread, i32(WARP)), i32(0)), then },
    { kind: lanes.cluster > 1 ? 'cluster-barrier' : 'barrier' },
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
