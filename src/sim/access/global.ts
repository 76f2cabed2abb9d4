/**
 * Checked accesses to global memory: an address -> the segment it lies in, reporting what is wrong with the access.
 *
 * An access that is out of bounds or misaligned is refused: it reads zeros and writes nothing, and the kernel goes on, so
 * that one run finds several faults.
 */

import { Conflicts, SEVERAL } from '../checks/conflicts.js';
import type { Conflict } from '../checks/conflicts.js';
import { NOWHERE, pageOf } from '../memory.js';
import type { Segment } from '../memory.js';
import type { SimReport } from '../report.js';
import { hex } from './state.js';
import type { AccessState, Accesses, GlobalAccess } from './state.js';

export function globalAccesses(state: AccessState): Pick<Accesses, 'GL' | 'GS' | 'GT' | 'GA'> {
  const { checks, memory, threadStride, world } = state;
  const conflicts = new Conflicts(state);
  const { segments } = memory;

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
      state.report('misaligned', g, instruction, {
        detail: `${verb} ${bytes} bytes at an address that is not a multiple of ${bytes}`,
        address: hex(hi, lo),
        ...located(segment, segment.start + (lo >>> 0)),
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
    state.report('uninitialised-read', g, instruction, {
      detail: `reads global memory that nobody has written`,
      address: hex(hi, lo),
      ...located(s, s.start + at),
    });
  }

  function early(s: Segment, hi: number, lo: number, g: number, instruction: number, verb: string): void {
    state.report('read-before-dependency', g, instruction, {
      detail: `${verb} "${s.allocation!.name}" before griddepcontrol.wait, while the previous kernel may still write it`,
      address: hex(hi, lo),
      ...located(s, s.start + (lo & s.mask)),
    });
  }

  function conflict(
    s: Segment,
    hi: number,
    lo: number,
    g: number,
    instruction: number,
    verb: string,
    { granule, other, past }: Conflict,
  ): void {
    const who = other === SEVERAL ? 'other blocks have' : `block number ${other - 1} has`;
    state.report('write-conflict', g, instruction, {
      detail: `${verb} what ${who} ${past} in the same launch`,
      address: hex(hi, lo),
      ...located(s, s.start + granule * s.allocation!.granule),
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
    allocation.written = true;
    if (checks.inputs && allocation.readonly)
      state.report('write-to-input', g, instruction, {
        detail: `writes "${allocation.name}", which is an input`,
        address: hex(hi, lo),
        ...located(s, s.start + k),
      });
    if (checks.dependency && allocation.pending && state.dependencyMet[g] === 0)
      early(s, hi, lo, g, instruction, 'writes');
  }

  const read: GlobalAccess = (hi, lo, bytes, g, instruction) => {
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

  const watchedRead: GlobalAccess = (hi, lo, bytes, g, instruction) => {
    const s = read(hi, lo, bytes, g, instruction);
    if (s !== NOWHERE && !s.allocation!.readonly) {
      const found = conflicts.read(s, lo & s.mask, bytes, (g / threadStride) | 0);
      if (found) conflict(s, hi, lo, g, instruction, 'reads', found);
    }
    return s;
  };

  /** Ordered stores: two CTAs may make them at one place. */
  const GT: GlobalAccess = (hi, lo, bytes, g, instruction) => {
    let s = hi >= 0 && hi < segments.length ? segments[hi]! : NOWHERE;
    if ((lo >>> 0) + bytes > s.size || (lo & (bytes - 1)) !== 0)
      return refuse(hi, lo, bytes, g, instruction, 'writes');
    if (s.pages !== null) s = pageOf(s, lo);
    written(s, hi, lo, bytes, g, instruction);
    return s;
  };

  const watchedWrite: GlobalAccess = (hi, lo, bytes, g, instruction) => {
    const s = GT(hi, lo, bytes, g, instruction);
    if (s === NOWHERE) return s;
    const found = conflicts.write(s, lo & s.mask, bytes, (g / threadStride) | 0);
    if (found) conflict(s, hi, lo, g, instruction, 'writes', found);
    return s;
  };

  const GA: GlobalAccess = (hi, lo, bytes, g, instruction) => {
    const s = read(hi, lo, bytes, g, instruction);
    if (s === NOWHERE) return s;
    s.allocation!.written = true;
    if (checks.inputs && s.allocation!.readonly) written(s, hi, lo, bytes, g, instruction);
    return s;
  };

  return { GL: checks.conflicts ? watchedRead : read, GS: checks.conflicts ? watchedWrite : GT, GT, GA };
}

function located({ allocation }: Segment, offset: number): Partial<SimReport> {
  if (!allocation) return {};
  const element = allocation.element(offset);
  return { allocation: allocation.name, offset, ...(element !== undefined && { element }) };
}
