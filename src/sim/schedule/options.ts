/** What the scheduler is given. */

import type { AsyncEngine } from '../async/engine.js';
import type { HazardShadow } from '../checks/hazards.js';
import type { Publication } from '../checks/publication.js';
import type { Profiler } from '../profile.js';
import type { Program, SyncAction, SyncPoint, WarpMachine } from '../program.js';
import type { Report } from '../report.js';

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
  /** [0]: set when memory changes; [1]: steps that are left. */
  readonly world: Int32Array;
  readonly hazards: HazardShadow;
  readonly publication: Publication | undefined;
  readonly machine: WarpMachine;
  readonly asynchronous: AsyncEngine;
  readonly profiler?: Profiler;
  readonly report: Report;
  /** Throws: the launch takes more steps than it may. */
  overrun(thread: number, instruction: number): never;
}

/** Threads of one CTA that may run a stretch. */
export interface Ready {
  readonly slot: number;
  readonly stretch: number;
  readonly threads: Int32Array;
}

export type Action<Kind extends SyncAction['kind']> = Extract<SyncAction, { kind: Kind }>;

/** The PTX line of a point. */
export function lineOf(program: Program, point: SyncPoint): number {
  return program.instructions[point.instruction]!.line;
}
