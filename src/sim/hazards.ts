/**
 * Shadow of shared memory: who last wrote and read each granule, and when.
 *
 * Time is counted in generations: a CTA's goes up at each of its barriers, a warp's at each `bar.warp.sync`, a cluster's at
 * each cluster barrier. Two accesses of different threads, one of them a write, are ordered if the generation they share
 * (warp, CTA or cluster) has gone up between them; otherwise they race. A barrier of only some of a CTA's threads counts
 * for all, so a race across it may be missed but none is invented.
 */

import type { FaultKind, SimReport } from './report.js';

/** Words of an entry: thread + 1 (0: nobody, -1: several), its CTA's, cluster's and warp's generation. */
const ENTRY = 4;
const SEVERAL = -1;

export interface HazardOptions {
  readonly bytes: number;
  readonly granule: number;
  readonly threads: number;
  readonly threadStride: number;
  readonly sharedStride: number;
  readonly sharedStart: number;
  readonly clusterSize: number;
  readonly hazards: boolean;
  readonly initialisation: boolean;
  report(
    kind: FaultKind,
    thread: number,
    instruction: number,
    more: Partial<SimReport> & { detail: string },
  ): void;
}

export class HazardShadow {
  readonly #shift: number;
  readonly #writes: Int32Array;
  readonly #reads: Int32Array;
  readonly #written: Uint8Array;
  /** 1 for what an asynchronous copy is still to fill. */
  readonly #expected: Uint8Array;
  readonly #cta: Int32Array;
  readonly #cluster: Int32Array;
  readonly #warp: Int32Array;
  readonly #stride: number;
  readonly #clusterSize: number;

  constructor(readonly options: HazardOptions) {
    const { bytes, granule, threads, threadStride, hazards, initialisation, clusterSize } = options;
    this.#shift = Math.log2(granule);
    const on = hazards || initialisation;
    const granules = on ? Math.ceil(bytes / granule) : 0;
    this.#writes = new Int32Array(hazards ? granules * ENTRY : 0);
    this.#reads = new Int32Array(hazards ? granules * ENTRY : 0);
    this.#written = new Uint8Array(granules);
    this.#expected = new Uint8Array(granules);
    const slots = Math.ceil(threads / threadStride);
    this.#cta = new Int32Array(slots).fill(1);
    this.#cluster = new Int32Array(slots).fill(1);
    this.#warp = new Int32Array(Math.ceil(threads / 32)).fill(1);
    this.#stride = threadStride;
    this.#clusterSize = clusterSize;
  }

  /** A CTA starts in `slot`: nothing of its shared memory is initialised. */
  begin(slot: number): void {
    this.barrier(slot);
    this.#cluster[slot]!++;
    const { sharedStride } = this.options;
    const [from, to] = [(slot * sharedStride) >>> this.#shift, ((slot + 1) * sharedStride) >>> this.#shift];
    this.#written.fill(0, from, to);
    this.#expected.fill(0, from, to);
  }

  /** A copy is on its way to these bytes. */
  expect(k: number, bytes: number): void {
    this.#expected.fill(1, k >>> this.#shift, (k + bytes + (1 << this.#shift) - 1) >>> this.#shift);
  }

  landed(k: number, bytes: number): void {
    this.#expected.fill(0, k >>> this.#shift, (k + bytes + (1 << this.#shift) - 1) >>> this.#shift);
  }

  barrier(slot: number): void {
    this.#cta[slot]!++;
  }

  warpBarrier(warp: number): void {
    this.#warp[warp]!++;
  }

  clusterBarrier(first: number, count: number): void {
    for (let slot = first; slot < first + count; slot++) {
      this.#cluster[slot]!++;
      this.#cta[slot]!++;
    }
  }

  /** Whether the access recorded at `at` by thread + 1 = `other` comes before thread g's present one. */
  #ordered(entries: Int32Array, at: number, other: number, g: number): boolean {
    const mine = (g / this.#stride) | 0;
    const theirs = ((other - 1) / this.#stride) | 0;
    if (mine !== theirs) return entries[at + 2] !== this.#cluster[theirs];
    if (entries[at + 1] !== this.#cta[theirs]) return true;
    return (other - 1) >> 5 === g >> 5 && entries[at + 3] !== this.#warp[g >> 5];
  }

  #record(entries: Int32Array, at: number, g: number): void {
    const slot = (g / this.#stride) | 0;
    entries[at] = g + 1;
    entries[at + 1] = this.#cta[slot]!;
    entries[at + 2] = this.#cluster[slot]!;
    entries[at + 3] = this.#warp[g >> 5]!;
  }

  read(k: number, bytes: number, g: number, instruction: number): void {
    const last = (k + bytes - 1) >>> this.#shift;
    for (let n = k >>> this.#shift; n <= last; n++) {
      if (this.#expected[n] !== 0)
        this.#fault(
          'read-before-wait',
          n,
          g,
          instruction,
          'reads what an asynchronous copy has not brought yet',
        );
      else if (this.#written[n] === 0 && this.options.initialisation)
        this.#fault('uninitialised-read', n, g, instruction, 'reads shared memory that nobody has written');
      if (!this.options.hazards) continue;
      const at = n * ENTRY;
      const writer = this.#writes[at]!;
      if (writer > 0 && writer !== g + 1 && !this.#ordered(this.#writes, at, writer, g))
        this.#fault(
          'shared-hazard',
          n,
          g,
          instruction,
          `read after write: thread number ${(writer - 1) % this.#stride} wrote it with no barrier between`,
        );
      this.#noteRead(at, g);
    }
  }

  /** Keeps one reader exactly, and of several that there were more than one in this generation. */
  #noteRead(at: number, g: number): void {
    const reader = this.#reads[at]!;
    const slot = (g / this.#stride) | 0;
    const same =
      reader !== 0 && this.#reads[at + 1] === this.#cta[slot] && this.#reads[at + 2] === this.#cluster[slot];
    if (same && reader === SEVERAL) return;
    const several = same && reader !== g + 1 && !this.#ordered(this.#reads, at, reader, g);
    this.#record(this.#reads, at, g);
    if (several) this.#reads[at] = SEVERAL;
  }

  write(k: number, bytes: number, g: number, instruction: number): void {
    const last = (k + bytes - 1) >>> this.#shift;
    for (let n = k >>> this.#shift; n <= last; n++) {
      this.#written[n] = 1;
      if (!this.options.hazards) continue;
      const at = n * ENTRY;
      const writer = this.#writes[at]!;
      if (writer > 0 && writer !== g + 1 && !this.#ordered(this.#writes, at, writer, g))
        this.#fault(
          'shared-hazard',
          n,
          g,
          instruction,
          `write after write: thread number ${(writer - 1) % this.#stride} wrote it with no barrier between`,
        );
      this.#checkReaders(at, n, g, instruction);
      this.#record(this.#writes, at, g);
    }
  }

  #checkReaders(at: number, n: number, g: number, instruction: number): void {
    const reader = this.#reads[at]!;
    if (reader === 0 || reader === g + 1) return;
    const slot = (g / this.#stride) | 0;
    if (reader === SEVERAL) {
      // The readers were of one generation; they race with this write if it is still that one.
      if (this.#clusterSize > 1 || this.#reads[at + 1] !== this.#cta[slot]) return;
      this.#fault(
        'shared-hazard',
        n,
        g,
        instruction,
        'write after read: several threads read it with no barrier between',
      );
    } else if (!this.#ordered(this.#reads, at, reader, g))
      this.#fault(
        'shared-hazard',
        n,
        g,
        instruction,
        `write after read: thread number ${(reader - 1) % this.#stride} read it with no barrier between`,
      );
  }

  /** Atomics do not race with each other; they do with plain accesses, in either order. */
  atomic(k: number, bytes: number, g: number, instruction: number): void {
    const last = (k + bytes - 1) >>> this.#shift;
    for (let n = k >>> this.#shift; n <= last; n++) {
      if (this.#written[n] === 0 && this.options.initialisation)
        this.#fault('uninitialised-read', n, g, instruction, 'updates shared memory that nobody has written');
      this.#written[n] = 1;
      if (!this.options.hazards) continue;
      const at = n * ENTRY;
      const writer = this.#writes[at]!;
      if (writer > 0 && writer !== g + 1 && !this.#ordered(this.#writes, at, writer, g))
        this.#fault(
          'shared-hazard',
          n,
          g,
          instruction,
          `update after write: thread number ${(writer - 1) % this.#stride} wrote it with no barrier between`,
        );
    }
  }

  #fault(kind: FaultKind, granule: number, g: number, instruction: number, detail: string): void {
    const { sharedStride, sharedStart } = this.options;
    const offset = ((granule << this.#shift) % sharedStride) - sharedStart;
    this.options.report(kind, g, instruction, { detail, allocation: 'shared memory', offset });
  }
}
