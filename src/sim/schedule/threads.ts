/** Which threads are left, and which may go on. */

import type { Ready } from './options.js';

export class Threads {
  /** The threads of a CTA, by number. */
  readonly all: Int32Array;
  /** Lanes that are left, by warp; threads that are left, by slot. */
  readonly live: Int32Array;
  readonly liveCount: Int32Array;
  readonly ready: Ready[] = [];

  constructor(
    readonly count: number,
    readonly stride: number,
    slots: number,
  ) {
    this.all = Int32Array.from({ length: count }, (_, t) => t);
    this.live = new Int32Array((slots * stride) >> 5);
    this.liveCount = new Int32Array(slots);
  }

  /** All threads of a CTA start. */
  begin(slot: number): void {
    this.liveCount[slot] = this.count;
    const base = slot * this.stride;
    for (let t = 0; t < this.stride; t += 32) {
      const lanes = Math.min(32, this.count - t);
      this.live[(base + t) >> 5] = lanes >= 32 ? -1 : lanes <= 0 ? 0 : (1 << lanes) - 1;
    }
    this.ready.push({ slot, stretch: 0, threads: this.all });
  }

  /** Threads go on after a point. */
  go(slot: number, point: number, threads: Int32Array): void {
    this.ready.push({ slot, stretch: point + 1, threads });
  }

  /** The same for a list in any order. */
  goSome(slot: number, point: number, threads: readonly number[]): void {
    this.go(slot, point, threads.length === this.count ? this.all : Int32Array.from(threads).sort());
  }

  /** Returns the warps that the threads which end are of. */
  end(slot: number, threads: Int32Array): number[] {
    const base = slot * this.stride;
    const warps = new Set<number>();
    if (threads === this.all) this.live.fill(0, base >> 5, (base + this.stride) >> 5);
    else
      for (const t of threads) {
        const warp = (base + t) >> 5;
        this.live[warp]! &= ~(1 << (t & 31));
        warps.add(warp);
      }
    this.liveCount[slot]! -= threads.length;
    return [...warps];
  }

  kill(slot: number): void {
    this.liveCount[slot] = 0;
    this.live.fill(0, (slot * this.stride) >> 5, ((slot + 1) * this.stride) >> 5);
  }

  isLive(g: number): boolean {
    return ((this.live[g >> 5]! >>> (g & 31)) & 1) === 1;
  }
}
