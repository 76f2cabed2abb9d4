/**
 * Shadow of shared memory: who last wrote, read and updated each granule, and which copies are under way.
 *
 * Two accesses of different threads, one of them a plain write (or a plain access and an atomic), race unless `Order` says
 * that one comes before the other. A granule is the narrowest access that the kernel makes.
 */

import type { FaultKind, Report } from '../report.js';
import { EveryAccessor, LastAccessor, SEVERAL } from './accessors.js';
import type { Accessors } from './accessors.js';
import { ENTRY, Order } from './order.js';
import type { Clock } from './order.js';
import { Reach } from './reach.js';

export interface HazardOptions {
  readonly bytes: number;
  readonly granule: number;
  readonly threads: number;
  readonly threadStride: number;
  readonly sharedStride: number;
  readonly sharedStart: number;
  readonly clusterSize: number;
  readonly hazards: boolean;
  /** See `Order`. */
  readonly exact: boolean;
  readonly report: Report;
}

/** A copy will fill the granule, or still reads it. */
const ARRIVING = 1;
const LEAVING = 2;

export class HazardShadow {
  readonly order: Order;
  readonly #reach: Reach | undefined;
  readonly #shift: number;
  readonly #writes: Int32Array;
  readonly #reads: Accessors;
  readonly #updates: Accessors;
  readonly #written: Uint8Array;
  readonly #copies: Uint8Array;
  /** What was released at each place. */
  readonly #flags = new Map<number, Clock>();

  constructor(readonly options: HazardOptions) {
    const { bytes, granule, hazards, exact } = options;
    this.#shift = Math.log2(granule);
    this.order = new Order({ ...options, exact: exact && hazards });
    if (options.clusterSize > 1 && hazards)
      this.#reach = new Reach(this.order, options.clusterSize, options.report);
    const granules = Math.ceil(bytes / granule);
    const { order } = this;
    const accessors = (): Accessors => (exact ? new EveryAccessor(order) : new LastAccessor(order, granules));
    this.#writes = new Int32Array(hazards ? granules * ENTRY : 0);
    this.#reads = accessors();
    this.#updates = accessors();
    this.#written = new Uint8Array(granules);
    this.#copies = new Uint8Array(granules);
  }

  /** A CTA starts in `slot`: nothing of its shared memory is initialised. */
  begin(slot: number): void {
    this.order.begin(slot);
    this.#reach?.begin(slot);
    const { sharedStride } = this.options;
    const [from, to] = [(slot * sharedStride) >>> this.#shift, ((slot + 1) * sharedStride) >>> this.#shift];
    this.#written.fill(0, from, to);
    this.#copies.fill(0, from, to);
    if (!this.order.exact) return;
    this.#writes.fill(0, from * ENTRY, to * ENTRY);
    for (const k of this.#flags.keys())
      if (k >= slot * sharedStride && k < (slot + 1) * sharedStride) this.#flags.delete(k);
    this.#reads.begin(from, to);
    this.#updates.begin(from, to);
  }

  /** All threads of the CTA in `slot` have ended. */
  end(slot: number): void {
    const { threadStride } = this.options;
    this.#reach?.end(slot, slot * threadStride, (slot + 1) * threadStride);
  }

  /** A thread of the CTA in `slot` goes on from a cluster barrier. */
  waited(slot: number): void {
    this.#reach?.waited(slot);
  }

  /** Thread g accesses the shared memory of the CTA in `slot`. */
  reach(slot: number, g: number, instruction: number): void {
    if (slot !== this.order.slotOf(g)) this.#reach?.into(slot, g, instruction);
  }

  #mark(k: number, bytes: number, value: number): void {
    this.#copies.fill(value, k >>> this.#shift, (k + bytes + (1 << this.#shift) - 1) >>> this.#shift);
  }

  /** A copy that thread g issues will fill these bytes: from now on nobody else may touch them. */
  arriving(k: number, bytes: number, g: number, instruction: number): void {
    this.write(k, bytes, g, instruction);
    this.#mark(k, bytes, ARRIVING);
  }

  /** It has, when its thread waited for it. */
  arrived(k: number, bytes: number, g: number): void {
    this.#mark(k, bytes, 0);
    if (!this.options.hazards) return;
    const last = (k + bytes - 1) >>> this.#shift;
    for (let n = k >>> this.#shift; n <= last; n++) this.order.record(this.#writes, n * ENTRY, g);
  }

  /** It has, and an mbarrier counts it: only who waits for that phase knows. */
  landed(k: number, bytes: number, barrier: number, phase: number): void {
    this.#mark(k, bytes, 0);
    if (!this.options.hazards) return;
    const last = (k + bytes - 1) >>> this.#shift;
    for (let n = k >>> this.#shift; n <= last; n++)
      this.order.recordLanding(this.#writes, n * ENTRY, barrier, phase);
  }

  /** A copy that thread g issues reads these bytes until it is waited for. */
  leaving(k: number, bytes: number, g: number, instruction: number): void {
    this.read(k, bytes, g, instruction);
    this.#mark(k, bytes, LEAVING);
  }

  left(k: number, bytes: number, g: number): void {
    this.#mark(k, bytes, 0);
    if (!this.options.hazards) return;
    const last = (k + bytes - 1) >>> this.#shift;
    for (let n = k >>> this.#shift; n <= last; n++) this.#reads.note(n, g);
  }

  read(k: number, bytes: number, g: number, instruction: number): void {
    const last = (k + bytes - 1) >>> this.#shift;
    for (let n = k >>> this.#shift; n <= last; n++) {
      if (this.#copies[n] === ARRIVING)
        this.#fault(
          'read-before-wait',
          n,
          g,
          instruction,
          'reads what an asynchronous copy has not brought yet',
        );
      else if (this.#written[n] === 0)
        this.#fault('uninitialised-read', n, g, instruction, 'reads shared memory that nobody has written');
      if (!this.options.hazards) continue;
      if (!this.order.ordered(this.#writes, n * ENTRY, g))
        this.#race('read after write', 'wrote', this.#writes[n * ENTRY]!, n, g, instruction);
      const updater = this.#updates.unordered(n, g);
      if (updater !== 0) this.#race('read after update', 'updated', updater, n, g, instruction);
      this.#reads.note(n, g);
    }
  }

  write(k: number, bytes: number, g: number, instruction: number): void {
    const last = (k + bytes - 1) >>> this.#shift;
    for (let n = k >>> this.#shift; n <= last; n++) {
      this.#written[n] = 1;
      if (!this.options.hazards) continue;
      this.#busy(n, g, instruction);
      const at = n * ENTRY;
      if (!this.order.ordered(this.#writes, at, g))
        this.#race('write after write', 'wrote', this.#writes[at]!, n, g, instruction);
      const reader = this.#reads.unordered(n, g);
      if (reader !== 0) this.#race('write after read', 'read', reader, n, g, instruction);
      const updater = this.#updates.unordered(n, g);
      if (updater !== 0) this.#race('write after update', 'updated', updater, n, g, instruction);
      this.order.record(this.#writes, at, g);
      this.#reads.forget(n);
      this.#updates.forget(n);
    }
  }

  /**
   * Atomics, and stores and loads that are ordered like them, do not race with each other; they do with plain accesses.
   * @param fresh it need not have been written before
   */
  atomic(k: number, bytes: number, g: number, instruction: number, fresh: boolean): void {
    const last = (k + bytes - 1) >>> this.#shift;
    for (let n = k >>> this.#shift; n <= last; n++) {
      if (this.#written[n] === 0 && !fresh)
        this.#fault('uninitialised-read', n, g, instruction, 'updates shared memory that nobody has written');
      this.#written[n] = 1;
      if (!this.options.hazards) continue;
      this.#busy(n, g, instruction);
      if (!this.order.ordered(this.#writes, n * ENTRY, g))
        this.#race('update after write', 'wrote', this.#writes[n * ENTRY]!, n, g, instruction);
      const reader = this.#reads.unordered(n, g);
      if (reader !== 0) this.#race('update after read', 'read', reader, n, g, instruction);
      this.#updates.note(n, g);
    }
  }

  /** Thread g acquires (1), releases (2) or both (3) at byte k. */
  flag(k: number, mode: number, g: number): void {
    const { order } = this;
    if (!order.exact) return;
    const told = this.#flags.get(k);
    if (mode & 1 && told) order.learn(g, told);
    if (mode & 2) this.#flags.set(k, order.meet([order.arrive(g)], told));
  }

  #busy(n: number, g: number, instruction: number): void {
    const copy = this.#copies[n];
    if (copy === 0) return;
    const what = copy === ARRIVING ? 'is still to fill' : 'still reads';
    this.#fault('shared-hazard', n, g, instruction, `writes what an asynchronous copy ${what}`);
  }

  #race(what: string, verb: string, who: number, n: number, g: number, instruction: number): void {
    let other = `thread number ${(who - 1) % this.options.threadStride} ${verb} it`;
    if (who === SEVERAL && verb !== 'wrote') other = `several threads ${verb} it`;
    else if (who < 0) other = 'an asynchronous copy wrote it, whose mbarrier this thread has not waited for,';
    this.#fault('shared-hazard', n, g, instruction, `${what}: ${other} with no barrier between`);
  }

  #fault(kind: FaultKind, granule: number, g: number, instruction: number, detail: string): void {
    const { sharedStride, sharedStart } = this.options;
    const offset = ((granule << this.#shift) % sharedStride) - sharedStart;
    this.options.report(kind, g, instruction, { detail, allocation: 'shared memory', offset });
  }
}
