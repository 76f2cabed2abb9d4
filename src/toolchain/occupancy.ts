/**
 * Threads, registers and shared memory of a kernel -> how many of its CTAs fit on one SM.
 *
 * An estimate from the architecture's limits, after the occupancy section of the CUDA programming guide: it assumes
 * that the SM gives shared memory as much of its L1 as it can, and leaves out what clusters cost.
 */

import type { Architecture } from '../device/arch.js';

export interface OccupancyInput {
  readonly threads: number;
  /** A thread. */
  readonly registers: number;
  /** Static and dynamic, of a CTA, in bytes. */
  readonly sharedBytes: number;
}

export interface Occupancy {
  /** CTAs on one SM; 0 where not even one fits. */
  readonly ctasPerSm: number;
  readonly warpsPerSm: number;
  /** Resident warps over the most there can be, 0 to 1. */
  readonly fraction: number;
  readonly limitedBy: 'threads' | 'registers' | 'sharedMemory' | 'ctas';
}

/** Registers are handed to a warp in these, and every fourth of an SM has a fourth of them for its own warps. */
const REGISTER_UNIT = 256;
const PARTITIONS = 4;
/** Shared memory is handed to a CTA in these, in bytes. */
const SHARED_UNIT = 128;

export function estimateOccupancy(arch: Architecture, input: OccupancyInput): Occupancy {
  const warpsPerCta = Math.ceil(input.threads / arch.warpSize);
  const maxWarps = arch.maxThreadsPerSm / arch.warpSize;
  const limits = {
    threads: input.threads > arch.maxThreadsPerCta ? 0 : Math.floor(maxWarps / warpsPerCta),
    registers: registerLimit(arch, input.registers, warpsPerCta),
    sharedMemory: sharedLimit(arch, input.sharedBytes),
    ctas: arch.maxCtasPerSm,
  };
  const ctasPerSm = Math.min(...Object.values(limits));
  const limitedBy = (Object.keys(limits) as (keyof typeof limits)[]).find(
    (limit) => limits[limit] === ctasPerSm,
  )!;
  return {
    ctasPerSm,
    warpsPerSm: ctasPerSm * warpsPerCta,
    fraction: (ctasPerSm * warpsPerCta) / maxWarps,
    limitedBy,
  };
}

function registerLimit(arch: Architecture, registers: number, warpsPerCta: number): number {
  if (registers > arch.maxRegistersPerThread) return 0;
  const perWarp = Math.ceil((Math.max(registers, 1) * arch.warpSize) / REGISTER_UNIT) * REGISTER_UNIT;
  const warpsPerPartition = Math.floor(arch.registersPerSm / PARTITIONS / perWarp);
  return Math.floor((warpsPerPartition * PARTITIONS) / warpsPerCta);
}

function sharedLimit(arch: Architecture, bytes: number): number {
  if (bytes > arch.maxSharedMemoryPerCta) return 0;
  const allocated = Math.ceil((bytes + arch.reservedSharedMemoryPerCta) / SHARED_UNIT) * SHARED_UNIT;
  return Math.floor(arch.sharedMemoryPerSm / allocated);
}
