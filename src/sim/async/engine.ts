/**
 * Copies that land later.
 *
 * Everything asynchronous lands as late as the program allows: a `cp.async` at the wait that names its group, a bulk copy
 * when no thread can run, or at the wait for it. Data that is read too soon is then seen as not there, whatever the order
 * in which threads happen to run.
 */

import type { AccessState, Accesses, SharedWindow } from '../access/index.js';
import { TENSOR_MAP_BYTES, decodeTensorMap, tensorBox } from '../tensor-map.js';
import { CopyBytes } from './bytes.js';
import type { Issuer } from './bytes.js';
import type { AsyncFunctions } from './functions.js';
import { CopyGroups } from './groups.js';
import type { Landing } from './groups.js';
import { Mbarriers } from './mbarriers.js';

export class AsyncEngine {
  readonly barriers: Mbarriers;
  readonly #bytes: CopyBytes;
  readonly #copies = new CopyGroups();
  readonly #stores = new CopyGroups();
  /** Loads that an mbarrier counts, in the order in which they were issued. */
  #loads: { readonly slot: number; readonly land: Landing }[] = [];

  constructor(
    readonly state: AccessState,
    readonly access: Accesses,
    window: SharedWindow,
    readonly words: Int32Array,
  ) {
    this.barriers = new Mbarriers(state, access, window);
    this.#bytes = new CopyBytes(state, access, window);
  }

  /** A CTA starts: what the last one in its slot left behind is gone. */
  begin(slot: number): void {
    const { threadStride } = this.state;
    this.barriers.begin(slot);
    if (this.#loads.length) this.#loads = this.#loads.filter((load) => load.slot !== slot);
    for (const groups of [this.#copies, this.#stores])
      groups.drop(slot * threadStride, (slot + 1) * threadStride);
  }

  /** Lands the oldest load; false if there is none. */
  landOne(): boolean {
    const next = this.#loads.shift();
    next?.land();
    return next !== undefined;
  }

  /** A thread has ended: its stores land all the same. */
  end(g: number): void {
    this.#stores.end(g);
  }

  /** A copy into `to` that the mbarrier at `barrier` counts: `move` brings its bytes. */
  #load(to: number, bytes: number, barrier: number, counted: number, who: Issuer, move: () => void): void {
    if (!this.#bytes.arriving(to, bytes, who)) return;
    const { hazards } = this.state;
    const land = (): void => {
      move();
      this.barriers.came(barrier, counted, who.g, who.instruction, (id, phase) => {
        this.#bytes.pieces(to, bytes, who, 'writes', (k, width) => {
          hazards.landed(k, width, id, phase);
        });
      });
    };
    this.#loads.push({ slot: hazards.order.slotOf(who.g), land });
  }

  /** A copy out of `from` that its thread waits for. */
  #store(from: number, bytes: number, who: Issuer, move: () => void): void {
    if (!this.#bytes.leaving(from, bytes, who)) return;
    this.#stores.add(who.g, () => {
      move();
      this.#bytes.pieces(from, bytes, who, 'reads', (k, width) => {
        this.state.hazards.left(k, width, who.g);
      });
    });
  }

  #aligned(what: string, value: number, to: number, { g, instruction }: Issuer): boolean {
    if ((value & (to - 1)) === 0) return true;
    this.state.report('misaligned', g, instruction, {
      detail: `${what} of a bulk copy is ${value >>> 0}, which is not a multiple of ${to}`,
    });
    return false;
  }

  /** Shared addresses in the CTAs of the cluster that a copy goes to: the mask's, or the one of the address. */
  #targets(to: number, barrier: number, mask: number): { to: number; barrier: number }[] {
    if (mask === 0) return [{ to, barrier }];
    const targets: { to: number; barrier: number }[] = [];
    for (let rank = 0; rank < this.state.clusterSize; rank++)
      if ((mask >>> rank) & 1)
        targets.push({ to: (to & 0xffffff) | (rank << 24), barrier: (barrier & 0xffffff) | (rank << 24) });
    return targets;
  }

  #tensor(hi: number, lo: number, { g, instruction }: Issuer): Uint8Array | undefined {
    const bytes = new Uint8Array(TENSOR_MAP_BYTES);
    for (let n = 0; n < TENSOR_MAP_BYTES; n += 16) {
      const s = this.access.XL(hi, (lo + n) | 0, 16, g, instruction);
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
    const bytesOf = this.#bytes;
    const { barriers } = this;
    return {
      CA: (to, hi, lo, bytes, source, g, instruction) => {
        const who = { g, instruction };
        if (!bytesOf.arriving(to, bytes, who)) return;
        this.#copies.add(g, () => {
          bytesOf.fromGlobal(to, hi, lo, bytes, source, who);
          bytesOf.pieces(to, bytes, who, 'writes', (k, width) => {
            this.state.hazards.arrived(k, width, g);
          });
        });
      },
      CC: (g) => {
        this.#copies.commit(g);
      },
      CW: (g, keep) => {
        this.#copies.wait(g, keep);
      },
      CM: (address, noinc, g, instruction) => {
        this.#copies.wait(g, -1);
        barriers.copied(address, noinc === 1, g, instruction);
      },
      MI: (address, count, g, instruction) => {
        barriers.init(address, count, g, instruction);
      },
      MV: (address, g, instruction) => {
        barriers.invalidate(address, g, instruction);
      },
      MA: (address, count, bytes, drop, g, instruction) =>
        barriers.arrive(address, count, bytes, drop === 1, g, instruction),
      MX: (address, bytes, g, instruction) => {
        barriers.expect(address, bytes, g, instruction);
      },
      SY: (to, barrier, words, g, instruction) => {
        const who = { g, instruction };
        const bytes = words.length * 4;
        this.#load(to, bytes, barrier, bytes, who, () => {
          bytesOf.pieces(to, bytes, who, 'writes', (k, _width, at) => {
            words.forEach((word, n) => (this.words[((k + at) >>> 2) + n] = word));
          });
        });
      },
      BL: (to, hi, lo, bytes, barrier, mask, g, instruction) => {
        const who = { g, instruction };
        if (!this.#aligned('the size', bytes, 16, who)) return;
        for (const target of this.#targets(to, barrier, mask))
          this.#load(target.to, bytes, target.barrier, bytes, who, () => {
            bytesOf.fromGlobal(target.to, hi, lo, bytes, bytes, who);
          });
      },
      BD: (to, from, bytes, barrier, g, instruction) => {
        const who = { g, instruction };
        if (!this.#aligned('the size', bytes, 16, who) || !bytesOf.leaving(from, bytes, who)) return;
        this.#load(to, bytes, barrier, bytes, who, () => {
          bytesOf.between(to, from, bytes, who);
          bytesOf.pieces(from, bytes, who, 'reads', (k, width) => {
            this.state.hazards.left(k, width, g);
          });
        });
      },
      BS: (hi, lo, from, bytes, g, instruction) => {
        const who = { g, instruction };
        if (!this.#aligned('the size', bytes, 16, who)) return;
        this.#store(from, bytes, who, () => {
          bytesOf.toGlobal(hi, lo, from, bytes, who);
        });
      },
      TL: (to, hi, lo, at, barrier, mask, g, instruction) => {
        const who = { g, instruction };
        const map = this.#tensor(hi, lo, who);
        if (!map || !this.#aligned('the shared address', to, 128, who)) return;
        const { bytes, width, elements } = tensorBox(map, at);
        for (const target of this.#targets(to, barrier, mask))
          this.#load(target.to, Math.ceil(bytes / 16) * 16, target.barrier, bytes, who, () => {
            bytesOf.boxFromGlobal(target.to, width, elements, who);
          });
      },
      TS: (hi, lo, at, from, g, instruction) => {
        const who = { g, instruction };
        const map = this.#tensor(hi, lo, who);
        if (!map || !this.#aligned('the shared address', from, 128, who)) return;
        const { bytes, width, elements } = tensorBox(map, at);
        this.#store(from, Math.ceil(bytes / 16) * 16, who, () => {
          bytesOf.boxToGlobal(from, width, elements, who);
        });
      },
      BC: (g) => {
        this.#stores.commit(g);
      },
      BW: (g, keep) => {
        this.#stores.wait(g, keep);
      },
    };
  }
}
