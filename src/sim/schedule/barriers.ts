/** Barriers of a CTA, plain and named: counts who has come, lets those who wait go on, and says whose accesses they order. */

import type { Arrival } from '../checks/order.js';
import { lineOf } from './options.js';
import type { Action, SchedulerOptions } from './options.js';
import type { Threads } from './threads.js';

interface Barrier {
  /** Threads; 0: all that are left. */
  readonly expected: number;
  arrived: number;
  readonly predicates: number[];
  readonly waiting: { g: number; point: number }[];
  readonly arrivals: Arrival[];
}

const BARRIERS = 16;

export class CtaBarriers {
  /** By slot, by number. */
  readonly #open: Map<number, Barrier>[];

  constructor(
    readonly o: SchedulerOptions,
    readonly threads: Threads,
  ) {
    this.#open = Array.from({ length: o.slots }, () => new Map<number, Barrier>());
  }

  /** The usual case, done at once: all threads of a CTA come together to one barrier that waits for all. */
  whole(slot: number, point: number, action: Action<'barrier'>): boolean {
    if (action.mode !== 'sync' || this.#open[slot]!.size) return false;
    const { points, hazards, threadStride, threads, profiler } = this.o;
    const base = slot * threadStride;
    const [ids, counts] = points[point]!.inputs as [Int32Array, Int32Array];
    if (ids[base]! >>> 0 >= BARRIERS) return false;
    for (let g = base; g < base + threads; g++)
      if (ids[g] !== ids[base] || (counts[g] !== 0 && counts[g] !== threads)) return false;
    hazards.order.barrier(slot);
    if (profiler) profiler.barriers++;
    return true;
  }

  arrive(slot: number, point: number, action: Action<'barrier'>, threads: Int32Array): void {
    const base = slot * this.o.threadStride;
    const { order } = this.o.hazards;
    const [ids, counts, predicates] = this.o.points[point]!.inputs as [Int32Array, Int32Array, Int32Array?];
    const touched = new Set<number>();
    for (const t of threads) {
      const g = base + t;
      const id = ids[g]!;
      touched.add(id);
      let barrier = this.#open[slot]!.get(id);
      if (!barrier) {
        barrier = { expected: counts[g]!, arrived: 0, predicates: [], waiting: [], arrivals: [] };
        this.#open[slot]!.set(id, barrier);
      }
      this.#checkCount(barrier, id, counts[g]!, g, point);
      barrier.arrived++;
      if (predicates) barrier.predicates.push(predicates[g]!);
      if (order.exact) barrier.arrivals.push(order.arrive(g));
      if (action.mode !== 'arrive') barrier.waiting.push({ g, point });
    }
    if (action.mode === 'arrive') this.threads.go(slot, point, threads);
    for (const id of touched) this.#try(slot, id);
  }

  /** Some threads have ended: barriers of all threads wait for fewer. */
  ended(slot: number): void {
    for (const id of [...this.#open[slot]!.keys()]) this.#try(slot, id);
  }

  clear(slot: number): void {
    this.#open[slot]!.clear();
  }

  #try(slot: number, id: number): void {
    const { o } = this;
    const barrier = this.#open[slot]!.get(id)!;
    const live = this.threads.liveCount[slot]!;
    if (barrier.arrived === 0 || barrier.arrived < (barrier.expected || live)) return;
    this.#open[slot]!.delete(id);
    this.#checkAligned(barrier);
    if (o.profiler) o.profiler.barriers++;
    const { order } = o.hazards;
    if (barrier.waiting.length === live || !order.exact) order.barrier(slot);
    else {
      const clock = order.meet(barrier.arrivals);
      for (const { g } of barrier.waiting) order.learn(g, clock);
    }
    this.#go(slot, barrier);
  }

  #go(slot: number, { waiting, predicates }: Barrier): void {
    const { program, points, threadStride } = this.o;
    const set = predicates.filter((p) => p !== 0).length;
    const results = { popc: set, and: set === predicates.length ? 1 : 0, or: set > 0 ? 1 : 0 };
    const byPoint = new Map<number, number[]>();
    for (const { g, point } of waiting) {
      const { action } = program.points[point]!;
      if (action.kind === 'barrier' && action.mode !== 'sync' && action.mode !== 'arrive')
        points[point]!.outputs[0]![g] = results[action.mode];
      const group = byPoint.get(point);
      if (group) group.push(g - slot * threadStride);
      else byPoint.set(point, [g - slot * threadStride]);
    }
    for (const [point, group] of byPoint) this.threads.goSome(slot, point, group);
  }

  #checkCount({ expected }: Barrier, id: number, count: number, g: number, point: number): void {
    const { instruction } = this.o.program.points[point]!;
    const tell = (detail: string): void => {
      this.o.report('divergent-barrier', g, instruction, { detail });
    };
    if (id >>> 0 >= BARRIERS) tell(`comes to barrier ${id}; there are ${BARRIERS}`);
    if (count % 32 !== 0) tell(`barrier ${id} is to count ${count} threads, which is no multiple of 32`);
    else if (count !== expected)
      tell(
        `comes to barrier ${id} for ${count || 'all'} threads, where others came for ${expected || 'all'}`,
      );
  }

  /** All lanes of a warp must come to an aligned barrier by the same instruction. */
  #checkAligned({ waiting }: Barrier): void {
    const { program, report } = this.o;
    const first = waiting[0];
    if (!first || waiting.every(({ point }) => point === first.point)) return;
    const byWarp = new Map<number, number>();
    for (const { g, point } of waiting) {
      const other = byWarp.get(g >> 5) ?? point;
      byWarp.set(g >> 5, other);
      const { action, instruction } = program.points[point]!;
      if (other === point || action.kind !== 'barrier' || !action.aligned) continue;
      const line = lineOf(program, program.points[other]!);
      report('divergent-barrier', g, instruction, {
        detail: `lanes of one warp come to this barrier by different instructions (the other is at PTX line ${line})`,
      });
      return;
    }
  }
}
