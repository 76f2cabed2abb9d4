/** Waits for a phase of an mbarrier. A `try_wait` is taken to wait until the phase is over; a test goes on with "no". */

import type { Ready, SchedulerOptions } from './options.js';
import type { Threads } from './threads.js';

interface Waiting {
  readonly slot: number;
  readonly point: number;
  readonly threads: readonly number[];
}

export class PhaseWaits {
  #waiting: Waiting[] = [];

  constructor(
    readonly o: SchedulerOptions,
    readonly threads: Threads,
  ) {}

  arrive(slot: number, point: number, threads: Int32Array): void {
    this.#waiting.push({ slot, point, threads: [...threads] });
  }

  /** Lets those go on whose phase is over, and hands out who only tested; false if nobody's is. */
  poll(spin: (ready: Ready) => void): boolean {
    const { program, points, asynchronous, threadStride } = this.o;
    const waiting = this.#waiting;
    this.#waiting = [];
    let any = false;
    for (const { slot, point, threads } of waiting) {
      const { action, instruction } = program.points[point]!;
      if (action.kind !== 'mbarrier-wait') continue;
      const { inputs, outputs } = points[point]!;
      const [addresses, wanted] = inputs as [Int32Array, Int32Array];
      const through: number[] = [];
      const rest: number[] = [];
      for (const t of threads) {
        const g = slot * threadStride + t;
        const { parity, acquire } = action;
        const done = asynchronous.barriers.done(addresses[g]!, wanted[g]!, parity, acquire, g, instruction);
        outputs[0]![g] = done ? 1 : 0;
        (done ? through : rest).push(t);
      }
      if (through.length) {
        any = true;
        this.threads.goSome(slot, point, through);
      }
      if (!rest.length) continue;
      if (action.blocking) this.#waiting.push({ slot, point, threads: rest });
      else spin({ slot, stretch: point + 1, threads: Int32Array.from(rest) });
    }
    return any;
  }

  kill(first: number): void {
    const { clusterSize } = this.o;
    this.#waiting = this.#waiting.filter(({ slot }) => slot < first || slot >= first + clusterSize);
  }
}
