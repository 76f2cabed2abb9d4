/**
 * What CTAs know of each other's writes to global memory, through acquire and release and cluster barriers.
 *
 * One counter goes up at each release; a place holds the count of the last release there, and a CTA that acquires the
 * place knows all writes from before that count. A race may be missed where the count says more than the kernel did, but
 * none is invented.
 */

export class Publication {
  #count = 1;
  readonly #places = new Map<string, number>();
  readonly #known: Int32Array;

  constructor(slots: number) {
    this.#known = new Int32Array(slots);
  }

  /** The count that a write is recorded with. */
  get now(): number {
    return this.#count;
  }

  begin(slot: number): void {
    this.#known[slot] = 0;
  }

  reset(): void {
    this.#places.clear();
  }

  release(place: string): void {
    this.#places.set(place, ++this.#count);
  }

  acquire(slot: number, place: string): void {
    const told = this.#places.get(place) ?? 0;
    if (told > this.#known[slot]!) this.#known[slot] = told;
  }

  /** The CTA has met others in a way that tells everything there is. */
  acquireAll(slot: number): void {
    this.#known[slot] = ++this.#count;
  }

  /** Whether the CTA in `slot` knows of a write recorded with `count`. */
  knows(slot: number, count: number): boolean {
    return this.#known[slot]! > count;
  }
}
