/** A machine for launches of one shape: registers, shared memory, and the stretches of a kernel bound to them. */

import { RoseError } from '../util/errors.js';
import { accesses, sharedAccesses } from './access/index.js';
import type { AccessState } from './access/index.js';
import { AsyncEngine } from './async/engine.js';
import { isWatched } from './checks/checks.js';
import type { Checks } from './checks/checks.js';
import { HazardShadow } from './checks/hazards.js';
import { Publication } from './checks/publication.js';
import { counted } from './counted.js';
import { instantiate } from './environment.js';
import type { CompiledKernel, LaunchOptions, LaunchResult } from './launch-options.js';
import { CTA_WORDS, LAUNCH_WORDS, ctaWord, launchWord } from './lower/special-values.js';
import { Segment } from './memory.js';
import type { SimMemory } from './memory.js';
import { packParameters } from './parameters.js';
import { Profiler } from './profile.js';
import type { Program, WarpMachine } from './program.js';
import { formatReport, Reporter } from './report.js';
import type { Report, SimReport } from './report.js';
import { Scheduler } from './schedule/scheduler.js';
import type { PointArrays, StretchFunction } from './schedule/scheduler.js';

type Triple = readonly [number, number, number];
const product = ([x, y, z]: Triple): number => x * y * z;

/** What launches must have in common to share a machine. */
export interface MachineShape {
  readonly block: Triple;
  readonly cluster: Triple;
  readonly dynamicBytes: number;
  readonly checks: Checks;
  readonly multiprocessors: number;
  readonly profile: boolean;
  /** CTAs that are resident at once. */
  readonly slots: number;
}

/** Whether threads of the kernel may wait for other CTAs: then several run at once. */
export function awaitsOthers({ points }: Program): boolean {
  return points.some(({ action }) => action.kind === 'yield');
}

/** A fault takes about as long as this many steps: a loop that faults for ever is to end as soon as any other. */
const STEPS_OF_A_FAULT = 30;

/** Launches of one shape reuse a machine, and with it what the engine has optimised. */
export class Machine {
  readonly #clusterSize: number;
  readonly #threads: number;
  readonly #stride: number;
  readonly #launchWords = new Int32Array(LAUNCH_WORDS.length);
  readonly #parameters: Segment;
  readonly #world = new Int32Array(2);
  readonly #state: AccessState;
  readonly #stretches: StretchFunction[];
  readonly #points: PointArrays[];
  readonly #at: Int32Array;
  readonly #ctaWords: Int32Array;
  readonly #warps: WarpMachine;
  readonly #asynchronous: AsyncEngine;
  readonly #profiler: Profiler | undefined;
  #reporter: Reporter;

  constructor(
    readonly kernel: CompiledKernel,
    readonly memory: SimMemory,
    readonly shape: MachineShape,
  ) {
    const { program } = kernel;
    const { block, cluster, checks, slots } = shape;
    this.#threads = product(block);
    this.#stride = Math.ceil(this.#threads / 32) * 32;
    this.#clusterSize = product(cluster);
    const sharedEnd = program.layout.dynamicStart + shape.dynamicBytes;
    const capacity = slots * this.#stride;
    this.#profiler = shape.profile ? new Profiler(program, capacity, this.#stride) : undefined;
    const sharedStride = Math.ceil((sharedEnd + 64) / 64) * 64;
    const plain = (bytes: number): Segment => new Segment(undefined, 0, 0, -1, null, bytes + 64);
    const shared = plain(slots * sharedStride);
    const local = plain(capacity * program.localBytes);
    const last = program.entry.parameters.at(-1);
    const parameterBytes = last ? last.offset + last.bytes : 0;
    this.#parameters = plain(parameterBytes);
    this.#reporter = new Reporter(program, 0);
    const report: Report = (kind, thread, instruction, more) => {
      if (!isWatched(checks, kind)) return;
      this.#world[1]! -= STEPS_OF_A_FAULT;
      this.#reporter.add(kind, instruction, { ...more, ...this.#who(thread) });
    };
    const common = {
      threadStride: this.#stride,
      sharedStride,
      sharedStart: program.layout.start,
      clusterSize: this.#clusterSize,
      report,
    };
    this.#ctaWords = new Int32Array(slots * CTA_WORDS.length);
    this.#at = new Int32Array(capacity);
    const ctaOfSlot = new Int32Array(slots);
    this.#state = {
      ...common,
      checks,
      memory,
      sharedEnd,
      shared: shared.u8,
      localStride: program.localBytes,
      parameterBytes,
      hazards: new HazardShadow({
        ...common,
        bytes: shared.u8.length,
        granule: program.sharedGranule,
        threads: capacity,
        hazards: checks.hazards,
        exact: program.ordersThreads || this.#clusterSize > 1,
      }),
      publication: program.publishes || this.#clusterSize > 1 ? new Publication(ctaOfSlot) : undefined,
      ctaOfSlot,
      dependencyMet: new Uint8Array(capacity),
      world: this.#world,
    };
    this.#points = program.points.map(({ inputs, outputs }) => ({
      inputs: Array.from({ length: inputs }, () => new Int32Array(capacity)),
      outputs: Array.from({ length: outputs }, () => new Int32Array(capacity)),
      met: new Int32Array(capacity >> 5),
    }));
    const window = sharedAccesses(this.#state);
    const access = accesses(this.#state, window, { shared, local, parameters: this.#parameters });
    this.#warps = {
      shared: shared.u8,
      sharedLoad: access.SL,
      sharedStore: access.SS,
      fault: (kind, thread, instruction, detail) => {
        report(kind, thread, instruction, { detail });
      },
    };
    this.#asynchronous = new AsyncEngine(this.#state, access, window, shared.i32);
    const counts = this.#profiler ? counted(this.#profiler, access) : {};
    this.#stretches = instantiate({
      kernel,
      state: this.#state,
      functions: { ...access, ...this.#asynchronous.functions(), ...counts },
      shared,
      local,
      parameters: this.#parameters,
      points: this.#points,
      at: this.#at,
      ctaWords: this.#ctaWords,
      launchWords: this.#launchWords,
      variables: this.#allocateVariables(),
      warps: this.#warps,
      profiler: this.#profiler,
      capacity,
      block,
      overrun: this.#overrun,
    });
  }

  #allocateVariables(): number[] {
    return this.kernel.program.variables.map(({ name, bytes, contents, space }) => {
      const allocation = this.memory.alloc(bytes, { name, readonly: space === 'const' });
      this.memory.write(allocation, contents ?? new Uint8Array(bytes));
      return allocation.high;
    });
  }

  readonly #overrun = (thread: number, at: number): never => {
    const { entry, instructions, module } = this.kernel.program;
    const instruction = instructions[Math.max(0, at)];
    const { block, thread: t } = this.#who(thread);
    const { reports } = this.#reporter;
    throw new RoseError({
      code: 'SIM_LIMIT',
      message: `${entry.name} runs longer than the step limit allows`,
      ...(instruction && { place: module.source.linePlace(instruction.line) }),
      actual: `block (${block!.join(', ')}), thread (${t!.join(', ')}) is still in this loop`,
      expected: 'an end within the steps of `limits.steps`',
      next: 'look for a loop that never ends, or raise the step limit',
      ...(reports.length > 0 && { detail: reports.map(formatReport).join('\n') }),
    });
  };

  #who(g: number): Partial<SimReport> {
    const slot = Math.floor(g / this.#stride);
    const t = g - slot * this.#stride;
    const [x, y] = this.shape.block;
    const at = slot * CTA_WORDS.length;
    const word = (name: 'ctaidX' | 'ctaidY' | 'ctaidZ'): number => this.#ctaWords[at + ctaWord(name)]!;
    return {
      block: [word('ctaidX'), word('ctaidY'), word('ctaidZ')],
      thread: [t % x, Math.floor(t / x) % y, Math.floor(t / (x * y))],
    };
  }

  launch(grid: readonly [number, number, number], options: LaunchOptions): LaunchResult {
    const { program } = this.kernel;
    const { block, cluster, dynamicBytes, multiprocessors } = this.shape;
    this.#reporter = new Reporter(program, options.limits?.reports ?? 64);
    this.#parameters.u8.set(packParameters(program, options));
    this.memory.forgetAccesses();
    this.#state.publication?.reset(product(grid));
    this.#world[0] = 0;
    this.#world[1] = options.limits?.steps ?? 2 ** 31 - 1;
    const clusters = grid.map((n, axis) => n / cluster[axis]!) as [number, number, number];
    const put = (name: Parameters<typeof launchWord>[0], value: number): void => {
      this.#launchWords[launchWord(name)] = value;
    };
    for (const [axis, letter] of (['X', 'Y', 'Z'] as const).entries()) {
      put(`ntid${letter}`, block[axis]!);
      put(`ncta${letter}`, grid[axis]!);
      put(`cluster${letter}`, cluster[axis]!);
      put(`ncluster${letter}`, clusters[axis]!);
    }
    put('dynamicShared', dynamicBytes);
    put('totalShared', program.layout.dynamicStart + dynamicBytes);
    put('sms', multiprocessors);
    for (const allocation of options.pending ?? []) allocation.pending = true;
    try {
      this.#schedule(clusters, grid);
    } finally {
      for (const allocation of options.pending ?? []) allocation.pending = false;
    }
    const result = {
      reports: this.#reporter.reports,
      written: this.memory.allocations.filter(({ written }) => written),
    };
    if (!this.#profiler) return result;
    const profile = this.#profiler.result();
    this.#profiler.reset();
    return { ...result, profile };
  }

  #schedule(clusters: readonly [number, number, number], grid: readonly [number, number, number]): void {
    const { cluster: extents, slots } = this.shape;
    const [cx, cy] = extents;
    const scheduler = new Scheduler({
      program: this.kernel.program,
      stretches: this.#stretches,
      points: this.#points,
      at: this.#at,
      threads: this.#threads,
      threadStride: this.#stride,
      slots,
      clusterSize: this.#clusterSize,
      ctaWords: this.#ctaWords,
      ctaOfSlot: this.#state.ctaOfSlot,
      dependencyMet: this.#state.dependencyMet,
      world: this.#world,
      hazards: this.#state.hazards,
      publication: this.#state.publication,
      machine: this.#warps,
      asynchronous: this.#asynchronous,
      ...(this.#profiler && { profiler: this.#profiler }),
      report: this.#state.report,
      overrun: this.#overrun,
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
      const block = where.map((n, axis) => n * extents[axis]! + inside[axis]!) as [number, number, number];
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
