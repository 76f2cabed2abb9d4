/** How many CTAs are resident at once. */

export interface Occupancy {
  /** Threads of a CTA, padded to whole warps. */
  readonly threads: number;
  readonly sharedBytes: number;
  /** Registers a thread, where they are known. */
  readonly registers: number | undefined;
  readonly clusterSize: number;
  readonly multiprocessors: number;
}

/** Limits of a multiprocessor of sm_90 and sm_100: CTAs, threads, bytes of shared memory, registers. */
const LIMITS = { blocks: 32, threads: 2048, shared: 228 * 1024, registers: 65_536 };
/** Registers are given out to warps by this many. */
const REGISTER_UNIT = 256;

/** CTAs that fit on the device together, in whole clusters and at least one of these. */
export function residentBlocks(o: Occupancy): number {
  const bounds = [LIMITS.blocks, LIMITS.threads / o.threads, LIMITS.shared / o.sharedBytes];
  if (o.registers !== undefined) {
    const warp = Math.ceil((o.registers * 32) / REGISTER_UNIT) * REGISTER_UNIT;
    bounds.push(Math.floor(LIMITS.registers / warp) / (o.threads / 32));
  }
  const all = Math.max(1, Math.floor(Math.min(...bounds))) * o.multiprocessors;
  return Math.max(o.clusterSize, all - (all % o.clusterSize));
}
