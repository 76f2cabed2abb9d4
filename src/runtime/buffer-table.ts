/**
 * The live buffers of a device, by slot and by address.
 *
 * A slot is used again after its buffer was freed, with the next generation: whoever kept the old generation holds a
 * stale handle, which two numbers tell. The table keeps no handle alive, so a forgotten one can be reported.
 */

export interface Slot {
  readonly index: number;
  /** Device address; exact below 2^53. */
  at: number;
  bytes: number;
  name: string;
  generation: number;
  /** Memory that somebody else allocated and frees. */
  foreign: boolean;
}

export class BufferTable {
  readonly #slots: Slot[] = [];
  readonly #vacant: Slot[] = [];
  /** Live slots by address. */
  readonly #sorted: Slot[] = [];
  #bytes = 0;
  #removals = 0;

  /** Number of live buffers. */
  get count(): number {
    return this.#sorted.length;
  }

  /** Bytes of the live buffers. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many buffers were ever freed: while it stays, no handle has gone stale. */
  get removals(): number {
    return this.#removals;
  }

  add(at: number, bytes: number, name: string, foreign = false): Slot {
    let slot = this.#vacant.pop();
    if (slot) {
      Object.assign(slot, { at, bytes, name, foreign });
    } else {
      slot = { index: this.#slots.length, at, bytes, name, generation: 1, foreign };
      this.#slots.push(slot);
    }
    this.#sorted.splice(this.#after(at), 0, slot);
    this.#bytes += bytes;
    return slot;
  }

  remove(slot: Slot): void {
    const place = this.#sorted.indexOf(slot, Math.max(0, this.#after(slot.at - 1)));
    this.#sorted.splice(place, 1);
    this.#bytes -= slot.bytes;
    slot.generation++;
    this.#removals++;
    this.#vacant.push(slot);
  }

  isLive(index: number, generation: number): boolean {
    return this.#slots[index]?.generation === generation;
  }

  /** The buffer that an address lies in; of overlapping ones the one that starts last. */
  find(at: number): Slot | undefined {
    for (let i = this.#after(at) - 1; i >= 0; i--) {
      const slot = this.#sorted[i]!;
      if (at < slot.at + Math.max(slot.bytes, 1)) return slot;
      if (!slot.foreign) return undefined;
    }
    return undefined;
  }

  [Symbol.iterator](): Iterator<Slot> {
    return [...this.#sorted][Symbol.iterator]();
  }

  /** Index of the first live slot that starts beyond an address. */
  #after(at: number): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sorted[middle]!.at <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
