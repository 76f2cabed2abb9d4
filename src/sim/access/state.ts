/** What the checked accesses need to know of the machine they run in, and what they are. */

import type { Checks } from '../checks/checks.js';
import type { HazardShadow } from '../checks/hazards.js';
import type { Publication } from '../checks/publication.js';
import type { Segment, SimMemory } from '../memory.js';
import type { Report } from '../report.js';

export interface AccessState {
  readonly checks: Checks;
  readonly memory: SimMemory;
  /** Padded threads of a CTA: thread g belongs to slot floor(g / stride). */
  readonly threadStride: number;
  readonly sharedStride: number;
  readonly sharedStart: number;
  /** First byte past the CTA's shared memory. */
  sharedEnd: number;
  readonly shared: Uint8Array;
  readonly localStride: number;
  readonly parameterBytes: number;
  readonly clusterSize: number;
  readonly hazards: HazardShadow;
  /** What CTAs know of each other's writes; absent where the kernel has no means to tell. */
  readonly publication: Publication | undefined;
  /** Grid index of the CTA in each slot. */
  readonly ctaOfSlot: Int32Array;
  /** 1 for threads that have waited for the previous kernel. */
  readonly dependencyMet: Uint8Array;
  /** [0]: set when global memory changes. */
  readonly world: Int32Array;
  readonly report: Report;
}

/** An address in two words, bytes, thread, instruction -> the segment; the place in it is the low word & its mask. */
export type GlobalAccess = (hi: number, lo: number, bytes: number, g: number, instruction: number) => Segment;
/** An address in a window, bytes, thread, instruction -> a byte offset. */
export type WindowAccess = (address: number, bytes: number, g: number, instruction: number) => number;

/** First letter: global, shared, local, parameters, generic. Second: load, store, ordered store, atomic. */
export interface Accesses {
  readonly GL: GlobalAccess;
  readonly GS: GlobalAccess;
  readonly GT: GlobalAccess;
  readonly GA: GlobalAccess;
  readonly SL: WindowAccess;
  readonly SS: WindowAccess;
  readonly SA: WindowAccess;
  readonly ST: WindowAccess;
  readonly LL: WindowAccess;
  readonly LS: WindowAccess;
  readonly LT: WindowAccess;
  readonly LA: WindowAccess;
  readonly PL: WindowAccess;
  readonly XL: GlobalAccess;
  readonly XS: GlobalAccess;
  readonly XT: GlobalAccess;
  readonly XA: GlobalAccess;
  /** Where a generic access landed in its segment. */
  readonly XO: Int32Array;
}

export const hex = (hi: number, lo: number): string =>
  `0x${((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)).toString(16)}`;
