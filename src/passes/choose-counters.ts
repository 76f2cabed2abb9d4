/** A section that counts over all its rows -> how many threads of a CTA, and CTAs of a cluster, count together. */

import type { Architecture } from '../device/arch.js';
import type { Section, Target } from '../ir/kernel.js';
import type { ScheduleOverride } from '../plan/index.js';

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

/** CTAs that count together; 1 where each counts all rows: in decode, which has few, and beside other sections. */
export function countingCtas(
  sections: readonly Section[],
  target: Target,
  arch: Architecture,
  override: ScheduleOverride,
): number {
  const [section, ...others] = sections;
  if (others.length > 0 || !section?.tables || target.phase === 'decode' || !arch.hasClusters) return 1;
  // Rows before a cluster's, its own and those after are counted apart: each CTA has its own counts and all of the cluster's.
  const bytes = (ctas: number) => 3 * I32 * longestTable(section) * (ctas + 1);
  let ctas = override.cluster ?? Math.min(SHARING_CTAS, arch.maxClusterSize);
  while (override.cluster === undefined && ctas > 1 && bytes(ctas) > PART.byCta * arch.maxSharedMemoryPerCta)
    ctas /= 2;
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
  const bins = Math.max(...sections.map(longestTable));
  while (threads > WARP && (threads / WARP) * bins * I32 > PART.byWarp * arch.maxSharedMemoryPerCta)
    threads /= 2;
  return threads;
}

/** Elements of the longest table of counts. */
function longestTable({ tables }: Section): number {
  const counts = (tables?.values ?? []).filter((value) => value.kind === 'count');
  const extents = counts.map(({ bins }) => tables!.axes.find(({ axis }) => axis === bins)!.extent);
  return Math.max(1, ...extents.map(Number));
}
