/** The bytes of asynchronous copies: between global and shared memory, checked, in pieces of at most 16. */

import type { AccessState, Accesses, SharedWindow } from '../access/index.js';
import type { BoxElement } from '../tensor-map.js';

/** Where a thread's copy was issued, for reports. */
export interface Issuer {
  readonly g: number;
  readonly instruction: number;
}

export class CopyBytes {
  constructor(
    readonly state: AccessState,
    readonly access: Accesses,
    readonly window: SharedWindow,
  ) {}

  /** Calls `use` with each piece of a range of shared memory that is there; false where some is not. */
  pieces(
    address: number,
    bytes: number,
    { g, instruction }: Issuer,
    verb: string,
    use: (k: number, width: number, at: number) => void,
  ): boolean {
    const width = Math.min(bytes, 16);
    for (let at = 0; at < bytes; at += width) {
      const k = this.window.place(address + at, width, g, instruction, verb);
      if (k === undefined) return false;
      use(k, width, at);
    }
    return true;
  }

  /** Shared memory that a copy will fill; false where it is refused. */
  arriving(to: number, bytes: number, who: Issuer): boolean {
    return this.pieces(to, bytes, who, 'writes', (k, width) => {
      this.state.hazards.arriving(k, width, who.g, who.instruction);
    });
  }

  /** Shared memory that a copy will read; false where it is refused. */
  leaving(from: number, bytes: number, who: Issuer): boolean {
    return this.pieces(from, bytes, who, 'reads', (k, width) => {
      this.state.hazards.leaving(k, width, who.g, who.instruction);
    });
  }

  /** Global to shared; of the source only `source` bytes are read, the rest are zeros. */
  fromGlobal(to: number, hi: number, lo: number, bytes: number, source: number, who: Issuer): void {
    const { shared } = this.state;
    this.pieces(to, bytes, who, 'writes', (k, width, at) => {
      const have = Math.max(0, Math.min(width, source - at));
      if (have === width) this.#load(k, hi, lo, at, width, who);
      else {
        shared.fill(0, k, k + width);
        for (let b = 0; b < have; b++) this.#load(k + b, hi, lo, at + b, 1, who);
      }
    });
  }

  #load(k: number, hi: number, lo: number, at: number, width: number, { g, instruction }: Issuer): void {
    const low = (lo + at) | 0;
    const s = this.access.GL(hi + (low >>> 0 < lo >>> 0 ? 1 : 0), low, width, g, instruction);
    const from = low & s.mask;
    this.state.shared.set(s.u8.subarray(from, from + width), k);
  }

  toGlobal(hi: number, lo: number, from: number, bytes: number, who: Issuer): void {
    this.pieces(from, bytes, who, 'reads', (k, width, at) => {
      const low = (lo + at) | 0;
      const s = this.access.GS(hi + (low >>> 0 < lo >>> 0 ? 1 : 0), low, width, who.g, who.instruction);
      s.u8.set(this.state.shared.subarray(k, k + width), low & s.mask);
    });
  }

  /** A box of a tensor to shared memory; outside the tensor it is zeros. */
  boxFromGlobal(to: number, width: number, elements: readonly BoxElement[], who: Issuer): void {
    const { shared } = this.state;
    for (const { shared: offset, hi, lo, inside } of elements) {
      const k = this.window.place(to + offset, width, who.g, who.instruction, 'writes');
      if (k === undefined) return;
      shared.fill(0, k, k + width);
      if (inside) this.#load(k, hi, lo, 0, width, who);
    }
  }

  /** Shared memory to a box of a tensor; outside the tensor nothing is written. */
  boxToGlobal(
    from: number,
    width: number,
    elements: readonly BoxElement[],
    { g, instruction }: Issuer,
  ): void {
    for (const { shared: offset, hi, lo, inside } of elements) {
      if (!inside) continue;
      const k = this.window.place(from + offset, width, g, instruction, 'reads');
      if (k === undefined) return;
      const s = this.access.GS(hi, lo, width, g, instruction);
      s.u8.set(this.state.shared.subarray(k, k + width), lo & s.mask);
    }
  }

  /** Shared memory of one CTA to that of another. */
  between(to: number, from: number, bytes: number, who: Issuer): void {
    this.pieces(to, bytes, who, 'writes', (k, width, at) => {
      const source = this.window.place(from + at, width, who.g, who.instruction, 'reads');
      if (source !== undefined) this.state.shared.copyWithin(k, source, source + width);
    });
  }
}
