/** A section that counts over all its rows -> how many threads of a CTA, and CTAs of a cluster, count together. */

import type { Architecture } from '../device/arch.js';
import type { Section, Target } from '../ir/kernel.js';
import type { ScheduleOverride } from '../plan/index.js';
import type { Draft } from './schedule-draft.js';

/** Threads of a CTA that counts all rows: few CTAs count each with many threads in prefill. */
const THREADS = { decode: 256, prefill: 1024 };
/** Threads of a CTA that counts a share: two such CTAs fit on an SM, so that a cluster finds its SMs whatever runs there. */
const SHARING_THREADS = 512;
/** CTAs that count together: the largest cluster that runs everywhere. */
const SHARING_CTAS = 8;
/** Parts of the shared memory for counts by warp, and for those by CTA. */
const PART = { byWarp: 1 / 3, byCta: 1 / 2 };
const WARP = 32;
const I32 = 4;

/** CTAs that count together; 1 where each counts all rows: in decode, which has few, beside other sections, and where a row has a cluster. */
export function countingCtas(
  drafts: readonly Draft[],
  target: Target,
  arch: Architecture,
  override: ScheduleOverride,
): number {
  const [draft, ...others] = drafts;
  if (
    others.length > 0 ||
    draft!.split ||
    draft!.cluster > 1 ||
    target.phase === 'decode' ||
    !arch.hasClusters
  )
    return 1;
  const tables = countTables(draft!.section);
  if (tables.length === 0) return 1;
  if (override.cluster !== undefined) return override.cluster;
  // Rows before a cluster's, its own and those after are counted apart for ranks: each CTA has its own counts and all of the cluster's.
  const elements = tables.reduce((sum, { bins, ranked }) => sum + (ranked ? 3 : 1) * bins, 0);
  let ctas = Math.min(SHARING_CTAS, arch.maxClusterSize);
  while (ctas > 1 && I32 * elements * (ctas + 1) > PART.byCta * arch.maxSharedMemoryPerCta) ctas /= 2;
  return ctas;
}

/** Threads of a CTA whose sections count. */
export function countingThreads(
  sections: readonly Section[],
  target: Target,
  arch: Architecture,
  ctas: number,
): number {
  let threads = ctas > 1 ? SHARING_THREADS : THREADS[target.phase];
  const ranked = sections.flatMap(countTables).filter((table) => table.ranked);
  const elements = ranked.reduce((sum, { bins }) => sum + bins, 0);
  while (threads > WARP && (threads / WARP) * elements * I32 > PART.byWarp * arch.maxSharedMemoryPerCta)
    threads /= 2;
  return threads;
}

/** Elements of each table of counts, and whether rows are ranked by it. */
function countTables({ tables, values }: Section): readonly { bins: number; ranked: boolean }[] {
  return (tables?.values ?? []).flatMap((count) => {
    if (count.kind !== 'count') return [];
    const { extent } = tables!.axes.find(({ axis }) => axis === count.bins)!;
    const ranked = values.some((value) => value.kind === 'rank' && value.counts === count.id);
    return [{ bins: Number(extent), ranked }];
  });
}
