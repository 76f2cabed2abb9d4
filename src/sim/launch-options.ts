/** What a launch of the simulator is given and gives back. */

import type { Checks } from './checks/checks.js';
import type { Generated } from './codegen/generate.js';
import type { Allocation, SimMemory } from './memory.js';
import type { Profile } from './profile.js';
import type { Program } from './program.js';
import type { SimReport } from './report.js';

export type Dim3 = number | readonly [number, number?, number?];

/** A kernel argument: a buffer (its address), a buffer and a byte offset, a number for a scalar, or raw bytes. */
export type Argument =
  Allocation | { readonly buffer: Allocation; readonly offset: number } | number | bigint | Uint8Array;

export interface LaunchOptions {
  readonly grid: Dim3;
  readonly block: Dim3;
  readonly cluster?: Dim3;
  readonly dynamicSharedBytes?: number;
  /** In the kernel's order; or `parameters`, the packed bytes. */
  readonly args?: readonly Argument[];
  readonly parameters?: Uint8Array;
  readonly memory: SimMemory;
  /** `all`, `none`, or some; default all. */
  readonly checks?: 'all' | 'none' | Partial<Checks>;
  readonly limits?: {
    /** Jumps back and continuations after a point of synchronisation, all threads together; a fault counts as 30. Default 2^31 - 1. */
    readonly steps?: number;
    /** Kinds and places of faults that are kept; default 64. */
    readonly reports?: number;
  };
  /** Buffers that the previous kernel of the stream may still write until `griddepcontrol.wait`. */
  readonly pending?: readonly Allocation[];
  /** Multiprocessors, which bounds how many CTAs are resident at once; default 132. */
  readonly multiprocessors?: number;
  /** Registers a thread, which bounds the same; default: as many as fit. */
  readonly registersPerThread?: number;
  /** Throw SIM_FAULT at the end if anything was reported; default false: reports are returned. */
  readonly throwOnFault?: boolean;
  /** Count instructions, traffic and conflicts; several times slower. */
  readonly profile?: boolean;
}

export interface LaunchResult {
  readonly reports: readonly SimReport[];
  /** Buffers that the launch wrote. */
  readonly written: readonly Allocation[];
  readonly profile?: Profile;
}

/** A kernel as the machine runs it. */
export interface CompiledKernel {
  readonly program: Program;
  readonly generated: Generated;
  /** Names that the generated code takes from its environment. */
  readonly names: readonly string[];
}
