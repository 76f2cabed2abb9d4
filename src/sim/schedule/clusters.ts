/** Cluster barriers: each thread arrives once and waits once a phase; the phase is over when all that are left arrived. */

import type { SchedulerOptions } from './options.js';
import type { Threads } from './threads.js';

export class ClusterBarriers {
  /** By the first slot of the cluster. */
  readonly #arrived: Int32Array;
  readonly #phase: Int32Array;
  /** The phase in which each thread arrived last. */
  readonly #arrivedIn: Int32Array;
  /** 1 for threads that have arrived and not waited. */
  readonly #owes: Uint8Array;
  #waiting: { g: number; point: number }[] = [];

  constructor(
    readonly o: SchedulerOptions,
    readonly threads: Threads,
  ) {
    this.#arrived = new Int32Array(o.slots);
    this.#phase = new Int32Array(o.slots);
    this.#arrivedIn = new Int32Array(o.slots * o.threadStride);
    this.#owes = new Uint8Array(o.slots * o.threadStride);
  }

  #first(slot: number): number {
    return slot - (slot % this.o.clusterSize);
  }

  begin(first: number): void {
    this.#arrived[first] = 0;
    this.#owes.fill(0, first * this.o.threadStride, (first + this.o.clusterSize) * this.o.threadStride);
  }

  arrive(slot: number, point: number, threads: Int32Array): void {
    const first = this.#first(slot);
    const base = slot * this.o.threadStride;
    for (const t of threads) {
      this.#arrivedIn[base + t] = this.#phase[first]!;
      this.#turn(base + t, 1, point, 'arrives again, with no barrier.cluster.wait since it arrived last');
    }
    this.#arrived[first]! += threads.length;
    this.threads.go(slot, point, threads);
    this.changed(slot);
  }

  wait(slot: number, point: number, threads: Int32Array): void {
    const first = this.#first(slot);
    const base = slot * this.o.threadStride;
    const through: number[] = [];
    for (const t of threads) {
      this.#turn(base + t, 0, point, 'waits, with no barrier.cluster.arrive since it waited last');
      if (this.#phase[first]! > this.#arrivedIn[base + t]!) through.push(t);
      else this.#waiting.push({ g: base + t, point });
    }
    if (through.length) this.#go(slot, point, through);
  }

  /** Arrivals and waits of a thread must take turns. */
  #turn(g: number, owes: 0 | 1, point: number, detail: string): void {
    if (this.#owes[g] === owes)
      this.o.report('divergent-barrier', g, this.o.program.points[point]!.instruction, { detail });
    this.#owes[g] = owes;
  }

  /** Someone arrived or ended: ends the phase where nobody is missing. */
  changed(slot: number): void {
    const { clusterSize, hazards, publication, threadStride, profiler } = this.o;
    const first = this.#first(slot);
    let live = 0;
    for (let r = 0; r < clusterSize; r++) live += this.threads.liveCount[first + r]!;
    if (live === 0 || this.#arrived[first]! < live) return;
    this.#arrived[first] = 0;
    this.#phase[first]!++;
    if (profiler) profiler.barriers++;
    hazards.order.clusterBarrier(first, clusterSize);
    publication?.meet(first, clusterSize);
    const groups = new Map<string, { slot: number; point: number; threads: number[] }>();
    for (const { g, point } of this.#take(first)) {
      const at = Math.floor(g / threadStride);
      const key = `${at} ${point}`;
      const group = groups.get(key) ?? { slot: at, point, threads: [] };
      groups.set(key, group);
      group.threads.push(g - at * threadStride);
    }
    for (const group of groups.values()) this.#go(group.slot, group.point, group.threads);
  }

  #go(slot: number, point: number, threads: readonly number[]): void {
    this.o.hazards.waited(slot);
    this.threads.goSome(slot, point, threads);
  }

  kill(first: number): void {
    this.#take(first);
  }

  /** Takes out the threads of a cluster that wait. */
  #take(first: number): { g: number; point: number }[] {
    const { clusterSize, threadStride } = this.o;
    const [from, to] = [first * threadStride, (first + clusterSize) * threadStride];
    const inside = ({ g }: { g: number }): boolean => g >= from && g < to;
    const taken = this.#waiting.filter(inside);
    this.#waiting = this.#waiting.filter((one) => !inside(one));
    return taken;
  }
}
