/**
 * Copies that land later, and the barriers in shared memory that count them.
 *
 * Everything asynchronous lands as late as the program allows: a `cp.async` at the wait that names its group, a bulk copy
 * when no thread can run, or at the wait for it. Data that is read too soon is then seen as not there, whatever the order
 * in which threads happen to run.
 */

import type { AccessState, Accesses } from './access.js';
import { TENSOR_MAP_BYTES, decodeTensorMap, tensorBox } from './tensor-map.js';
import type { Segment } from './memory.js';

interface Barrier {
  /** Arrivals a phase. */
  readonly count: number;
  /** Arrivals that are still to come in this phase. */
  missing: number;
  /** Bytes that are still to come in this phase; below 0 where they came before they were announced. */
  bytes: number;
  /** Phases that are over. */
  phase: number;
}

/** A copy under way: lands all its bytes at once. */
interface Pending {
  readonly g: number;
  readonly instruction: number;
  land(): void;
}

type Groups = { open: Pending[]; closed: Pending[][] };

/** Functions of generated code. Addresses of shared memory are words, of global memory two. */
export interface AsyncFunctions {
  CA(to: number, hi: number, lo: number, bytes: number, source: number, g: number, instruction: number): void;
  CC(g: number): void;
  CW(g: number, keep: number): void;
  MI(address: number, count: number, g: number, instruction: number): void;
  MV(address: number, g: number, instruction: number): void;
  MA(address: number, count: number, bytes: number, drop: number, g: number, instruction: number): number;
  MX(address: number, bytes: number, g: number, instruction: number): void;
  CM(address: number, noinc: number, g: number, instruction: number): void;
  SY(to: number, barrier: number, words: readonly number[], g: number, instruction: number): void;
  BL(
    to: number,
    hi: number,
    lo: number,
    bytes: number,
    barrier: number,
    mask: number,
    g: number,
    instruction: number,
  ): void;
  BS(hi: number, lo: number, from: number, bytes: number, g: number, instruction: number): void;
  BD(to: number, from: number, bytes: number, barrier: number, g: number, instruction: number): void;
  TL(
    to: number,
    hi: number,
    lo: number,
    at: readonly number[],
    barrier: number,
    mask: number,
    g: number,
    instruction: number,
  ): void;
  TS(hi: number, lo: number, at: readonly number[], from: number, g: number, instruction: number): void;
  BC(g: number): void;
  BW(g: number, keep: number): void;
}

export class AsyncEngine {
  readonly #barriers = new Map<number, Barrier>();
  readonly #copies = new Map<number, Groups>();
  readonly #bulk = new Map<number, Groups>();
  /** Bulk loads, in the order in which they were issued. */
  readonly #loads: Pending[] = [];

  constructor(
    readonly state: AccessState,
    readonly access: Accesses,
    readonly words: Int32Array,
  ) {}

  /** A CTA starts: what the last one in its slot left behind is gone. */
  begin(slot: number): void {
    const { sharedStride, threadStride } = this.state;
    for (const at of this.#barriers.keys())
      if (Math.floor(at / sharedStride) === slot) this.#barriers.delete(at);
    for (const groups of [this.#copies, this.#bulk])
      for (const g of groups.keys()) if (Math.floor(g / threadStride) === slot) groups.delete(g);
  }

  /** Lands the oldest bulk load; false if there is none. */
  landOne(): boolean {
    const next = this.#loads.shift();
    next?.land();
    return next !== undefined;
  }

  /** A thread has ended: its stores land all the same. */
  end(g: number): void {
    if (this.#bulk.size === 0) return;
    const groups = this.#bulk.get(g);
    if (!groups) return;
    for (const group of [...groups.closed, groups.open]) for (const copy of group) copy.land();
    this.#bulk.delete(g);
  }

  /** Whether the phase that a wait names is over. */
  done(address: number, wanted: number, parity: boolean, g: number, instruction: number): boolean {
    const barrier = this.#at(address, g, instruction, 'waits for');
    if (!barrier) return true;
    return parity ? (barrier.phase & 1) !== (wanted & 1) : barrier.phase > wanted;
  }

  #at(address: number, g: number, instruction: number, verb: string): Barrier | undefined {
    const k = this.access.SA(address, 8, g, instruction);
    const barrier = this.#barriers.get(k);
    if (!barrier)
      this.state.report('mbarrier-misuse', g, instruction, {
        detail: `${verb} a place in shared memory that is not an initialised mbarrier`,
        address: `0x${(address >>> 0).toString(16)}`,
      });
    return barrier;
  }

  #settle(barrier: Barrier): void {
    if (barrier.missing > 0 || barrier.bytes !== 0) return;
    barrier.phase++;
    barrier.missing = barrier.count;
  }

  #came(address: number, bytes: number, g: number, instruction: number): void {
    const barrier = this.#at(address, g, instruction, 'completes bytes of');
    if (!barrier) return;
    barrier.bytes -= bytes;
    this.#settle(barrier);
  }

  #groups(of: Map<number, Groups>, g: number): Groups {
    let groups = of.get(g);
    if (!groups) {
      groups = { open: [], closed: [] };
      of.set(g, groups);
    }
    return groups;
  }

  #commit(of: Map<number, Groups>, g: number): void {
    const groups = this.#groups(of, g);
    groups.closed.push(groups.open);
    groups.open = [];
  }

  #wait(of: Map<number, Groups>, g: number, keep: number): void {
    const groups = this.#groups(of, g);
    while (groups.closed.length > Math.max(0, keep)) for (const copy of groups.closed.shift()!) copy.land();
    if (keep >= 0) return;
    for (const copy of groups.open) copy.land();
    groups.open = [];
  }

  /** Marks shared memory as on its way, so that a read of it is reported. */
  #expect(to: number, bytes: number, g: number, instruction: number): void {
    const { SS } = this.access;
    const step = Math.min(bytes, 16);
    for (let n = 0; n < bytes; n += step) this.state.hazards.expect(SS(to + n, step, g, instruction), step);
  }

  /** Copies global to shared in pieces of at most 16 bytes. */
  #fromGlobal(
    to: number,
    hi: number,
    lo: number,
    bytes: number,
    source: number,
    g: number,
    instruction: number,
  ): void {
    const { GL, SS } = this.access;
    const { shared, hazards } = this.state;
    const step = Math.min(bytes, 16);
    for (let n = 0; n < bytes; n += step) {
      const k = SS(to + n, step, g, instruction);
      hazards.landed(k, step);
      const have = Math.max(0, Math.min(step, source - n));
      if (have === step) {
        const low = (lo + n) | 0;
        const high = hi + (low >>> 0 < n ? 1 : 0);
        const s = GL(high, low, step, g, instruction);
        const from = low & s.mask;
        shared.set(s.u8.subarray(from, from + step), k);
      } else {
        for (let b = 0; b < step; b++) {
          if (b >= have) shared[k + b] = 0;
          else {
            const s = GL(hi, (lo + n + b) | 0, 1, g, instruction);
            shared[k + b] = s.u8[(lo + n + b) & s.mask]!;
          }
        }
      }
    }
  }

  #toGlobal(hi: number, lo: number, from: number, bytes: number, g: number, instruction: number): void {
    const { GS, SL } = this.access;
    const { shared } = this.state;
    for (let n = 0; n < bytes; n += 16) {
      const low = (lo + n) | 0;
      const k = SL(from + n, 16, g, instruction);
      const s = GS(hi + (low >>> 0 < n ? 1 : 0), low, 16, g, instruction);
      s.u8.set(shared.subarray(k, k + 16), low & s.mask);
    }
  }

  #aligned(what: string, value: number, to: number, g: number, instruction: number): boolean {
    if ((value & (to - 1)) === 0) return true;
    this.state.report('misaligned', g, instruction, {
      detail: `${what} of a bulk copy is ${value >>> 0}, which is not a multiple of ${to}`,
    });
    return false;
  }

  /** CTAs of the cluster that a copy goes to: the mask's, or the one of the address. */
  #targets(to: number, barrier: number, mask: number): { to: number; barrier: number }[] {
    if (mask === 0) return [{ to, barrier }];
    const targets: { to: number; barrier: number }[] = [];
    for (let rank = 0; rank < this.state.clusterSize; rank++)
      if ((mask >>> rank) & 1)
        targets.push({ to: (to & 0xffffff) | (rank << 24), barrier: (barrier & 0xffffff) | (rank << 24) });
    return targets;
  }

  #tensor(hi: number, lo: number, g: number, instruction: number): Uint8Array | undefined {
    const bytes = new Uint8Array(TENSOR_MAP_BYTES);
    for (let n = 0; n < TENSOR_MAP_BYTES; n += 16) {
      const s: Segment = this.access.XL(hi, (lo + n) | 0, 16, g, instruction);
      const at = this.access.XO[0]!;
      bytes.set(s.u8.subarray(at, at + 16), n);
    }
    if (decodeTensorMap(bytes)) return bytes;
    this.state.report('mbarrier-misuse', g, instruction, {
      detail: 'the tensor map was not encoded for the simulator',
    });
    return undefined;
  }

  functions(): AsyncFunctions {
    const { state, access } = this;
    const load = (g: number, instruction: number, land: () => void): void => {
      this.#loads.push({ g, instruction, land });
    };
    return {
      CA: (to, hi, lo, bytes, source, g, instruction) => {
        this.#expect(to, bytes, g, instruction);
        const land = (): void => {
          this.#fromGlobal(to, hi, lo, bytes, source, g, instruction);
        };
        this.#groups(this.#copies, g).open.push({ g, instruction, land });
      },
      CC: (g) => {
        this.#commit(this.#copies, g);
      },
      CW: (g, keep) => {
        this.#wait(this.#copies, g, keep);
      },
      MI: (address, count, g, instruction) => {
        const k = access.SS(address, 8, g, instruction);
        if (count < 1 || count > 2 ** 20 - 1)
          state.report('mbarrier-misuse', g, instruction, {
            detail: `initialises an mbarrier for ${count} arrivals`,
          });
        this.#barriers.set(k, { count, missing: count, bytes: 0, phase: 0 });
      },
      MV: (address, g, instruction) => {
        this.#barriers.delete(access.SA(address, 8, g, instruction));
      },
      MA: (address, count, bytes, drop, g, instruction) => {
        const barrier = this.#at(address, g, instruction, 'arrives at');
        if (!barrier) return 0;
        const { phase } = barrier;
        if (count > barrier.missing)
          state.report('mbarrier-misuse', g, instruction, {
            detail: `arrives ${count} times where ${barrier.missing} of ${barrier.count} arrivals are missing`,
          });
        barrier.bytes += bytes;
        barrier.missing -= count;
        if (drop) (barrier as { count: number }).count -= count;
        this.#settle(barrier);
        return phase;
      },
      MX: (address, bytes, g, instruction) => {
        const barrier = this.#at(address, g, instruction, 'announces bytes to');
        if (!barrier) return;
        barrier.bytes += bytes;
        this.#settle(barrier);
      },
      CM: (address, noinc, g, instruction) => {
        this.#wait(this.#copies, g, -1);
        const barrier = this.#at(address, g, instruction, 'arrives at');
        if (!barrier) return;
        if (noinc) barrier.missing--;
        this.#settle(barrier);
      },
      SY: (to, barrier, words, g, instruction) => {
        const bytes = words.length * 4;
        this.#expect(to, bytes, g, instruction);
        load(g, instruction, () => {
          const k = access.SS(to, bytes, g, instruction);
          state.hazards.landed(k, bytes);
          words.forEach((word, n) => (this.words[(k >>> 2) + n] = word));
          this.#came(barrier, bytes, g, instruction);
        });
      },
      BL: (to, hi, lo, bytes, barrier, mask, g, instruction) => {
        if (!this.#aligned('the size', bytes, 16, g, instruction)) return;
        for (const target of this.#targets(to, barrier, mask)) {
          this.#expect(target.to, bytes, g, instruction);
          load(g, instruction, () => {
            this.#fromGlobal(target.to, hi, lo, bytes, bytes, g, instruction);
            this.#came(target.barrier, bytes, g, instruction);
          });
        }
      },
      BD: (to, from, bytes, barrier, g, instruction) => {
        if (!this.#aligned('the size', bytes, 16, g, instruction)) return;
        this.#expect(to, bytes, g, instruction);
        load(g, instruction, () => {
          for (let n = 0; n < bytes; n += 16) {
            const source = access.SL(from + n, 16, g, instruction);
            const k = access.SS(to + n, 16, g, instruction);
            state.hazards.landed(k, 16);
            state.shared.copyWithin(k, source, source + 16);
          }
          this.#came(barrier, bytes, g, instruction);
        });
      },
      BS: (hi, lo, from, bytes, g, instruction) => {
        if (!this.#aligned('the size', bytes, 16, g, instruction)) return;
        const land = (): void => {
          this.#toGlobal(hi, lo, from, bytes, g, instruction);
        };
        this.#groups(this.#bulk, g).open.push({ g, instruction, land });
      },
      TL: (to, hi, lo, at, barrier, mask, g, instruction) => {
        const map = this.#tensor(hi, lo, g, instruction);
        if (!map || !this.#aligned('the shared address', to, 128, g, instruction)) return;
        for (const target of this.#targets(to, barrier, mask)) {
          const box = tensorBox(map, at);
          this.#expect(target.to, Math.ceil(box.bytes / 16) * 16, g, instruction);
          load(g, instruction, () => {
            for (const { shared: offset, hi: high, lo: low, inside } of box.elements) {
              const k = access.SS(target.to + offset, box.width, g, instruction);
              state.hazards.landed(k, box.width);
              if (!inside) {
                state.shared.fill(0, k, k + box.width);
                continue;
              }
              const s = access.GL(high, low, box.width, g, instruction);
              const from = low & s.mask;
              state.shared.set(s.u8.subarray(from, from + box.width), k);
            }
            this.#came(target.barrier, box.bytes, g, instruction);
          });
        }
      },
      TS: (hi, lo, at, from, g, instruction) => {
        const map = this.#tensor(hi, lo, g, instruction);
        if (!map || !this.#aligned('the shared address', from, 128, g, instruction)) return;
        const land = (): void => {
          const box = tensorBox(map, at);
          for (const { shared: offset, hi: high, lo: low, inside } of box.elements) {
            if (!inside) continue;
            const k = access.SL(from + offset, box.width, g, instruction);
            const s = access.GS(high, low, box.width, g, instruction);
            s.u8.set(state.shared.subarray(k, k + box.width), low & s.mask);
          }
        };
        this.#groups(this.#bulk, g).open.push({ g, instruction, land });
      },
      BC: (g) => {
        this.#commit(this.#bulk, g);
      },
      BW: (g, keep) => {
        this.#wait(this.#bulk, g, keep);
      },
    };
  }
}
