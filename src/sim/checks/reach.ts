/**
 * Accesses to the shared memory of another CTA of the cluster: it must have begun before them, and must not end before
 * they are made.
 */

import type { Report } from '../report.js';
import { ENTRY } from './order.js';
import type { Order } from './order.js';

interface Access {
  readonly entry: Int32Array;
  readonly g: number;
  readonly instruction: number;
}

export class Reach {
  /** By the slot that is reached into, by thread: its last access. */
  readonly #accesses = new Map<number, Map<number, Access>>();
  readonly #ended = new Set<number>();
  /** The generation that each CTA knew of when it last waited. */
  readonly #waited = new Map<number, number>();

  constructor(
    readonly order: Order,
    readonly clusterSize: number,
    readonly report: Report,
  ) {}

  begin(slot: number): void {
    this.#accesses.delete(slot);
    this.#ended.delete(slot);
    this.#waited.delete(slot);
  }

  /** Thread g reaches into the CTA in `slot`, which is not its own. */
  into(slot: number, g: number, instruction: number): void {
    if (!this.order.hasBegun(slot))
      this.#tell(slot, g, instruction, 'may not have begun: no cluster barrier has been passed');
    else if (this.#ended.has(slot)) this.#tell(slot, g, instruction, 'has ended');
    else this.#note(slot, g, instruction);
  }

  /** A thread of the CTA in `slot` has waited at a cluster barrier. */
  waited(slot: number): void {
    this.#waited.set(slot, this.order.generation(slot));
  }

  #note(slot: number, g: number, instruction: number): void {
    let threads = this.#accesses.get(slot);
    if (!threads) {
      threads = new Map();
      this.#accesses.set(slot, threads);
    }
    const entry = threads.get(g)?.entry ?? new Int32Array(ENTRY);
    this.order.record(entry, 0, g);
    threads.set(g, { entry, g, instruction });
  }

  /** All threads of the CTA in `slot`, from `from` to `to`, have ended: one of them must know of every access. */
  end(slot: number, from: number, to: number): void {
    this.#ended.add(slot);
    for (const { entry, g, instruction } of this.#accesses.get(slot)?.values() ?? []) {
      // Generations are those of the cluster, the third word of an entry.
      let known = entry[2]! < (this.#waited.get(slot) ?? 0);
      for (let own = from; own < to && !known; own++) known = this.order.tells(entry, 0, own);
      if (!known)
        this.#tell(slot, g, instruction, 'may end before this: nothing that it waits for comes after');
    }
  }

  #tell(slot: number, g: number, instruction: number, what: string): void {
    this.report('shared-hazard', g, instruction, {
      detail: `reaches into the shared memory of rank ${slot % this.clusterSize}, which ${what}`,
      allocation: 'shared memory',
    });
  }
}
