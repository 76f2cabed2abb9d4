/**
 * CTAs that meet at one place of global memory: who has written and read it in this launch.
 *
 * Two plain accesses of different CTAs, one of them a write, conflict unless the later CTA has been told of the earlier
 * access. A granule is an element of the buffer's tensor, or a byte.
 */

import type { Segment } from '../memory.js';
import type { Publication } from './publication.js';

export interface Conflict {
  readonly granule: number;
  /** CTA + 1, or `SEVERAL`. */
  readonly other: number;
  readonly past: 'written' | 'read';
}

export const SEVERAL = -1;

export interface ConflictState {
  readonly publication: Publication | undefined;
  readonly ctaOfSlot: Int32Array;
}

export class Conflicts {
  constructor(readonly state: ConflictState) {}

  /** A CTA reads bytes k to k + bytes of a segment; what that conflicts with, if anything. */
  read(s: Segment, k: number, bytes: number, slot: number): Conflict | undefined {
    const { publication, ctaOfSlot } = this.state;
    const { granule } = s.allocation!;
    const me = ctaOfSlot[slot]! + 1;
    const first = (k / granule) | 0;
    const last = ((k + bytes - 1) / granule) | 0;
    if (s.readers === null) {
      s.readers = new Int32Array(Math.ceil(s.u8.length / granule));
      s.readSince = publication ? new Int32Array(s.readers.length) : null;
    }
    const { readers, readSince } = s;
    for (let n = first; n <= last; n++) {
      const other = readers[n]!;
      if (other !== me) readers[n] = other === 0 ? me : SEVERAL;
      if (readSince !== null) readSince[n] = publication!.now;
    }
    return s.writers === null ? undefined : this.#unknown(s.writers, s.since, first, last, slot, 'written');
  }

  write(s: Segment, k: number, bytes: number, slot: number): Conflict | undefined {
    const { publication, ctaOfSlot } = this.state;
    const { granule } = s.allocation!;
    const me = ctaOfSlot[slot]! + 1;
    const first = (k / granule) | 0;
    const last = ((k + bytes - 1) / granule) | 0;
    if (s.writers === null) {
      s.writers = new Int32Array(Math.ceil(s.u8.length / granule));
      s.since = publication ? new Int32Array(s.writers.length) : null;
    }
    const { writers, since, readers } = s;
    const conflict =
      this.#unknown(writers, since, first, last, slot, 'written') ??
      (readers === null ? undefined : this.#unknown(readers, s.readSince, first, last, slot, 'read'));
    for (let n = first; n <= last; n++) {
      writers[n] = me;
      if (since !== null) since[n] = publication!.now;
      if (readers !== null) readers[n] = 0;
    }
    return conflict;
  }

  /** The first granule that another CTA has touched which the one in `slot` has not been told of. */
  #unknown(
    touched: Int32Array,
    since: Int32Array | null,
    first: number,
    last: number,
    slot: number,
    past: Conflict['past'],
  ): Conflict | undefined {
    const me = this.state.ctaOfSlot[slot]! + 1;
    for (let n = first; n <= last; n++) {
      const other = touched[n]!;
      if (other === 0 || other === me) continue;
      if (
        since !== null &&
        this.state.publication!.knows(slot, other === SEVERAL ? undefined : other - 1, since[n]!)
      )
        continue;
      return { granule: n, other, past };
    }
    return undefined;
  }
}
