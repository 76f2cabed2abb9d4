/**
 * Runs the stretches of a kernel over the threads of its CTAs, and decides at every point who goes on.
 *
 * Threads are independent: a stretch runs them one after another, and at a warp instruction the lanes of its member mask
 * wait for each other. Clusters are resident as one group. A kernel that awaits other CTAs gets more of them, up to what
 * fits on the device at once, whenever all that are resident only spin.
 */

import { ENDED } from '../codegen/generate.js';
import { CTA_WORDS, ctaWord } from '../lower/special-values.js';
import type { SyncAction } from '../program.js';
import { CtaBarriers } from './barriers.js';
import { ClusterBarriers } from './clusters.js';
import type { Ready, SchedulerOptions } from './options.js';
import { PhaseWaits } from './phases.js';
import { reportDeadlock, reportSpin } from './stuck.js';
import { Threads } from './threads.js';
import { WarpMeetings } from './warps.js';

export type { PointArrays, SchedulerOptions, StretchFunction } from './options.js';

/** Fills in the words of CTA `rank` of cluster `cluster`; returns its number in the grid. */
export type Place = (cluster: number, rank: number, words: Int32Array, at: number) => number;

/** Rounds of nothing but spinning, with memory unchanged, after which nobody will ever go on. */
const IDLE_ROUNDS = 8;

export class Scheduler {
  readonly #threads: Threads;
  readonly #warps: WarpMeetings;
  readonly #barriers: CtaBarriers;
  readonly #clusters: ClusterBarriers;
  readonly #phases: PhaseWaits;
  #spinning: Ready[] = [];
  /** Those that go when the others only spin. */
  readonly #late: Ready[] = [];
  /** First slots of the groups that run. */
  readonly #resident = new Set<number>();

  constructor(readonly o: SchedulerOptions) {
    this.#threads = new Threads(o.threads, o.threadStride, o.slots);
    this.#warps = new WarpMeetings(o, this.#threads);
    this.#barriers = new CtaBarriers(o, this.#threads);
    this.#clusters = new ClusterBarriers(o, this.#threads);
    this.#phases = new PhaseWaits(o, this.#threads);
  }

  run(clusters: number, place: Place): void {
    const { clusterSize, slots } = this.o;
    const free: number[] = [];
    for (let first = slots - clusterSize; first >= 0; first -= clusterSize) free.push(first);
    let next = 0;
    let idle = 0;
    while (next < clusters || this.#resident.size) {
      // A group that is done makes room; more start only when nobody resident can go on.
      const waiting = this.#spinning.length + this.#late.length;
      if (next < clusters && free.length && (this.#resident.size === 0 || waiting))
        this.#begin(free.pop()!, next++, place);
      else if (waiting) {
        idle = this.o.world[0] === 0 ? idle + 1 : 0;
        this.o.world[0] = 0;
        if (this.#late.length && (idle > 0 || !this.#spinning.length)) {
          this.#threads.ready.push(this.#leastTold());
          idle = 0;
        } else {
          if (idle <= IDLE_ROUNDS) this.#threads.ready.push(...this.#spinning);
          else {
            reportSpin(this.o, this.#spinning[0]!, this.#resident.size, next < clusters);
            for (const first of this.#resident) this.#kill(first);
          }
          this.#spinning = [];
        }
      }
      this.#drain();
      if (this.#spinning.length + this.#late.length === 0)
        for (const first of this.#resident) {
          // Nobody runs and nobody spins: who is left waits for ever.
          if (this.#isDone(first)) continue;
          reportDeadlock(this.o, this.#threads, first);
          this.#kill(first);
        }
      for (const first of this.#resident) {
        if (!this.#isDone(first)) continue;
        this.#resident.delete(first);
        free.push(first);
        idle = 0;
      }
    }
  }

  /**
   * Takes out of those that come late the one whose CTA has been told of least, the last of several: what a wait leaves
   * untold is then not told by the next place where CTAs meet.
   */
  #leastTold(): Ready {
    const told = this.#late.map(({ slot }) => this.o.publication?.told(slot) ?? 0);
    return this.#late.splice(told.lastIndexOf(Math.min(...told)), 1)[0]!;
  }

  #isDone(first: number): boolean {
    for (let r = 0; r < this.o.clusterSize; r++) if (this.#threads.liveCount[first + r]! > 0) return false;
    return true;
  }

  #begin(first: number, cluster: number, place: Place): void {
    const { clusterSize, threadStride, ctaWords, ctaOfSlot, hazards, dependencyMet } = this.o;
    this.#resident.add(first);
    for (let rank = 0; rank < clusterSize; rank++) {
      const slot = first + rank;
      ctaOfSlot[slot] = place(cluster, rank, ctaWords, slot * CTA_WORDS.length);
      ctaWords[slot * CTA_WORDS.length + ctaWord('slot')] = slot;
      hazards.begin(slot);
      this.o.publication?.begin(slot);
      this.o.asynchronous.begin(slot);
      dependencyMet.fill(0, slot * threadStride, (slot + 1) * threadStride);
      this.#barriers.clear(slot);
      this.#threads.begin(slot);
    }
    this.#clusters.begin(first);
  }

  #kill(first: number): void {
    for (let slot = first; slot < first + this.o.clusterSize; slot++) {
      this.#threads.kill(slot);
      this.#warps.kill(slot);
      this.#barriers.clear(slot);
    }
    this.#phases.kill(first);
    this.#clusters.kill(first);
  }

  /** Runs until every thread that is left waits or spins. */
  #drain(): void {
    const { ready } = this.#threads;
    for (;;) {
      const job = ready.shift();
      if (job) this.#step(job);
      else if (
        !this.#warps.releaseLazy() &&
        !this.#phases.poll((spin) => this.#spinning.push(spin)) &&
        !this.o.asynchronous.landOne()
      )
        return;
    }
  }

  #step({ slot, stretch, threads }: Ready): void {
    const { ctaWords, threadStride, stretches, at, world, program } = this.o;
    const base = slot * threadStride;
    // A loop with a point inside never jumps back within one stretch.
    if (--world[1]! < 0)
      this.o.overrun(base + threads[0]!, stretch === 0 ? -1 : program.points[stretch - 1]!.instruction);
    const words = slot * CTA_WORDS.length;
    stretches[stretch]!(threads, threads.length, base, words, ctaWords[words + ctaWord('rank')]! << 24);
    const point = at[base + threads[0]!]!;
    let uniform = true;
    for (let n = 0; n < threads.length; n++) if (at[base + threads[n]!] !== point) uniform = false;
    if (uniform) {
      this.#arrive(slot, point, threads);
      return;
    }
    const groups = new Map<number, number[]>();
    for (const t of threads) {
      const where = at[base + t]!;
      const group = groups.get(where);
      if (group) group.push(t);
      else groups.set(where, [t]);
    }
    for (const [where, group] of groups) this.#arrive(slot, where, Int32Array.from(group));
  }

  #arrive(slot: number, point: number, threads: Int32Array): void {
    if (point === ENDED) {
      this.#end(slot, threads);
      return;
    }
    const { action } = this.o.program.points[point]!;
    const all = threads === this.#threads.all && this.#threads.liveCount[slot] === this.o.threads;
    if (all && this.#together(slot, point, action)) {
      this.#threads.go(slot, point, threads);
      return;
    }
    switch (action.kind) {
      case 'warp':
        this.#warps.arrive(slot, point, action, threads);
        break;
      case 'barrier':
        this.#barriers.arrive(slot, point, action, threads);
        break;
      case 'cluster-arrive':
        this.#clusters.arrive(slot, point, threads);
        break;
      case 'cluster-wait':
        this.#clusters.wait(slot, point, threads);
        break;
      case 'mbarrier-wait':
        this.#phases.arrive(slot, point, threads);
        break;
      case 'yield':
        (action.late ? this.#late : this.#spinning).push({ slot, stretch: point + 1, threads });
        break;
      default:
        action satisfies never;
    }
  }

  #together(slot: number, point: number, action: SyncAction): boolean {
    if (action.kind === 'warp') return this.#warps.whole(slot, point, action);
    return action.kind === 'barrier' && this.#barriers.whole(slot, point, action);
  }

  #end(slot: number, threads: Int32Array): void {
    const base = slot * this.o.threadStride;
    for (let n = 0; n < threads.length; n++) this.o.asynchronous.end(base + threads[n]!);
    const warps = this.#threads.end(slot, threads);
    if (this.#threads.liveCount[slot] === 0) {
      this.o.hazards.end(slot);
      this.o.profiler?.ended(slot);
    } else {
      this.#warps.ended(slot, warps);
      this.#barriers.ended(slot);
    }
    this.#clusters.changed(slot);
  }
}
