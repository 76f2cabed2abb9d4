/** How many calls a graph has, and how many copies of the tensors they rotate through. */

import { floorSeconds, type Ceilings } from './ceilings.js';
import type { Workload } from './workload.js';

/** A graph of calls is to take about this long, in seconds: far more than what an event's time is uncertain by. */
const GRAPH_SECONDS = 2e-3;
const CALLS = { least: 8, most: 128 } as const;
/** What a launch takes beside its bytes, in seconds: for the number of calls only. */
const LAUNCH_SECONDS = 2e-6;
/** A cold L2 has seen at least this many times its size since a tensor was last touched. */
export const L2_TIMES = 3;

/** How calls rotate through copies of the tensors. */
export interface Rotation {
  readonly sets: number;
  readonly calls: number;
  /** Whether the L2 is cleared before each replay: all sets together fit into it. */
  readonly flushed: boolean;
}

/** @throws DEVICE_MEMORY where not even two sets fit */
export function rotationOf(
  workload: Workload,
  { ceilings, l2Bytes }: { readonly ceilings: Ceilings; readonly l2Bytes: number },
  cache: 'cold' | 'warm',
  freeBytes: number,
): Rotation {
  const estimate = floorSeconds(ceilings, workload.moved) + LAUNCH_SECONDS;
  const calls = Math.min(CALLS.most, Math.max(CALLS.least, Math.round(GRAPH_SECONDS / estimate)));
  if (cache === 'warm') return { sets: 1, calls, flushed: false };
  const moved = workload.moved.read + workload.moved.written;
  const wanted = Math.max(2, Math.ceil((L2_TIMES * l2Bytes) / moved) + 1);
  const bytes = workload.tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  const sets = Math.max(2, Math.min(wanted, calls, Math.floor(freeBytes / bytes)));
  return { sets, calls, flushed: sets < wanted };
}
