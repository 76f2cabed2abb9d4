/**
 * A plan's variants -> n shards for n machines, balanced by recorded compile cost.
 *
 * The longest are given out first, each to the shard with the least so far: at most 4/3 of the best possible (Graham,
 * "Bounds on Multiprocessing Timing Anomalies", 1969). Ties go by id and shard number, so that every machine that has
 * the same costs gets the same shards.
 */

import { RoseError } from '../util/errors.js';
import type { Plan, PlannedVariant } from './plan.js';

/** Seconds to compile a variant none was recorded for. */
export const DEFAULT_COST_S = 0.1;

/** Shards beyond this are a slip of the keyboard. */
const MAX_SHARDS = 10_000;

/** `costs`: seconds by variant id. Together the shards are exactly the plan; some may be empty. Raises USAGE. */
export function shard(
  whole: Pick<Plan, 'variants'>,
  n: number,
  costs: ReadonlyMap<string, number> = new Map(),
): readonly (readonly PlannedVariant[])[] {
  if (!Number.isInteger(n) || n < 1 || n > MAX_SHARDS) throw badCount(String(n));
  const shards = Array.from({ length: n }, (_, index) => ({ index, load: 0, ids: new Set<string>() }));
  const cost = ({ id }: PlannedVariant): number => {
    const recorded = costs.get(id) ?? DEFAULT_COST_S;
    return Number.isFinite(recorded) && recorded >= 0 ? recorded : DEFAULT_COST_S;
  };
  const longestFirst = [...whole.variants].sort((a, b) => cost(b) - cost(a) || compareText(a.id, b.id));
  for (const variant of longestFirst) {
    const lightest = shards.reduce((least, next) => (lighter(next, least) ? next : least));
    lightest.ids.add(variant.id);
    lightest.load += cost(variant);
  }
  return shards.map(({ ids }) => whole.variants.filter(({ id }) => ids.has(id)));
}

/** Less to do, or as much with fewer variants. */
function lighter(
  a: { readonly load: number; readonly ids: ReadonlySet<string> },
  b: { readonly load: number; readonly ids: ReadonlySet<string> },
): boolean {
  return a.load < b.load || (a.load === b.load && a.ids.size < b.ids.size);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export interface ShardChoice {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

/** `2/4` -> the second of four. Raises USAGE. */
export function selectShard(text: string): ShardChoice {
  const match = /^\s*(\d{1,6})\s*\/\s*(\d{1,6})\s*$/.exec(text);
  if (!match) {
    throw new RoseError({
      code: 'USAGE',
      message: `${JSON.stringify(text)} names no shard`,
      actual: text,
      expected: 'i/n, for instance 1/4',
      next: 'give the number of this shard and how many there are',
    });
  }
  const [index, count] = [Number(match[1]), Number(match[2])];
  if (count < 1 || count > MAX_SHARDS) throw badCount(String(count));
  if (index >= 1 && index <= count) return { index, count };
  throw new RoseError({
    code: 'USAGE',
    message: `there is no shard ${index} of ${count}`,
    actual: text,
    expected: `1/${count} to ${count}/${count}`,
    next: 'shards are counted from 1',
  });
}

function badCount(actual: string): RoseError {
  return new RoseError({
    code: 'USAGE',
    message: 'a plan cannot be cut into this many shards',
    actual,
    expected: `a whole number from 1 to ${MAX_SHARDS}`,
    next: 'choose as many shards as there are machines',
  });
}
