/**
 * Who knows of whose accesses to shared memory: the order that barriers make, exactly.
 *
 * Most order comes from barriers of a whole CTA, warp or cluster, and is kept as generations: a counter that goes up at each
 * of them. An access of an older generation is known to all. Barriers of some threads, mbarriers and flags order single
 * threads; for those every thread has a vector clock, of what it knows beyond the generations. A clock has a word for each
 * thread of the group (its releases so far), each warp and each CTA (their generations), and each mbarrier (phases whose
 * copies have landed). Clocks are never changed once shared, so that threads in step share one.
 */

export type Clock = Int32Array;

/** What a thread tells others when it arrives somewhere. */
export interface Arrival {
  readonly g: number;
  readonly known: Clock | undefined;
  readonly time: number;
  readonly warp: number;
  readonly cta: number;
}

/** Words of a recorded access: thread + 1 (0: nobody, below 0: a landed copy), generations of CTA, cluster, warp; time. */
export const ENTRY = 5;

export interface OrderOptions {
  /** Threads of all slots, padded to whole warps. */
  readonly threads: number;
  readonly threadStride: number;
  readonly clusterSize: number;
  /** Whether anything but whole CTAs and clusters synchronises: then clocks are kept. */
  readonly exact: boolean;
}

export class Order {
  readonly exact: boolean;
  readonly #cta: Int32Array;
  readonly #cluster: Int32Array;
  readonly #warp: Int32Array;
  /** The cluster's generation when the CTA in each slot began. */
  readonly #began: Int32Array;
  readonly #time: Int32Array;
  readonly #known: (Clock | undefined)[];
  readonly #stride: number;
  readonly #clusterSize: number;
  /** Where the words of warps, CTAs and mbarriers begin in a clock. */
  readonly #warps: number;
  readonly #ctas: number;
  readonly #barriers: number;
  #memo: { a: Clock; b: Clock; joined: Clock } | undefined;

  constructor({ threads, threadStride, clusterSize, exact }: OrderOptions) {
    const slots = Math.ceil(threads / threadStride);
    this.exact = exact;
    this.#cta = new Int32Array(slots).fill(1);
    this.#cluster = new Int32Array(slots).fill(1);
    this.#warp = new Int32Array(threads >> 5).fill(1);
    this.#began = new Int32Array(slots);
    this.#time = new Int32Array(exact ? threads : 0).fill(1);
    this.#known = exact ? new Array<Clock | undefined>(threads).fill(undefined) : [];
    this.#stride = threadStride;
    this.#clusterSize = clusterSize;
    this.#warps = clusterSize * threadStride;
    this.#ctas = this.#warps + (this.#warps >> 5);
    this.#barriers = this.#ctas + clusterSize;
  }

  slotOf(g: number): number {
    return (g / this.#stride) | 0;
  }

  /** Threads of a cluster, with what pads each CTA to its stride. */
  get clusterThreads(): number {
    return this.#warps;
  }

  /** Place of thread g among those of its cluster. */
  rankOf(g: number): number {
    return g - this.#group(g) * this.#stride;
  }

  /** A CTA starts in `slot`. */
  begin(slot: number): void {
    this.#cta[slot]!++;
    this.#began[slot] = ++this.#cluster[slot]!;
    this.#known.fill(undefined, slot * this.#stride, (slot + 1) * this.#stride);
  }

  /** Cluster barriers that the CTA in `slot` has been through, and a number for its beginning. */
  generation(slot: number): number {
    return this.#cluster[slot]!;
  }

  /** Whether a cluster barrier tells that the CTA in `slot` has begun. */
  hasBegun(slot: number): boolean {
    return this.#cluster[slot] !== this.#began[slot];
  }

  /** All threads of a CTA have met. */
  barrier(slot: number): void {
    this.#cta[slot]!++;
    this.#share(slot * this.#stride, (slot + 1) * this.#stride);
  }

  clusterBarrier(first: number, count: number): void {
    for (let slot = first; slot < first + count; slot++) {
      this.#cluster[slot]!++;
      this.#cta[slot]!++;
    }
    this.#share(first * this.#stride, (first + count) * this.#stride);
  }

  /** Lanes of a warp have met at `bar.warp.sync`; `live` are all that are left of it. */
  warpBarrier(warp: number, lanes: number, live: number): void {
    if (lanes === live) {
      this.#warp[warp]!++;
      this.#share(warp * 32, warp * 32 + 32);
      return;
    }
    const arrivals: Arrival[] = [];
    for (let lane = 0; lane < 32; lane++)
      if ((lanes >>> lane) & 1) arrivals.push(this.arrive(warp * 32 + lane));
    const clock = this.meet(arrivals);
    for (const { g } of arrivals) this.learn(g, clock);
  }

  /** What each of these threads knows, all of them know now. */
  #share(from: number, to: number): void {
    if (!this.exact) return;
    let first: Clock | undefined;
    let mixed = false;
    for (let g = from; g < to; g++) {
      const known = this.#known[g];
      if (known !== first) {
        mixed ||= g > from;
        first ??= known;
      }
    }
    if (!mixed) return;
    const clocks = new Set<Clock>();
    for (let g = from; g < to; g++) if (this.#known[g]) clocks.add(this.#known[g]!);
    this.#known.fill(join([...clocks]), from, to);
  }

  /** What thread g has done so far becomes something that it can tell. */
  arrive(g: number): Arrival {
    return {
      g,
      known: this.#known[g],
      time: this.#time[g]!++,
      warp: this.#warp[g >> 5]!,
      cta: this.#cta[this.slotOf(g)]!,
    };
  }

  /** All that these arrivals tell, and what `before` told. */
  meet(arrivals: readonly Arrival[], before?: Clock): Clock {
    const clocks = new Set<Clock>();
    if (before) clocks.add(before);
    for (const { known } of arrivals) if (known) clocks.add(known);
    const clock = join([...clocks, new Int32Array(this.#barriers)]);
    for (const { g, time, warp, cta } of arrivals) {
      const first = this.#group(g);
      const t = g - first * this.#stride;
      raise(clock, t, time);
      raise(clock, this.#warps + (t >> 5), warp);
      raise(clock, this.#ctas + this.slotOf(g) - first, cta);
    }
    return clock;
  }

  /** Thread g has waited for what `clock` tells. */
  learn(g: number, clock: Clock): void {
    const known = this.#known[g];
    if (known === undefined || known === clock) this.#known[g] = clock;
    else {
      if (this.#memo?.a !== known || this.#memo.b !== clock)
        this.#memo = { a: known, b: clock, joined: join([known, clock]) };
      this.#known[g] = this.#memo.joined;
    }
  }

  /** `clock`, and that the copies of phase `phase` of an mbarrier have landed. */
  landed(clock: Clock, barrier: number, phase: number): Clock {
    const at = this.#barriers + barrier;
    const grown = new Int32Array(Math.max(clock.length, at + 1));
    grown.set(clock);
    raise(grown, at, phase + 1);
    return grown;
  }

  #group(g: number): number {
    const slot = this.slotOf(g);
    return slot - (slot % this.#clusterSize);
  }

  record(entries: Int32Array, at: number, g: number): void {
    const slot = this.slotOf(g);
    entries[at] = g + 1;
    entries[at + 1] = this.#cta[slot]!;
    entries[at + 2] = this.#cluster[slot]!;
    entries[at + 3] = this.#warp[g >> 5]!;
    if (this.exact) entries[at + 4] = this.#time[g]!;
  }

  /** Records what a copy wrote that an mbarrier counts. */
  recordLanding(entries: Int32Array, at: number, barrier: number, phase: number): void {
    entries[at] = -1 - barrier;
    entries[at + 4] = phase + 1;
  }

  /** Whether the access recorded at `at`, if there is one, comes before thread g's present one. */
  ordered(entries: Int32Array, at: number, g: number): boolean {
    const who = entries[at]!;
    if (who === 0 || who === g + 1) return true;
    if (who < 0) return (this.#known[g]?.[this.#barriers - 1 - who] ?? 0) >= entries[at + 4]!;
    const other = who - 1;
    const mine = this.slotOf(g);
    const theirs = this.slotOf(other);
    if (entries[at + 2] !== this.#cluster[theirs]) return true;
    if (mine === theirs) {
      if (entries[at + 1] !== this.#cta[mine]) return true;
      if (other >> 5 === g >> 5 && entries[at + 3] !== this.#warp[g >> 5]) return true;
    }
    return this.tells(entries, at, g);
  }

  /** Whether thread g has been told of the access of a thread at `at`, other than by a barrier of all. */
  tells(entries: Int32Array, at: number, g: number): boolean {
    const known = this.#known[g];
    if (known === undefined) return false;
    const other = entries[at]! - 1;
    const theirs = this.slotOf(other);
    const first = this.#group(g);
    const t = other - first * this.#stride;
    return (
      known[t]! >= entries[at + 4]! ||
      known[this.#warps + (t >> 5)]! > entries[at + 3]! ||
      known[this.#ctas + theirs - first]! > entries[at + 1]!
    );
  }

  /** Whether the access at `at` and thread g's are of one generation of their CTA. */
  sameGeneration(entries: Int32Array, at: number, g: number): boolean {
    const slot = this.slotOf(g);
    return entries[at + 1] === this.#cta[slot] && entries[at + 2] === this.#cluster[slot];
  }
}

function raise(clock: Clock, at: number, to: number): void {
  if (clock[at]! < to) clock[at] = to;
}

/** The larger of each word; a clock that is shorter knows nothing of the rest. */
function join(clocks: readonly Clock[]): Clock {
  const joined = new Int32Array(Math.max(...clocks.map(({ length }) => length)));
  for (const clock of clocks)
    for (let n = 0; n < clock.length; n++) if (clock[n]! > joined[n]!) joined[n] = clock[n]!;
  return joined;
}
