/**
 * What CTAs know of each other's accesses to global memory: happens-before between CTAs, a vector clock each.
 *
 * One counter gives every release and fence a time. A CTA's clock has, for each CTA, the time before which it knows of that
 * one's accesses; a release leaves the clock at its place, an acquire takes what was left there. A relaxed access tells
 * nothing by itself: a write tells what came before its CTA's last fence, and a read is told when its CTA comes to a fence.
 * A barrier of the CTA is taken to lie between its threads, so that one thread tells and learns for all. CTAs share words
 * of a clock where the grid is large: a race may then be missed, but none is invented.
 */

/** Words of a clock. */
const WIDEST = 1024;

/** What an access to a place does, as bits: acquires, releases; reads and writes relaxed. */
export const ACQUIRES = 1;
export const RELEASES = 2;
export const OBSERVES = 4;
export const SHOWS = 8;

type Clock = Int32Array;

export class Publication {
  #time = 1;
  #width = 1;
  readonly #places = new Map<string, Clock>();
  /** By slot. */
  readonly #known: Clock[];
  /** The latest access of any other CTA that the slot knows of. */
  readonly #latest: Int32Array;
  /** Time of the slot's last fence; 0: none. */
  readonly #fenced: Int32Array;
  /** Clocks at places that the slot has read relaxed since its last fence. */
  readonly #observed: Set<Clock>[];

  /** @param ctaOfSlot grid index of the CTA in each slot */
  constructor(readonly ctaOfSlot: Int32Array) {
    const slots = ctaOfSlot.length;
    this.#known = Array.from({ length: slots }, () => new Int32Array(1));
    this.#latest = new Int32Array(slots);
    this.#fenced = new Int32Array(slots);
    this.#observed = Array.from({ length: slots }, () => new Set<Clock>());
  }

  /** The time that an access is recorded with. */
  get now(): number {
    return this.#time;
  }

  /** A launch of `ctas` CTAs starts. */
  reset(ctas: number): void {
    this.#places.clear();
    this.#width = Math.min(ctas, WIDEST);
    this.#known.forEach((_, slot) => (this.#known[slot] = new Int32Array(this.#width)));
  }

  /** A CTA starts in `slot`. */
  begin(slot: number): void {
    this.#known[slot]!.fill(0);
    this.#latest[slot] = 0;
    this.#fenced[slot] = 0;
    this.#observed[slot]!.clear();
  }

  /** The CTA in `slot` makes an ordered access to a place: `mode` has the bits above. */
  access(slot: number, place: string, mode: number): void {
    const told = this.#places.get(place);
    if (told) {
      if (mode & ACQUIRES) this.#learn(slot, told);
      else if (mode & OBSERVES) this.#observed[slot]!.add(told);
    }
    if (mode & RELEASES) this.#tell(slot, place, ++this.#time);
    else if (mode & SHOWS && this.#fenced[slot] !== 0) this.#tell(slot, place, this.#fenced[slot]!);
  }

  fence(slot: number): void {
    for (const clock of this.#observed[slot]!) this.#learn(slot, clock);
    this.#observed[slot]!.clear();
    this.#fenced[slot] = ++this.#time;
  }

  /** CTAs of a cluster have met: each knows what the others have done. */
  meet(first: number, count: number): void {
    const time = ++this.#time;
    const joined = new Int32Array(this.#width);
    for (let slot = first; slot < first + count; slot++) {
      raise(joined, this.#known[slot]!);
      joined[this.#word(slot)] = time;
    }
    for (let slot = first; slot < first + count; slot++) this.#learn(slot, joined);
  }

  /** How late the last access is that the CTA in `slot` has been told of. */
  told(slot: number): number {
    return this.#latest[slot]!;
  }

  /** Whether the CTA in `slot` knows of an access at `time` by CTA `other`, or by several where that is undefined. */
  knows(slot: number, other: number | undefined, time: number): boolean {
    return (other === undefined ? this.#latest[slot]! : this.#known[slot]![other % this.#width]!) > time;
  }

  #word(slot: number): number {
    return this.ctaOfSlot[slot]! % this.#width;
  }

  #learn(slot: number, clock: Clock): void {
    const known = this.#known[slot]!;
    raise(known, clock);
    const own = this.#word(slot);
    for (let n = 0; n < known.length; n++)
      if ((n !== own || this.#width === WIDEST) && known[n]! > this.#latest[slot]!)
        this.#latest[slot] = known[n]!;
  }

  /** Leaves at a place what the CTA knows, and what it did itself before `time`. */
  #tell(slot: number, place: string, time: number): void {
    let clock = this.#places.get(place);
    if (!clock) {
      clock = new Int32Array(this.#width);
      this.#places.set(place, clock);
    }
    raise(clock, this.#known[slot]!);
    const own = this.#word(slot);
    if (clock[own]! < time) clock[own] = time;
  }
}

function raise(clock: Clock, by: Clock): void {
  for (let n = 0; n < clock.length; n++) if (clock[n]! < by[n]!) clock[n] = by[n]!;
}
