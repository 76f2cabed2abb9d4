/** Warp instructions: the lanes of a member mask wait until all of them have come, then go on together. */

import type { WarpContext } from '../program.js';
import type { Action, SchedulerOptions } from './options.js';
import type { Threads } from './threads.js';

export class WarpMeetings {
  /** For each point the lanes of each warp that wait there. */
  readonly #waiting: Int32Array[];
  readonly #contexts: readonly WarpContext[];
  /** `activemask`, which takes whoever is there when nobody else can run. */
  readonly #lazy: { slot: number; point: number; warp: number }[] = [];

  constructor(
    readonly o: SchedulerOptions,
    readonly threads: Threads,
  ) {
    const warps = (o.slots * o.threadStride) >> 5;
    this.#waiting = o.program.points.map(() => new Int32Array(warps));
    this.#contexts = o.program.points.map(({ instruction }, n) => ({
      ...o.points[n]!,
      machine: o.machine,
      instruction,
    }));
  }

  /** The usual case: all threads of a CTA come together, each warp with all of its lanes. */
  whole(slot: number, point: number, action: Action<'warp'>): boolean {
    if (action.mask !== -1) return false;
    const { points, hazards, threadStride } = this.o;
    const { met } = points[point]!;
    for (
      let warp = (slot * threadStride) >> 5, last = ((slot + 1) * threadStride) >> 5;
      warp < last;
      warp++
    ) {
      const lanes = this.threads.live[warp]!;
      if (lanes === 0) continue;
      met[warp] = lanes;
      action.effect(this.#contexts[point]!, warp * 32, lanes);
      if (action.orders) hazards.order.warpBarrier(warp, lanes, lanes);
    }
    return true;
  }

  arrive(slot: number, point: number, action: Action<'warp'>, threads: Int32Array): void {
    const base = slot * this.o.threadStride;
    const waiting = this.#waiting[point]!;
    const warps: number[] = [];
    for (const t of threads) {
      const warp = (base + t) >> 5;
      if (warps.at(-1) !== warp) warps.push(warp);
      waiting[warp]! |= 1 << (t & 31);
    }
    if (action.name === 'activemask') for (const warp of warps) this.#lazy.push({ slot, point, warp });
    else this.#release(slot, point, warps, false);
  }

  /** Lets the lanes go on that wait at one `activemask`; false if there are none. */
  releaseLazy(): boolean {
    const lazy = this.#lazy.shift();
    if (lazy) this.#release(lazy.slot, lazy.point, [lazy.warp], true);
    return lazy !== undefined;
  }

  /** Those who are left no longer wait for those who ended. */
  ended(slot: number, warps: readonly number[]): void {
    for (const { id, action } of this.o.program.points) {
      if (action.kind !== 'warp' || action.name === 'activemask') continue;
      const stuck = warps.filter((warp) => this.#waiting[id]![warp] !== 0);
      if (stuck.length) this.#release(slot, id, stuck, false);
    }
  }

  kill(slot: number): void {
    const { threadStride } = this.o;
    for (const waiting of this.#waiting)
      waiting.fill(0, (slot * threadStride) >> 5, ((slot + 1) * threadStride) >> 5);
  }

  /** Lets the lanes of `warps` that wait at `point` go on where their whole mask has come. */
  #release(slot: number, point: number, warps: readonly number[], any: boolean): void {
    const { program, points, hazards, machine, threadStride } = this.o;
    const { action, instruction } = program.points[point]!;
    if (action.kind !== 'warp') return;
    const arrays = points[point]!;
    const waiting = this.#waiting[point]!;
    const base = slot * threadStride;
    const released: number[] = [];
    for (const warp of warps) {
      const live = this.threads.live[warp]!;
      let here = waiting[warp]!;
      while (here !== 0) {
        const lane = 31 - Math.clz32(here & -here);
        const mask = any ? here : (action.mask ?? arrays.inputs[action.maskInput]![warp * 32 + lane]!);
        const needed = mask & live;
        if (((mask >>> lane) & 1) === 0)
          machine.fault(
            'divergent-shuffle',
            warp * 32 + lane,
            instruction,
            `${action.name} by a lane that its own member mask leaves out`,
          );
        const met = (needed | (1 << lane)) & waiting[warp]!;
        here &= ~met;
        if ((waiting[warp]! & needed) !== needed) continue;
        waiting[warp]! &= ~met;
        arrays.met[warp] = met;
        action.effect(this.#contexts[point]!, warp * 32, met);
        if (action.orders) hazards.order.warpBarrier(warp, met, live);
        for (let l = 0; l < 32; l++) if ((met >>> l) & 1) released.push(warp * 32 + l - base);
      }
    }
    if (released.length) this.threads.goSome(slot, point, released);
  }
}
