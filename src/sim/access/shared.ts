/** Checked accesses to shared memory: an address in the window -> a byte offset into the group's, reporting what is wrong. */

import { hex } from './state.js';
import type { AccessState, Accesses, WindowAccess } from './state.js';

export type SharedAccesses = Pick<Accesses, 'SL' | 'SS' | 'SA' | 'ST'>;

export interface SharedWindow extends SharedAccesses {
  /** The place of an access, checked for bounds and alignment only; undefined where it is refused. */
  place(address: number, bytes: number, g: number, instruction: number, verb: string): number | undefined;
}

export function sharedAccesses(state: AccessState): SharedWindow {
  const { checks, shared, hazards, threadStride, sharedStride, sharedStart, clusterSize } = state;
  const trash = shared.length - 64;

  function refuse(address: number, bytes: number, g: number, instruction: number, verb: string): void {
    const offset = address & 0xffffff;
    const rank = address >>> 24;
    const inside = offset >= sharedStart && offset + bytes <= state.sharedEnd && rank < clusterSize;
    let detail = `${verb} ${bytes} bytes at byte ${offset - sharedStart} of shared memory, which has ${state.sharedEnd - sharedStart} bytes`;
    if (inside)
      detail = `${verb} ${bytes} bytes of shared memory at an address that is not a multiple of ${bytes}`;
    else if (rank >= clusterSize)
      detail = `${verb} ${bytes} bytes of the shared memory of rank ${rank}, in a cluster of ${clusterSize}`;
    state.report(inside ? 'misaligned' : 'out-of-bounds', g, instruction, {
      detail,
      address: hex(0, address),
      allocation: 'shared memory',
      offset: offset - sharedStart,
    });
    shared.fill(0, trash);
  }

  function locate(address: number, bytes: number, g: number): number {
    const offset = address & 0xffffff;
    const rank = address >>> 24;
    if (
      offset < sharedStart ||
      offset + bytes > state.sharedEnd ||
      rank >= clusterSize ||
      (offset & (bytes - 1)) !== 0
    )
      return trash;
    const slot = (g / threadStride) | 0;
    const target = clusterSize === 1 ? slot : slot - (slot % clusterSize) + rank;
    return target * sharedStride + offset;
  }

  const slotOf = (k: number): number => (k / sharedStride) | 0;
  const watch = checks.hazards || checks.initialisation || checks.asynchronous;
  const SL: WindowAccess = (address, bytes, g, instruction) => {
    const k = locate(address, bytes, g);
    if (k === trash) refuse(address, bytes, g, instruction, 'reads');
    else if (watch) {
      if (clusterSize > 1) hazards.reach(slotOf(k), g, instruction);
      hazards.read(k, bytes, g, instruction);
    }
    return k;
  };
  const SS: WindowAccess = (address, bytes, g, instruction) => {
    const k = locate(address, bytes, g);
    if (k === trash) refuse(address, bytes, g, instruction, 'writes');
    else if (watch) {
      if (clusterSize > 1) hazards.reach(slotOf(k), g, instruction);
      hazards.write(k, bytes, g, instruction);
    }
    return k;
  };
  const atomic =
    (fresh: boolean, verb: string): WindowAccess =>
    (address, bytes, g, instruction) => {
      const k = locate(address, bytes, g);
      if (k === trash) refuse(address, bytes, g, instruction, verb);
      else if (watch) {
        if (clusterSize > 1) hazards.reach(slotOf(k), g, instruction);
        hazards.atomic(k, bytes, g, instruction, fresh);
      }
      return k;
    };
  return {
    ...{ SL, SS, SA: atomic(false, 'updates'), ST: atomic(true, 'writes') },
    place: (address, bytes, g, instruction, verb) => {
      const k = locate(address, bytes, g);
      if (k !== trash) return k;
      refuse(address, bytes, g, instruction, verb);
      return undefined;
    },
  };
}
