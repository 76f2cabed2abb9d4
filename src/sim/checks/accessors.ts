/** Who has read (or updated) each granule of shared memory since it was last written. */

import { ENTRY } from './order.js';
import type { Order } from './order.js';

export interface Accessors {
  note(granule: number, g: number): void;
  /** Thread + 1 of one that is not ordered before thread g's present access; 0: none; `SEVERAL`. */
  unordered(granule: number, g: number): number;
  /** The granule is written: whoever comes after is ordered after the writer, or races with it. */
  forget(granule: number): void;
  begin(from: number, to: number): void;
}

export const SEVERAL = -1;

/** Keeps one thread, and of several of one generation that there were more: enough where only whole CTAs synchronise. */
export class LastAccessor implements Accessors {
  #entries: Int32Array | undefined;

  constructor(
    readonly order: Order,
    readonly granules: number,
  ) {}

  note(granule: number, g: number): void {
    this.#entries ??= new Int32Array(this.granules * ENTRY);
    const { order } = this;
    const entries = this.#entries;
    const at = granule * ENTRY;
    const who = entries[at]!;
    let several = false;
    if (who !== 0 && who !== g + 1 && order.sameGeneration(entries, at, g)) {
      if (who === SEVERAL) return;
      several = true;
    }
    order.record(entries, at, g);
    if (several) entries[at] = SEVERAL;
  }

  unordered(granule: number, g: number): number {
    const entries = this.#entries;
    if (!entries) return 0;
    const at = granule * ENTRY;
    const who = entries[at]!;
    if (who === SEVERAL) return this.order.sameGeneration(entries, at, g) ? SEVERAL : 0;
    return this.order.ordered(entries, at, g) ? 0 : who;
  }

  forget(): void {
    return;
  }

  begin(): void {
    return;
  }
}

/** Keeps every thread. */
export class EveryAccessor implements Accessors {
  readonly #entries = new Map<number, Map<number, Int32Array>>();

  constructor(readonly order: Order) {}

  note(granule: number, g: number): void {
    let threads = this.#entries.get(granule);
    if (!threads) {
      threads = new Map();
      this.#entries.set(granule, threads);
    }
    let entry = threads.get(g);
    if (!entry) {
      entry = new Int32Array(ENTRY);
      threads.set(g, entry);
    }
    this.order.record(entry, 0, g);
  }

  unordered(granule: number, g: number): number {
    const threads = this.#entries.get(granule);
    if (threads) for (const entry of threads.values()) if (!this.order.ordered(entry, 0, g)) return entry[0]!;
    return 0;
  }

  forget(granule: number): void {
    this.#entries.delete(granule);
  }

  begin(from: number, to: number): void {
    for (const granule of this.#entries.keys())
      if (granule >= from && granule < to) this.#entries.delete(granule);
  }
}
