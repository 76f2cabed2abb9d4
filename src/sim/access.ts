/**
 * The checked accesses of generated code: address -> place in memory, reporting what is wrong with it.
 *
 * An access that is out of bounds or misaligned is refused: it reads zeros and writes nothing, and the kernel goes on, so
 * that one run finds several faults.
 */

import type { HazardShadow } from './hazards.js';
import { WINDOWS } from './lower/memory.js';
import { NOWHERE, pageOf } from './memory.js';
import type { Segment, SimMemory } from './memory.js';
import type { FaultKind, SimReport } from './report.js';

export interface Checks {
  readonly initialisation: boolean;
  readonly hazards: boolean;
  readonly conflicts: boolean;
  readonly inputs: boolean;
  readonly convergence: boolean;
  readonly dependency: boolean;
}

export const ALL_CHECKS: Checks = {
  initialisation: true,
  hazards: true,
  conflicts: true,
  inputs: true,
  convergence: true,
  dependency: true,
};

/** Bounds and alignment are always checked: without them the simulator itself would not be safe. */
export const NO_CHECKS: Checks = {
  initialisation: false,
  hazards: false,
  conflicts: false,
  inputs: false,
  convergence: false,
  dependency: false,
};

/** What accesses need to know of the machine they run in. */
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
  /** Grid index of the CTA in each slot. */
  readonly ctaOfSlot: Int32Array;
  /** 1 for threads that have waited for the previous kernel. */
  readonly dependencyMet: Uint8Array;
  /** [0]: set when global memory changes. */
  readonly world: Int32Array;
  report(
    kind: FaultKind,
    thread: number,
    instruction: number,
    more: Partial<SimReport> & { detail: string },
  ): void;
}

type GlobalAccess = (hi: number, lo: number, bytes: number, g: number, instruction: number) => Segment;
type WindowAccess = (address: number, bytes: number, g: number, instruction: number) => number;

export interface Accesses {
  readonly GL: GlobalAccess;
  readonly GS: GlobalAccess;
  readonly GA: GlobalAccess;
  readonly SL: WindowAccess;
  readonly SS: WindowAccess;
  readonly SA: WindowAccess;
  readonly LL: WindowAccess;
  readonly LS: WindowAccess;
  readonly LA: WindowAccess;
  readonly PL: WindowAccess;
  readonly XL: GlobalAccess;
  readonly XS: GlobalAccess;
  readonly XA: GlobalAccess;
  readonly XO: Int32Array;
}

const hex = (hi: number, lo: number): string =>
  `0x${((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)).toString(16)}`;

export function accesses(
  state: AccessState,
  sharedSegment: Segment,
  localSegment: Segment,
  parameterSegment: Segment,
): Accesses {
  const { checks, memory, shared, hazards, threadStride, sharedStride, sharedStart, world, clusterSize } =
    state;
  const { segments } = memory;
  const trash = shared.length - 64;
  const XO = new Int32Array(1);

  function refuse(
    hi: number,
    lo: number,
    bytes: number,
    g: number,
    instruction: number,
    verb: string,
  ): Segment {
    const segment = hi >= 0 && hi < segments.length ? segments[hi]! : NOWHERE;
    const { allocation } = segment;
    NOWHERE.i32.fill(0);
    if (allocation && (lo >>> 0) + bytes <= segment.size) {
      const offset = segment.start + (lo >>> 0);
      state.report('misaligned', g, instruction, {
        detail: `${verb} ${bytes} bytes at an address that is not a multiple of ${bytes}`,
        address: hex(hi, lo),
        ...located(segment, lo >>> 0, offset),
      });
      return NOWHERE;
    }
    // An access just before an allocation lies in the high word below it.
    const owner =
      allocation ?? (segments[hi + 1] ?? NOWHERE).allocation ?? (segments[hi - 1] ?? NOWHERE).allocation;
    const offset = owner ? (hi - owner.high) * 2 ** 32 + (lo >>> 0) : 0;
    state.report('out-of-bounds', g, instruction, {
      detail: owner
        ? `${verb} ${bytes} bytes at byte ${offset} of "${owner.name}", which has ${owner.bytes} bytes`
        : `${verb} ${bytes} bytes at an address that belongs to no buffer`,
      address: hex(hi, lo),
      ...(owner && { allocation: owner.name, offset }),
      ...(owner?.options.tensor && { element: owner.element(offset)! }),
    });
    return NOWHERE;
  }

  function located(segment: Segment, _low: number, offset: number): Partial<SimReport> {
    const { allocation } = segment;
    if (!allocation) return {};
    const element = allocation.element(offset);
    return { allocation: allocation.name, offset, ...(element !== undefined && { element }) };
  }

  const GL: GlobalAccess = (hi, lo, bytes, g, instruction) => {
    let s = hi >= 0 && hi < segments.length ? segments[hi]! : NOWHERE;
    if ((lo >>> 0) + bytes > s.size || (lo & (bytes - 1)) !== 0)
      return refuse(hi, lo, bytes, g, instruction, 'reads');
    if (s.pages !== null) s = pageOf(s, lo);
    if (checks.initialisation && s.init !== null) {
      const k = lo & s.mask;
      let ok = true;
      if (bytes >= 4) {
        const words = s.initWords!;
        for (let n = k >>> 2, end = n + (bytes >>> 2); n < end; n++) if (words[n] !== 0x01010101) ok = false;
      } else for (let n = k; n < k + bytes; n++) if (s.init[n] === 0) ok = false;
      if (!ok) uninitialised(s, k, bytes, hi, lo, g, instruction);
    }
    if (checks.dependency && s.allocation!.pending && state.dependencyMet[g] === 0)
      early(s, hi, lo, g, instruction, 'reads');
    return s;
  };

  function uninitialised(
    s: Segment,
    k: number,
    bytes: number,
    hi: number,
    lo: number,
    g: number,
    instruction: number,
  ): void {
    let at = k;
    while (at < k + bytes && s.init![at] !== 0) at++;
    const offset = s.start + at;
    state.report('uninitialised-read', g, instruction, {
      detail: `reads global memory that nobody has written`,
      address: hex(hi, lo),
      ...located(s, at, offset),
    });
  }

  function early(s: Segment, hi: number, lo: number, g: number, instruction: number, verb: string): void {
    state.report('read-before-dependency', g, instruction, {
      detail: `${verb} "${s.allocation!.name}" before griddepcontrol.wait, while the previous kernel may still write it`,
      address: hex(hi, lo),
      ...located(s, lo & s.mask, s.start + (lo & s.mask)),
    });
  }

  function written(s: Segment, hi: number, lo: number, bytes: number, g: number, instruction: number): void {
    world[0] = 1;
    const k = lo & s.mask;
    if (s.init !== null) {
      if (bytes >= 4) {
        const words = s.initWords!;
        for (let n = k >>> 2, end = n + (bytes >>> 2); n < end; n++) words[n] = 0x01010101;
      } else for (let n = k; n < k + bytes; n++) s.init[n] = 1;
    }
    const allocation = s.allocation!;
    if (checks.inputs && allocation.readonly)
      state.report('write-to-input', g, instruction, {
        detail: `writes "${allocation.name}", which is an input`,
        address: hex(hi, lo),
        ...located(s, k, s.start + k),
      });
    if (checks.dependency && allocation.pending && state.dependencyMet[g] === 0)
      early(s, hi, lo, g, instruction, 'writes');
  }

  function claim(s: Segment, hi: number, lo: number, bytes: number, g: number, instruction: number): void {
    const k = lo & s.mask;
    const { granule } = s.allocation!;
    s.writers ??= new Int32Array(Math.ceil(s.u8.length / granule));
    const { writers } = s;
    const me = state.ctaOfSlot[(g / threadStride) | 0]! + 1;
    const first = (k / granule) | 0;
    const last = ((k + bytes - 1) / granule) | 0;
    for (let n = first; n <= last; n++) {
      const other = writers[n]!;
      if (other !== 0 && other !== me) {
        state.report('write-conflict', g, instruction, {
          detail: `writes what block number ${other - 1} has written in the same launch`,
          address: hex(hi, lo),
          ...located(s, n * granule, s.start + n * granule),
        });
        break;
      }
      writers[n] = me;
    }
  }

  const GS: GlobalAccess = (hi, lo, bytes, g, instruction) => {
    let s = hi >= 0 && hi < segments.length ? segments[hi]! : NOWHERE;
    if ((lo >>> 0) + bytes > s.size || (lo & (bytes - 1)) !== 0)
      return refuse(hi, lo, bytes, g, instruction, 'writes');
    if (s.pages !== null) s = pageOf(s, lo);
    written(s, hi, lo, bytes, g, instruction);
    if (checks.conflicts) claim(s, hi, lo, bytes, g, instruction);
    return s;
  };

  const GA: GlobalAccess = (hi, lo, bytes, g, instruction) => {
    const s = GL(hi, lo, bytes, g, instruction);
    if (s !== NOWHERE && checks.inputs && s.allocation!.readonly) written(s, hi, lo, bytes, g, instruction);
    return s;
  };

  function sharedPlace(address: number, bytes: number, g: number, instruction: number, verb: string): number {
    const offset = address & 0xffffff;
    const rank = address >>> 24;
    const slot = (g / threadStride) | 0;
    if (
      offset < sharedStart ||
      offset + bytes > state.sharedEnd ||
      rank >= clusterSize ||
      (offset & (bytes - 1)) !== 0
    ) {
      const inside = offset >= sharedStart && offset + bytes <= state.sharedEnd && rank < clusterSize;
      state.report(inside ? 'misaligned' : 'out-of-bounds', g, instruction, {
        detail: inside
          ? `${verb} ${bytes} bytes of shared memory at an address that is not a multiple of ${bytes}`
          : `${verb} ${bytes} bytes at byte ${offset - sharedStart} of shared memory, which has ${state.sharedEnd - sharedStart} bytes`,
        address: hex(0, address),
        allocation: 'shared memory',
        offset: offset - sharedStart,
      });
      shared.fill(0, trash);
      return trash;
    }
    const target = clusterSize === 1 ? slot : slot - (slot % clusterSize) + rank;
    return target * sharedStride + offset;
  }

  const watch = checks.hazards || checks.initialisation;
  const SL: WindowAccess = (address, bytes, g, instruction) => {
    const k = sharedPlace(address, bytes, g, instruction, 'reads');
    if (watch && k !== trash) hazards.read(k, bytes, g, instruction);
    return k;
  };
  const SS: WindowAccess = (address, bytes, g, instruction) => {
    const k = sharedPlace(address, bytes, g, instruction, 'writes');
    if (watch && k !== trash) hazards.write(k, bytes, g, instruction);
    return k;
  };
  const SA: WindowAccess = (address, bytes, g, instruction) => {
    const k = sharedPlace(address, bytes, g, instruction, 'updates');
    if (watch && k !== trash) hazards.atomic(k, bytes, g, instruction);
    return k;
  };

  function window(
    name: string,
    base: number,
    limit: number,
    address: number,
    bytes: number,
    g: number,
    instruction: number,
  ): number {
    if (address >= 0 && address + bytes <= limit && (address & (bytes - 1)) === 0) return base + address;
    const inside = address >= 0 && address + bytes <= limit;
    state.report(inside ? 'misaligned' : 'out-of-bounds', g, instruction, {
      detail: `accesses ${bytes} bytes at byte ${address} of ${name}, which has ${limit} bytes`,
      allocation: name,
      offset: address,
    });
    return base;
  }

  const LL: WindowAccess = (address, bytes, g, instruction) =>
    window('local memory', g * state.localStride, state.localStride, address, bytes, g, instruction);
  const PL: WindowAccess = (address, bytes, g, instruction) =>
    window('the parameters', 0, state.parameterBytes, address, bytes, g, instruction);

  const generic =
    (global: GlobalAccess, sharedAccess: WindowAccess): GlobalAccess =>
    (hi, lo, bytes, g, instruction) => {
      if (hi === WINDOWS.shared) {
        XO[0] = sharedAccess(lo, bytes, g, instruction);
        return sharedSegment;
      }
      if (hi === WINDOWS.local) {
        XO[0] = LL(lo, bytes, g, instruction);
        return localSegment;
      }
      if (hi === WINDOWS.param) {
        XO[0] = PL(lo, bytes, g, instruction);
        return parameterSegment;
      }
      const s = global(hi, lo, bytes, g, instruction);
      XO[0] = lo & s.mask;
      return s;
    };

  return {
    ...{ GL, GS, GA, SL, SS, SA, LL, LS: LL, LA: LL, PL, XO },
    XL: generic(GL, SL),
    XS: generic(GS, SS),
    XA: generic(GA, SA),
  };
}
