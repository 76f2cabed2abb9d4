/** mbarriers: arrivals and bytes that are still to come, phases that are over, and what who waits for them learns. */

import type { AccessState, Accesses, SharedWindow } from '../access/index.js';
import type { Clock } from '../checks/order.js';

interface Barrier {
  /** Its word in clocks. */
  readonly id: number;
  /** Arrivals a phase. */
  count: number;
  /** Arrivals that are still to come in this phase. */
  missing: number;
  /** Bytes that are still to come in this phase; below 0 where they came before they were announced. */
  bytes: number;
  /** Phases that are over. */
  phase: number;
  /** What all that arrived so far tell, and what those of the phases that are over told. */
  told: Clock | undefined;
  over: Clock | undefined;
}

export class Mbarriers {
  /** By their offset into the group's shared memory. */
  readonly #barriers = new Map<number, Barrier>();
  #ids = 0;

  constructor(
    readonly state: AccessState,
    readonly access: Accesses,
    readonly window: SharedWindow,
  ) {}

  /** A CTA starts: what the last one in its slot left behind is gone. */
  begin(slot: number): void {
    for (const at of this.#barriers.keys())
      if (Math.floor(at / this.state.sharedStride) === slot) this.#barriers.delete(at);
    if (this.#barriers.size === 0) this.#ids = 0;
  }

  init(address: number, count: number, g: number, instruction: number): void {
    const k = this.access.SS(address, 8, g, instruction);
    if (count < 1 || count > 2 ** 20 - 1)
      this.#misuse(address, g, instruction, `initialises an mbarrier for ${count} arrivals`);
    if (this.#barriers.has(k))
      this.#misuse(
        address,
        g,
        instruction,
        'initialises what is an mbarrier already, with no mbarrier.inval between',
      );
    const id = this.#barriers.get(k)?.id ?? this.#ids++;
    this.#barriers.set(k, {
      id,
      count,
      missing: count,
      bytes: 0,
      phase: 0,
      told: undefined,
      over: undefined,
    });
  }

  invalidate(address: number, g: number, instruction: number): void {
    if (this.#at(address, g, instruction, 'invalidates'))
      this.#barriers.delete(this.access.SA(address, 8, g, instruction));
  }

  /** Returns the phase that the arrival counts for. */
  arrive(
    address: number,
    count: number,
    bytes: number,
    drop: boolean,
    g: number,
    instruction: number,
  ): number {
    const barrier = this.#at(address, g, instruction, 'arrives at');
    if (!barrier) return 0;
    const { phase } = barrier;
    if (count > barrier.missing)
      this.#misuse(
        address,
        g,
        instruction,
        `arrives ${count} times where ${barrier.missing} of ${barrier.count} arrivals are missing`,
      );
    this.#tell(barrier, g);
    barrier.bytes += bytes;
    barrier.missing -= count;
    if (drop) barrier.count -= count;
    this.#settle(barrier);
    return phase;
  }

  /** Bytes are announced (or, below 0, said to have come). */
  expect(address: number, bytes: number, g: number, instruction: number): void {
    const barrier = this.#at(address, g, instruction, 'announces bytes to');
    if (!barrier) return;
    barrier.bytes += bytes;
    this.#settle(barrier);
  }

  /** A thread's own copies have landed: an arrival of its own, or with `noinc` one of those that are counted on. */
  copied(address: number, noinc: boolean, g: number, instruction: number): void {
    const barrier = this.#at(address, g, instruction, 'arrives at');
    if (!barrier) return;
    this.#tell(barrier, g);
    if (noinc) barrier.missing--;
    this.#settle(barrier);
  }

  /** Bytes of a copy have landed; `mark` records them as written in the present phase of the barrier. */
  came(
    address: number,
    bytes: number,
    g: number,
    instruction: number,
    mark: (id: number, phase: number) => void,
  ): void {
    // It is the copy that reaches it, not its thread.
    const place = this.window.place(address, 8, g, instruction, 'updates');
    if (place === undefined) return;
    const barrier = this.#found(place, address, g, instruction, 'completes bytes of');
    if (!barrier) return;
    mark(barrier.id, barrier.phase);
    const { order } = this.state.hazards;
    if (order.exact) barrier.told = order.landed(barrier.told ?? order.meet([]), barrier.id, barrier.phase);
    barrier.bytes -= bytes;
    this.#settle(barrier);
  }

  /** Whether the phase that a wait names is over; then thread g learns what it tells. */
  done(
    address: number,
    wanted: number,
    parity: boolean,
    acquire: boolean,
    g: number,
    instruction: number,
  ): boolean {
    const barrier = this.#at(address, g, instruction, 'waits for');
    if (!barrier) return true;
    const over = parity ? (barrier.phase & 1) !== (wanted & 1) : barrier.phase > wanted;
    const { hazards, publication } = this.state;
    if (over && acquire && hazards.order.exact) {
      if (barrier.over) hazards.order.learn(g, barrier.over);
      const slot = hazards.order.slotOf(g);
      publication?.meet(slot - (slot % this.state.clusterSize), this.state.clusterSize);
    }
    return over;
  }

  #at(address: number, g: number, instruction: number, verb: string): Barrier | undefined {
    return this.#found(this.access.SA(address, 8, g, instruction), address, g, instruction, verb);
  }

  #found(place: number, address: number, g: number, instruction: number, verb: string): Barrier | undefined {
    const barrier = this.#barriers.get(place);
    if (!barrier)
      this.#misuse(
        address,
        g,
        instruction,
        `${verb} a place in shared memory that is not an initialised mbarrier`,
      );
    return barrier;
  }

  #misuse(address: number, g: number, instruction: number, detail: string): void {
    this.state.report('mbarrier-misuse', g, instruction, {
      detail,
      address: `0x${(address >>> 0).toString(16)}`,
      allocation: 'shared memory',
      offset: (address & 0xffffff) - this.state.sharedStart,
    });
  }

  #tell(barrier: Barrier, g: number): void {
    const { order } = this.state.hazards;
    if (order.exact) barrier.told = order.meet([order.arrive(g)], barrier.told);
  }

  #settle(barrier: Barrier): void {
    if (barrier.missing > 0 || barrier.bytes !== 0) return;
    barrier.phase++;
    barrier.missing = barrier.count;
    barrier.over = barrier.told;
  }
}
