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

/** Threads of a granule that are looked through one by one; of more, a table says where each is. */
const FEW = 8;

/** Accesses to one granule, the last of each thread. */
interface Accesses {
  count: number;
  entries: Int32Array;
  /** Where a thread of the cluster has its entry, and 1; 0: nowhere. */
  places: Uint16Array | undefined;
}

/** Keeps every thread: in flat arrays, as all threads of a CTA may read one granule. */
export class EveryAccessor implements Accessors {
  readonly #granules = new Map<number, Accesses>();

  constructor(readonly order: Order) {}

  note(granule: number, g: number): void {
    let accesses = this.#granules.get(granule);
    if (!accesses) {
      accesses = { count: 0, entries: new Int32Array(ENTRY), places: undefined };
      this.#granules.set(granule, accesses);
    }
    let place = this.#find(accesses, g);
    if (place < 0) place = this.#add(accesses, g);
    this.order.record(accesses.entries, place * ENTRY, g);
  }

  unordered(granule: number, g: number): number {
    const accesses = this.#granules.get(granule);
    if (!accesses) return 0;
    const { count, entries } = accesses;
    for (let at = 0; at < count * ENTRY; at += ENTRY)
      if (!this.order.ordered(entries, at, g)) return entries[at]!;
    return 0;
  }

  forget(granule: number): void {
    this.#granules.delete(granule);
  }

  begin(from: number, to: number): void {
    for (const granule of this.#granules.keys())
      if (granule >= from && granule < to) this.#granules.delete(granule);
  }

  #find({ count, entries, places }: Accesses, g: number): number {
    if (places) return places[this.order.rankOf(g)]! - 1;
    for (let place = 0; place < count; place++) if (entries[place * ENTRY] === g + 1) return place;
    return -1;
  }

  #add(accesses: Accesses, g: number): number {
    const { count, entries } = accesses;
    if ((count + 1) * ENTRY > entries.length) {
      accesses.entries = new Int32Array(2 * entries.length);
      accesses.entries.set(entries);
    }
    if (count === FEW) {
      accesses.places = new Uint16Array(this.order.clusterThreads);
      for (let place = 0; place < count; place++)
        accesses.places[this.order.rankOf(entries[place * ENTRY]! - 1)] = place + 1;
    }
    accesses.count++;
    if (accesses.places) accesses.places[this.order.rankOf(g)] = count + 1;
    return count;
  }
}
