/** A machine for launches of one shape: registers, shared memory, and the stretches of a kernel bound to them. */

import { RoseError } from '../util/errors.js';
import { accesses } from './access.js';
import type { AccessState, Accesses, Checks } from './access.js';
import { AsyncEngine } from './async.js';
import { generate } from './codegen/generate.js';
import { HazardShadow } from './hazards.js';
import { intrinsics } from './intrinsics.js';
import type { CompiledKernel, LaunchOptions, LaunchResult } from './launch-options.js';
import { CTA_WORDS, LAUNCH_WORDS, ctaWord, launchWord } from './lower/special-values.js';
import { NOWHERE, Segment } from './memory.js';
import type { SimMemory } from './memory.js';
import { packParameters } from './parameters.js';
import { Profiler } from './profile.js';
import type { Access } from './profile.js';
import type { WarpMachine } from './program.js';
import { Reporter } from './report.js';
import type { SimReport } from './report.js';
import { Scheduler } from './scheduler.js';
import type { PointArrays, StretchFunction } from './scheduler.js';

type Triple = readonly [number, number, number];
const product = ([x, y, z]: Triple): number => x * y * z;

/** What generated code finds in its environment, besides the intrinsics. */
export const MACHINE_NAMES: readonly string[] = [
  'F0 I0 C N X Y Z V W D K A at NS SF TR OF UR BV BN',
  'GL GS GA SL SS SA LL LS LA PL XL XS XA XO',
  'S32 SF32 SU16 SU8 L32 LF32 LU16 LU8 P32 PF32 PU16 PU8',
  'CA CC CW MI MV MA MX CM SY BL BS BD TL TS BC BW',
].flatMap((line) => line.split(' '));

/** Launches of one block, cluster and shared-memory size reuse a machine, and with it what the engine has optimised. */
export class Machine {
  readonly #slots: number;
  readonly #clusterSize: number;
  readonly #threads: number;
  readonly #stride: number;
  readonly #launchWords = new Int32Array(LAUNCH_WORDS.length);
  readonly #parameters: Segment;
  readonly #world = new Int32Array(2);
  readonly #variables: { high: number[] };
  readonly #state: AccessState;
  readonly #stretches: StretchFunction[];
  readonly #points: PointArrays[];
  readonly #at: Int32Array;
  readonly #ctaWords: Int32Array;
  readonly #warps: WarpMachine;
  readonly #asynchronous: AsyncEngine;
  #reporter: Reporter;
  #profiler: Profiler | undefined;

  constructor(
    readonly kernel: CompiledKernel,
    readonly memory: SimMemory,
    readonly block: readonly [number, number, number],
    readonly cluster: readonly [number, number, number],
    readonly dynamicBytes: number,
    readonly checks: Checks,
    readonly multiprocessors: number,
    profile: boolean,
  ) {
    const { program } = kernel;
    this.#threads = product(block);
    this.#stride = Math.ceil(this.#threads / 32) * 32;
    this.#clusterSize = product(cluster);
    const sharedEnd = program.layout.dynamicStart + dynamicBytes;
    const waits = program.points.some(({ action }) => action.kind === 'yield');
    this.#slots = waits ? this.#resident(sharedEnd) : this.#clusterSize;
    const capacity = this.#slots * this.#stride;
    if (profile) this.#profiler = new Profiler(program, capacity, this.#stride);
    const sharedStride = Math.ceil((sharedEnd + 64) / 64) * 64;
    const shared = new Segment(undefined, 0, 0, -1, null, this.#slots * sharedStride + 64);
    const local = new Segment(undefined, 0, 0, -1, null, capacity * program.localBytes + 64);
    const last = program.entry.parameters.at(-1);
    const parameterBytes = last ? last.offset + last.bytes : 0;
    this.#parameters = new Segment(undefined, 0, 0, -1, null, parameterBytes + 64);
    this.#variables = { high: this.#allocateVariables() };
    this.#reporter = new Reporter(program, 0);
    const report: AccessState['report'] = (kind, thread, instruction, more) => {
      this.#reporter.add(kind, instruction, { ...more, ...this.#who(thread) });
    };
    const threads = capacity;
    const hazards = new HazardShadow({
      bytes: shared.u8.length,
      granule: program.sharedGranule,
      threads,
      threadStride: this.#stride,
      sharedStride,
      sharedStart: program.layout.start,
      clusterSize: this.#clusterSize,
      hazards: checks.hazards,
      initialisation: checks.initialisation,
      report,
    });
    this.#ctaWords = new Int32Array(this.#slots * CTA_WORDS.length);
    this.#at = new Int32Array(capacity);
    this.#state = {
      checks,
      memory,
      threadStride: this.#stride,
      sharedStride,
      sharedStart: program.layout.start,
      sharedEnd,
      shared: shared.u8,
      localStride: program.localBytes,
      parameterBytes,
      clusterSize: this.#clusterSize,
      hazards,
      ctaOfSlot: new Int32Array(this.#slots),
      dependencyMet: new Uint8Array(capacity),
      world: this.#world,
      report,
    };
    this.#points = program.points.map(({ inputs, outputs }) => ({
      inputs: Array.from({ length: inputs }, () => new Int32Array(capacity)),
      outputs: Array.from({ length: outputs }, () => new Int32Array(capacity)),
      met: new Int32Array(capacity >> 5),
    }));
    const access = accesses(this.#state, shared, local, this.#parameters);
    this.#warps = {
      shared: shared.u8,
      sharedLoad: access.SL,
      sharedStore: access.SS,
      fault: (kind, thread, instruction, detail) => {
        if (checks.convergence) report(kind, thread, instruction, { detail });
      },
    };
    this.#asynchronous = new AsyncEngine(this.#state, access, shared.i32);
    const functions = { ...access, ...this.#asynchronous.functions(), ...this.#counted(access) };
    this.#stretches = this.#instantiate(functions, shared, local, capacity);
  }

  /** CTAs that fit on the device at once: by threads, shared memory and the limit of 32 a multiprocessor. */
  #resident(sharedEnd: number): number {
    const each = Math.min(
      32,
      Math.floor(2048 / this.#stride),
      Math.max(1, Math.floor((228 * 1024) / sharedEnd)),
    );
    const all = Math.max(1, each) * this.multiprocessors;
    return Math.max(this.#clusterSize, all - (all % this.#clusterSize));
  }

  #allocateVariables(): number[] {
    return this.kernel.program.variables.map(({ name, bytes, contents, space }) => {
      const allocation = this.memory.alloc(bytes, { name, readonly: space === 'const' });
      this.memory.write(allocation, contents ?? new Uint8Array(bytes));
      return allocation.high;
    });
  }

  #instantiate(access: object, shared: Segment, local: Segment, capacity: number): StretchFunction[] {
    const { names, program } = this.kernel;
    const generated = this.#profiler ? generate(program, names, true) : this.kernel.generated;
    const coordinate = (axis: 0 | 1 | 2): Int32Array =>
      Int32Array.from({ length: this.#stride }, (_, t) => {
        const [x, y] = this.block;
        return axis === 0 ? t % x : axis === 1 ? Math.floor(t / x) % y : Math.floor(t / (x * y));
      });
    const scratch = new Float32Array(1);
    const kept = new Map(
      [...generated.kept].map(([slot, how]) => [
        slot,
        how === 'f' ? new Float32Array(capacity) : new Int32Array(capacity),
      ]),
    );
    const environment: Record<string, unknown> = {
      ...intrinsics(),
      ...access,
      F0: scratch,
      I0: new Int32Array(scratch.buffer),
      C: this.#ctaWords,
      N: this.#launchWords,
      X: coordinate(0),
      Y: coordinate(1),
      Z: coordinate(2),
      V: this.#variables,
      W: this.#world,
      D: this.#state.dependencyMet,
      K: kept,
      A: this.#points,
      at: this.#at,
      NS: NOWHERE,
      BV: this.#profiler?.visits ?? new Int32Array(0),
      BN: capacity,
      SF: (lane: number, g: number, instruction: number) => {
        this.#warps.fault(
          'divergent-shuffle',
          g,
          instruction,
          `reads lane ${lane}, which does not take part`,
        );
      },
      UR: (g: number, instruction: number, slot: number) => {
        if (!this.checks.initialisation) return;
        const register = program.slotNames[slot]!;
        this.#state.report('uninitialised-read', g, instruction, {
          detail: `reads the register ${register}, which nothing has written`,
        });
      },
      TR: (g: number, instruction: number) => {
        this.#state.report('trap', g, instruction, { detail: 'the kernel traps' });
      },
      OF: () => {
        throw new RoseError({
          code: 'SIM_LIMIT',
          message: `${this.kernel.program.entry.name} runs longer than the step limit allows`,
          next: 'look for a loop that never ends, or raise the step limit',
        });
      },
      ...{ S32: shared.i32, SF32: shared.f32, SU16: shared.u16, SU8: shared.u8 },
      ...{ L32: local.i32, LF32: local.f32, LU16: local.u16, LU8: local.u8 },
      ...{
        P32: this.#parameters.i32,
        PF32: this.#parameters.f32,
        PU16: this.#parameters.u16,
        PU8: this.#parameters.u8,
      },
    };
    const missing = names.filter((name) => !(name in environment));
    if (missing.length) throw new Error(`generated code lacks ${missing.join(', ')}`);
    const make = new Function('E', generated.source) as (environment: object) => StretchFunction[];
    return make(environment);
  }

  /** Accesses that the profile counts before they are made. */
  #counted(access: Accesses): Partial<Accesses> {
    if (!this.#profiler) return {};
    const global =
      (kind: Access, plain: Accesses['GL']): Accesses['GL'] =>
      (hi, lo, bytes, g, instruction) => {
        this.#profiler!.access('global', kind, hi * 2 ** 32 + (lo >>> 0), bytes, g, instruction);
        return plain(hi, lo, bytes, g, instruction);
      };
    const shared =
      (kind: Access, plain: Accesses['SL']): Accesses['SL'] =>
      (address, bytes, g, instruction) => {
        this.#profiler!.access('shared', kind, address, bytes, g, instruction);
        return plain(address, bytes, g, instruction);
      };
    return {
      GL: global('load', access.GL),
      GS: global('store', access.GS),
      GA: global('atomic', access.GA),
      SL: shared('load', access.SL),
      SS: shared('store', access.SS),
      SA: shared('atomic', access.SA),
    };
  }

  #who(g: number): Partial<SimReport> {
    const slot = Math.floor(g / this.#stride);
    const t = g - slot * this.#stride;
    const [x, y] = this.block;
    const at = slot * CTA_WORDS.length;
    const word = (name: 'ctaidX' | 'ctaidY' | 'ctaidZ'): number => this.#ctaWords[at + ctaWord(name)]!;
    return {
      block: [word('ctaidX'), word('ctaidY'), word('ctaidZ')],
      thread: [t % x, Math.floor(t / x) % y, Math.floor(t / (x * y))],
    };
  }

  launch(grid: readonly [number, number, number], options: LaunchOptions): LaunchResult {
    const { program } = this.kernel;
    this.#reporter = new Reporter(program, options.limits?.reports ?? 64);
    this.#parameters.u8.set(packParameters(program, options));
    this.memory.forgetWriters();
    this.#world[0] = 0;
    this.#world[1] = options.limits?.steps ?? 2 ** 31 - 1;
    const clusters = grid.map((n, axis) => n / this.cluster[axis]!) as [number, number, number];
    const put = (name: Parameters<typeof launchWord>[0], value: number): void => {
      this.#launchWords[launchWord(name)] = value;
    };
    for (const [axis, letter] of (['X', 'Y', 'Z'] as const).entries()) {
      put(`ntid${letter}`, this.block[axis]!);
      put(`ncta${letter}`, grid[axis]!);
      put(`cluster${letter}`, this.cluster[axis]!);
      put(`ncluster${letter}`, clusters[axis]!);
    }
    put('dynamicShared', this.dynamicBytes);
    put('totalShared', program.layout.dynamicStart + this.dynamicBytes);
    put('sms', this.multiprocessors);
    for (const allocation of options.pending ?? []) allocation.pending = true;
    try {
      this.#schedule(clusters, grid);
    } finally {
      for (const allocation of options.pending ?? []) allocation.pending = false;
    }
    const { reports } = this.#reporter;
    if (!this.#profiler) return { reports };
    const profile = this.#profiler.result();
    this.#profiler.reset();
    return { reports, profile };
  }

  #schedule(clusters: readonly [number, number, number], grid: readonly [number, number, number]): void {
    const [cx, cy] = this.cluster;
    const scheduler = new Scheduler({
      program: this.kernel.program,
      stretches: this.#stretches,
      points: this.#points,
      at: this.#at,
      threads: this.#threads,
      threadStride: this.#stride,
      slots: this.#slots,
      clusterSize: this.#clusterSize,
      ctaWords: this.#ctaWords,
      ctaOfSlot: this.#state.ctaOfSlot,
      dependencyMet: this.#state.dependencyMet,
      world: this.#world,
      hazards: this.#state.hazards,
      machine: this.#warps,
      asynchronous: this.#asynchronous,
      ...(this.#profiler && { profiler: this.#profiler }),
      report: this.#state.report,
    });
    scheduler.run(product(clusters), (cluster, rank, words, at) => {
      const where = [
        cluster % clusters[0],
        Math.floor(cluster / clusters[0]) % clusters[1],
        Math.floor(cluster / (clusters[0] * clusters[1])),
      ] as const;
      const inside = [rank % cx, Math.floor(rank / cx) % cy, Math.floor(rank / (cx * cy))] as const;
      const set = (name: Parameters<typeof ctaWord>[0], value: number): void => {
        words[at + ctaWord(name)] = value;
      };
      const block = where.map((n, axis) => n * this.cluster[axis]! + inside[axis]!) as [
        number,
        number,
        number,
      ];
      for (const [axis, letter] of (['X', 'Y', 'Z'] as const).entries()) {
        set(`ctaid${letter}`, block[axis]!);
        set(`cluster${letter}`, where[axis]!);
        set(`inCluster${letter}`, inside[axis]!);
      }
      set('rank', rank);
      return block[0] + grid[0] * (block[1] + grid[1] * block[2]);
    });
  }
}
