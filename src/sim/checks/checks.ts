/** What the simulator looks for, each of which may be switched off. */

import type { FaultKind } from '../report.js';

export interface Checks {
  /** Reads of registers, shared and global memory that nothing has written. */
  readonly initialisation: boolean;
  /** Races on shared memory. */
  readonly hazards: boolean;
  /** CTAs that write, or read, what another CTA has written in the same launch. */
  readonly conflicts: boolean;
  /** Writes to buffers that are inputs. */
  readonly inputs: boolean;
  /** Barriers and warp instructions that not all of their threads come to. */
  readonly convergence: boolean;
  /** Accesses to what the previous kernel writes before `griddepcontrol.wait`. */
  readonly dependency: boolean;
  /** Data of asynchronous copies used before the wait; misuse of mbarriers. */
  readonly asynchronous: boolean;
}

export const ALL_CHECKS: Checks = {
  initialisation: true,
  hazards: true,
  conflicts: true,
  inputs: true,
  convergence: true,
  dependency: true,
  asynchronous: true,
};

/**
 * Bounds and alignment are always checked: without them the simulator itself would not be safe. A deadlock, and a grid that
 * waits for blocks which cannot start, are always told: there is nothing left to simulate.
 */
export const NO_CHECKS: Checks = {
  initialisation: false,
  hazards: false,
  conflicts: false,
  inputs: false,
  convergence: false,
  dependency: false,
  asynchronous: false,
};

const CHECK_OF: Readonly<Partial<Record<FaultKind, keyof Checks>>> = {
  'uninitialised-read': 'initialisation',
  'shared-hazard': 'hazards',
  'write-conflict': 'conflicts',
  'write-to-input': 'inputs',
  'divergent-barrier': 'convergence',
  'divergent-shuffle': 'convergence',
  'read-before-dependency': 'dependency',
  'read-before-wait': 'asynchronous',
  'mbarrier-misuse': 'asynchronous',
};

/** Whether a fault of this kind is to be reported. */
export function isWatched(checks: Checks, kind: FaultKind): boolean {
  const check = CHECK_OF[kind];
  return check === undefined || checks[check];
}
