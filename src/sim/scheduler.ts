/**
 * Runs the stretches of a kernel over the threads of its CTAs, and decides at every point who goes on.
 *
 * Threads are independent: a stretch runs them one after another, and at a warp instruction the lanes of its member mask
 * wait for each other. Clusters are resident as one group. A kernel that awaits other CTAs gets more of them, up to what
 * fits on the device at once, whenever all that are resident only spin.
 */

import type { AsyncEngine } from './async.js';
import type { HazardShadow } from './hazards.js';
import { CTA_WORDS, ctaWord } from './lower/special-values.js';
import type { Profiler } from './profile.js';
import type { Program, SyncAction, SyncPoint, WarpContext, WarpMachine } from './program.js';
import type { FaultKind, SimReport } from './report.js';
import { ENDED } from './codegen/generate.js';

export type StretchFunction = (
  threads: Int32Array,
  count: number,
  base: number,
  ctaWords: number,
  shared: number,
) => void;

/** Arrays of one sync point: a word a thread, and for warp points the lanes that met last. */
export interface PointArrays {
  readonly inputs: readonly Int32Array[];
  readonly outputs: readonly Int32Array[];
  readonly met: Int32Array;
}

export interface SchedulerOptions {
  readonly program: Program;
  readonly stretches: readonly StretchFunction[];
  readonly points: readonly PointArrays[];
  /** Where each thread stands. */
  readonly at: Int32Array;
  readonly threads: number;
  readonly threadStride: number;
  readonly slots: number;
  readonly clusterSize: number;
  readonly ctaWords: Int32Array;
  readonly ctaOfSlot: Int32Array;
  readonly dependencyMet: Uint8Array;
  readonly world: Int32Array;
  readonly hazards: HazardShadow;
  readonly machine: WarpMachine;
  readonly asynchronous: AsyncEngine;
  readonly profiler?: Profiler;
  report(
    kind: FaultKind,
    thread: number,
    instruction: number,
    more: Partial<SimReport> & { detail: string },
  ): void;
}

interface Barrier {
  expected: number;
  arrived: number;
  predicates: number[];
  waiting: { g: number; point: number }[];
}

interface Ready {
  readonly slot: number;
  readonly stretch: number;
  readonly threads: Int32Array;
}

/** Rounds of nothing but spinning, with memory unchanged, after which nobody will ever go on. */
const IDLE_ROUNDS = 8;

export class Scheduler {
  readonly #all: Int32Array;
  readonly #ready: Ready[] = [];
  readonly #live: Int32Array;
  readonly #liveCount: Int32Array;
  /** For each point the lanes of each warp that wait there. */
  readonly #waiting: Int32Array[];
  readonly #lazy: { slot: number; point: number; warp: number }[] = [];
  #spinning: Ready[] = [];
  #phaseWaiting: { slot: number; point: number; threads: number[] }[] = [];
  readonly #barriers: Map<number, Barrier>[];
  readonly #clusterArrived: Int32Array;
  readonly #clusterPhase: Int32Array;
  readonly #arrivedIn: Int32Array;
  #clusterWaiting: { g: number; point: number }[] = [];

  readonly #contexts: readonly WarpContext[];

  constructor(readonly o: SchedulerOptions) {
    this.#contexts = o.program.points.map(({ instruction }, n) => ({
      ...o.points[n]!,
      machine: o.machine,
      instruction,
    }));
    this.#all = Int32Array.from({ length: o.threads }, (_, t) => t);
    const capacity = o.slots * o.threadStride;
    this.#live = new Int32Array(capacity >> 5);
    this.#liveCount = new Int32Array(o.slots);
    this.#waiting = o.program.points.map(() => new Int32Array(capacity >> 5));
    this.#barriers = Array.from({ length: o.slots }, () => new Map<number, Barrier>());
    this.#clusterArrived = new Int32Array(o.slots);
    this.#clusterPhase = new Int32Array(o.slots);
    this.#arrivedIn = new Int32Array(capacity);
  }

  /** Runs `clusters` clusters; `place` fills in the words of CTA `rank` of cluster `cluster`. */
  run(
    clusters: number,
    place: (cluster: number, rank: number, words: Int32Array, at: number) => number,
  ): void {
    const { clusterSize, slots, world } = this.o;
    let next = 0;
    let idle = 0;
    const free: number[] = [];
    for (let first = slots - clusterSize; first >= 0; first -= clusterSize) free.push(first);
    const resident = new Set<number>();
    while (next < clusters || resident.size) {
      // A group that is done makes room; more start only when nobody resident can go on.
      if (next < clusters && free.length && (resident.size === 0 || this.#spinning.length)) {
        const first = free.pop()!;
        resident.add(first);
        this.#begin(first, next++, place);
      } else if (this.#spinning.length) {
        idle = world[0] === 0 ? idle + 1 : 0;
        world[0] = 0;
        if (idle > IDLE_ROUNDS) {
          this.#stuck(resident, next < clusters);
          this.#spinning = [];
          for (const first of resident) this.#kill(first);
        } else {
          this.#ready.push(...this.#spinning);
          this.#spinning = [];
        }
      }
      const before = this.#finished(resident);
      this.#drain();
      for (const first of [...resident]) {
        if (!this.#groupDone(first)) continue;
        resident.delete(first);
        free.push(first);
        idle = 0;
      }
      if (this.#spinning.length === 0 && resident.size && this.#finished(resident) === before) {
        this.#deadlock(resident);
        for (const first of resident) {
          this.#kill(first);
          free.push(first);
        }
        resident.clear();
      }
    }
  }

  #finished(resident: ReadonlySet<number>): number {
    let live = 0;
    for (const first of resident)
      for (let r = 0; r < this.o.clusterSize; r++) live += this.#liveCount[first + r]!;
    return -live - 1e9 * resident.size;
  }

  #groupDone(first: number): boolean {
    for (let r = 0; r < this.o.clusterSize; r++) if (this.#liveCount[first + r]! > 0) return false;
    return true;
  }

  #begin(
    first: number,
    cluster: number,
    place: (c: number, r: number, words: Int32Array, at: number) => number,
  ): void {
    const { clusterSize, threads, threadStride, ctaWords, ctaOfSlot, hazards, dependencyMet } = this.o;
    for (let rank = 0; rank < clusterSize; rank++) {
      const slot = first + rank;
      ctaOfSlot[slot] = place(cluster, rank, ctaWords, slot * CTA_WORDS.length);
      ctaWords[slot * CTA_WORDS.length + ctaWord('slot')] = slot;
      hazards.begin(slot);
      this.o.asynchronous.begin(slot);
      this.#liveCount[slot] = threads;
      const base = slot * threadStride;
      dependencyMet.fill(0, base, base + threadStride);
      for (let t = 0; t < threadStride; t += 32) {
        const lanes = Math.min(32, threads - t);
        this.#live[(base + t) >> 5] = lanes >= 32 ? -1 : lanes <= 0 ? 0 : (1 << lanes) - 1;
      }
      this.#barriers[slot]!.clear();
      this.#ready.push({ slot, stretch: 0, threads: this.#all });
    }
    this.#clusterArrived[first] = 0;
  }

  #drain(): void {
    const { ctaWords, threadStride, stretches, at } = this.o;
    for (;;) {
      const job = this.#ready.shift();
      if (!job) {
        const lazy = this.#lazy.shift();
        if (lazy) this.#release(lazy.slot, lazy.point, [lazy.warp], true);
        else if (!this.#pollPhases() && !this.o.asynchronous.landOne()) return;
        continue;
      }
      const { slot, threads } = job;
      const base = slot * threadStride;
      const words = slot * CTA_WORDS.length;
      stretches[job.stretch]!(threads, threads.length, base, words, ctaWords[words + ctaWord('rank')]! << 24);
      const point = at[base + threads[0]!]!;
      let uniform = true;
      for (let n = 0; n < threads.length; n++) if (at[base + threads[n]!] !== point) uniform = false;
      if (uniform) this.#arrive(slot, point, threads);
      else {
        const groups = new Map<number, number[]>();
        for (const t of threads) {
          const where = at[base + t]!;
          const group = groups.get(where);
          if (group) group.push(t);
          else groups.set(where, [t]);
        }
        for (const [where, group] of groups) this.#arrive(slot, where, Int32Array.from(group));
      }
    }
  }

  #arrive(slot: number, point: number, threads: Int32Array): void {
    if (point === ENDED) {
      this.#end(slot, threads);
      return;
    }
    const base = slot * this.o.threadStride;
    const { action } = this.o.program.points[point]!;
    if (
      threads === this.#all &&
      this.#liveCount[slot] === this.o.threads &&
      this.#together(slot, point, action)
    ) {
      this.#go(slot, point, threads);
      return;
    }
    switch (action.kind) {
      case 'warp': {
        const waiting = this.#waiting[point]!;
        const warps: number[] = [];
        for (const t of threads) {
          const warp = (base + t) >> 5;
          if (warps.at(-1) !== warp) warps.push(warp);
          waiting[warp]! |= 1 << (t & 31);
        }
        if (action.name === 'activemask') for (const warp of warps) this.#lazy.push({ slot, point, warp });
        else this.#release(slot, point, warps, false);
        break;
      }
      case 'barrier':
        this.#barrier(slot, point, action, threads);
        break;
      case 'cluster-arrive': {
        const first = slot - (slot % this.o.clusterSize);
        for (const t of threads) this.#arrivedIn[base + t] = this.#clusterPhase[first]!;
        this.#clusterArrived[first]! += threads.length;
        this.#go(slot, point, threads);
        this.#tryCluster(first);
        break;
      }
      case 'cluster-wait': {
        const first = slot - (slot % this.o.clusterSize);
        const through: number[] = [];
        for (const t of threads) {
          if (this.#clusterPhase[first]! > this.#arrivedIn[base + t]!) through.push(t);
          else this.#clusterWaiting.push({ g: base + t, point });
        }
        if (through.length) this.#go(slot, point, Int32Array.from(through));
        break;
      }
      case 'mbarrier-wait':
        this.#phaseWaiting.push({ slot, point, threads: [...threads] });
        break;
      case 'yield':
        this.#spinning.push({ slot, stretch: point + 1, threads });
        break;
      case 'grid-dependency':
        this.#go(slot, point, threads);
        break;
      default:
        action satisfies never;
    }
  }

  /**
   * Lets those go on whose mbarrier phase is over. A test goes on with "no" when all others have had their turn; a
   * `try_wait` is taken to wait until the phase is over.
   */
  #pollPhases(): boolean {
    const { program, points, asynchronous, hazards, threadStride, clusterSize } = this.o;
    const waiting = this.#phaseWaiting;
    this.#phaseWaiting = [];
    let any = false;
    for (const { slot, point, threads } of waiting) {
      const { action, instruction } = program.points[point]!;
      if (action.kind !== 'mbarrier-wait') continue;
      const { inputs, outputs } = points[point]!;
      const base = slot * threadStride;
      const through: number[] = [];
      const rest: number[] = [];
      for (const t of threads) {
        const g = base + t;
        const done = asynchronous.done(inputs[0]![g]!, inputs[1]![g]!, action.parity, g, instruction);
        outputs[0]![g] = done ? 1 : 0;
        (done ? through : rest).push(t);
      }
      if (through.length) {
        any = true;
        hazards.barrier(slot);
        if (clusterSize > 1) hazards.clusterBarrier(slot - (slot % clusterSize), clusterSize);
        this.#go(slot, point, Int32Array.from(through));
      }
      if (!rest.length) continue;
      if (action.blocking) this.#phaseWaiting.push({ slot, point, threads: rest });
      else this.#spinning.push({ slot, stretch: point + 1, threads: Int32Array.from(rest) });
    }
    return any;
  }

  /** The usual case, done at once: all threads of a CTA come together to a full warp's meeting or to a whole barrier. */
  #together(slot: number, point: number, action: SyncAction): boolean {
    const { points, hazards, threadStride, threads, profiler } = this.o;
    const base = slot * threadStride;
    if (action.kind === 'warp') {
      if (action.mask !== -1) return false;
      const { met } = points[point]!;
      for (let warp = base >> 5, last = (base + threadStride) >> 5; warp < last; warp++) {
        const lanes = this.#live[warp]!;
        if (lanes === 0) continue;
        met[warp] = lanes;
        action.effect(this.#contexts[point]!, warp * 32, lanes);
        if (action.orders) hazards.warpBarrier(warp);
      }
      return true;
    }
    if (action.kind !== 'barrier' || action.mode !== 'sync' || this.#barriers[slot]!.size) return false;
    const [ids, counts] = points[point]!.inputs as [Int32Array, Int32Array];
    for (let g = base; g < base + threads; g++)
      if (ids[g] !== ids[base] || (counts[g] !== 0 && counts[g] !== threads)) return false;
    hazards.barrier(slot);
    if (profiler) profiler.barriers++;
    return true;
  }

  #go(slot: number, point: number, threads: Int32Array): void {
    this.#ready.push({ slot, stretch: point + 1, threads });
  }

  /** Lets the lanes of `warps` that wait at `point` go on where their whole mask has come. */
  #release(slot: number, point: number, warps: readonly number[], any: boolean): void {
    const { program, points, hazards, machine, threadStride, threads } = this.o;
    const { action, instruction } = program.points[point]!;
    if (action.kind !== 'warp') return;
    const arrays = points[point]!;
    const waiting = this.#waiting[point]!;
    const base = slot * threadStride;
    const released: number[] = [];
    let whole = true;
    for (const warp of warps) {
      let here = waiting[warp]!;
      while (here !== 0) {
        const lane = 31 - Math.clz32(here & -here);
        const mask = any ? here : (action.mask ?? arrays.inputs[action.maskInput]![warp * 32 + lane]!);
        const needed = mask & this.#live[warp]!;
        if (((mask >>> lane) & 1) === 0) {
          machine.fault(
            'divergent-shuffle',
            warp * 32 + lane,
            instruction,
            `${action.name} by a lane that its own member mask leaves out`,
          );
        }
        const met = (needed | (1 << lane)) & waiting[warp]!;
        here &= ~met;
        if ((waiting[warp]! & needed) !== needed) continue;
        waiting[warp]! &= ~met;
        arrays.met[warp] = met;
        action.effect(this.#contexts[point]!, warp * 32, met);
        if (action.orders) hazards.warpBarrier(warp);
        if (met !== -1) whole = false;
        for (let l = 0; l < 32; l++) if ((met >>> l) & 1) released.push(warp * 32 + l - base);
      }
    }
    if (!released.length) return;
    if (whole && released.length === threads) this.#go(slot, point, this.#all);
    else this.#go(slot, point, Int32Array.from(released));
  }

  #barrier(
    slot: number,
    point: number,
    action: Extract<SyncAction, { kind: 'barrier' }>,
    threads: Int32Array,
  ): void {
    const base = slot * this.o.threadStride;
    const { inputs } = this.o.points[point]!;
    const [ids, counts, predicates] = inputs as [Int32Array, Int32Array, Int32Array | undefined];
    const touched = new Set<number>();
    for (const t of threads) {
      const g = base + t;
      const id = ids[g]!;
      touched.add(id);
      let barrier = this.#barriers[slot]!.get(id);
      if (!barrier) {
        barrier = { expected: counts[g]!, arrived: 0, predicates: [], waiting: [] };
        this.#barriers[slot]!.set(id, barrier);
      }
      barrier.arrived++;
      if (predicates) barrier.predicates.push(predicates[g]!);
      if (action.mode !== 'arrive') barrier.waiting.push({ g, point });
    }
    if (action.mode === 'arrive') this.#go(slot, point, threads);
    for (const id of touched) this.#tryBarrier(slot, id);
  }

  #tryBarrier(slot: number, id: number): void {
    const barrier = this.#barriers[slot]!.get(id)!;
    const { o } = this;
    if (barrier.arrived === 0 || barrier.arrived < (barrier.expected || this.#liveCount[slot]!)) return;
    this.#barriers[slot]!.delete(id);
    this.#checkAligned(barrier);
    if (o.profiler) o.profiler.barriers++;
    o.hazards.barrier(slot);
    const set = barrier.predicates.filter((p) => p !== 0).length;
    const base = slot * o.threadStride;
    const byPoint = new Map<number, number[]>();
    for (const { g, point } of barrier.waiting) {
      const { action } = o.program.points[point]!;
      if (action.kind === 'barrier' && action.mode !== 'sync') {
        const all = set === barrier.predicates.length;
        o.points[point]!.outputs[0]![g] =
          action.mode === 'popc' ? set : (action.mode === 'and' ? all : set > 0) ? 1 : 0;
      }
      const group = byPoint.get(point);
      if (group) group.push(g - base);
      else byPoint.set(point, [g - base]);
    }
    for (const [point, group] of byPoint)
      this.#go(slot, point, group.length === o.threads ? this.#all : Int32Array.from(group).sort());
  }

  /** All lanes of a warp must come to an aligned barrier by the same instruction. */
  #checkAligned({ waiting }: Barrier): void {
    const first = waiting[0];
    if (!first || waiting.every(({ point }) => point === first.point)) return;
    const byWarp = new Map<number, number>();
    for (const { g, point } of waiting) {
      const other = byWarp.get(g >> 5) ?? point;
      byWarp.set(g >> 5, other);
      const sync = this.o.program.points[point]!;
      if (other === point || sync.action.kind !== 'barrier' || !sync.action.aligned) continue;
      const line = this.#line(other);
      this.o.report('divergent-barrier', g, sync.instruction, {
        detail: `lanes of one warp come to this barrier by different instructions (the other is at PTX line ${line})`,
      });
      return;
    }
  }

  #line(point: number): number {
    const { program } = this.o;
    return program.instructions[program.points[point]!.instruction]!.line;
  }

  #tryCluster(first: number): void {
    const { clusterSize, hazards, threadStride } = this.o;
    let live = 0;
    for (let r = 0; r < clusterSize; r++) live += this.#liveCount[first + r]!;
    if (live === 0 || this.#clusterArrived[first]! < live) return;
    this.#clusterArrived[first] = 0;
    this.#clusterPhase[first]!++;
    if (this.o.profiler) this.o.profiler.barriers++;
    hazards.clusterBarrier(first, clusterSize);
    const from = first * threadStride;
    const to = (first + clusterSize) * threadStride;
    const groups = new Map<string, { slot: number; point: number; threads: number[] }>();
    this.#clusterWaiting = this.#clusterWaiting.filter(({ g, point }) => {
      if (g < from || g >= to) return true;
      const slot = Math.floor(g / threadStride);
      const key = `${slot} ${point}`;
      const group = groups.get(key) ?? { slot, point, threads: [] };
      groups.set(key, group);
      group.threads.push(g - slot * threadStride);
      return false;
    });
    for (const { slot, point, threads } of groups.values())
      this.#go(slot, point, Int32Array.from(threads).sort());
  }

  #end(slot: number, threads: Int32Array): void {
    const base = slot * this.o.threadStride;
    for (let n = 0; n < threads.length; n++) this.o.asynchronous.end(base + threads[n]!);
    const warps = new Set<number>();
    if (threads === this.#all) this.#live.fill(0, base >> 5, (base + this.o.threadStride) >> 5);
    else
      for (const t of threads) {
        const warp = (base + t) >> 5;
        this.#live[warp]! &= ~(1 << (t & 31));
        warps.add(warp);
      }
    this.#liveCount[slot]! -= threads.length;
    if (this.#liveCount[slot] === 0) {
      this.o.profiler?.ended(slot);
      this.#tryCluster(slot - (slot % this.o.clusterSize));
      return;
    }
    // Those who are left no longer wait for those who ended.
    for (const point of this.o.program.points) {
      if (point.action.kind !== 'warp') continue;
      const stuck = [...warps].filter((warp) => this.#waiting[point.id]![warp] !== 0);
      if (stuck.length) this.#release(slot, point.id, stuck, false);
    }
    for (const id of [...this.#barriers[slot]!.keys()]) this.#tryBarrier(slot, id);
    this.#tryCluster(slot - (slot % this.o.clusterSize));
  }

  #kill(first: number): void {
    const { clusterSize, threadStride } = this.o;
    for (let slot = first; slot < first + clusterSize; slot++) {
      this.#liveCount[slot] = 0;
      const from = (slot * threadStride) >> 5;
      this.#live.fill(0, from, from + (threadStride >> 5));
      for (const waiting of this.#waiting) waiting.fill(0, from, from + (threadStride >> 5));
      this.#barriers[slot]!.clear();
    }
    this.#phaseWaiting = this.#phaseWaiting.filter(({ slot }) => slot < first || slot >= first + clusterSize);
    this.#clusterWaiting = this.#clusterWaiting.filter(
      ({ g }) => g < first * threadStride || g >= (first + clusterSize) * threadStride,
    );
  }

  #stuck(resident: ReadonlySet<number>, more: boolean): void {
    const spin = this.#spinning[0]!;
    const { instruction } = this.o.program.points[spin.stretch - 1]!;
    const g = spin.slot * this.o.threadStride + spin.threads[0]!;
    const count = resident.size * this.o.clusterSize;
    if (more)
      this.o.report('not-co-resident', g, instruction, {
        detail: `the grid waits for blocks that cannot start: only ${count} fit on the device at once`,
      });
    else
      this.o.report('deadlock', g, instruction, {
        detail: 'all threads that are left wait here for a value that nobody will write',
      });
  }

  #deadlock(resident: ReadonlySet<number>): void {
    const { program, threadStride, clusterSize, at } = this.o;
    for (const first of resident) {
      const places = new Map<number, { count: number; g: number }>();
      for (let g = first * threadStride; g < (first + clusterSize) * threadStride; g++) {
        if (((this.#live[g >> 5]! >>> (g & 31)) & 1) === 0) continue;
        const place = places.get(at[g]!) ?? { count: 0, g };
        place.count++;
        places.set(at[g]!, place);
      }
      const all = [...places].map(([point, { count, g }]) => ({ point: program.points[point]!, count, g }));
      const text = all.map(
        ({ point, count }) => `${count} threads at ${name(point)} (PTX line ${this.#line(point.id)})`,
      );
      const warp = all.find(({ point }) => point.action.kind === 'warp');
      const barrier = all.find(
        ({ point }) => point.action.kind === 'barrier' || point.action.kind === 'cluster-wait',
      );
      const worst = warp ?? barrier ?? all[0];
      if (!worst) continue;
      const kind: FaultKind = warp ? 'divergent-shuffle' : 'deadlock';
      const detail = warp
        ? `the lanes of its member mask never all come: ${text.join(', ')}`
        : `the threads wait for each other for ever: ${text.join(', ')}`;
      this.o.report(kind, worst.g, worst.point.instruction, { detail });
    }
  }
}

function name({ action }: SyncPoint): string {
  return action.kind === 'warp' ? action.name : action.kind;
}
