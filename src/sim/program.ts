/**
 * The simulator's own form of a kernel: between PTX and JavaScript.
 *
 * Every PTX register is one slot, or two for 64 bits (low word, high word). A word slot may be held as its bits (`i7`, an
 * int32) or as the float they stand for (`f7`), whichever its readers ask for: PTX registers are untyped, and turning one
 * into the other costs a trip through memory. A predicate is `p7`. The text of an operation uses these names directly.
 */

import type { PtxEntry, PtxInstruction, PtxModule, PtxVariable } from './ptx/ast.js';

/** How a word slot is held. `any`: what suits its writers; `same`: what is asked of the slot that the move writes. */
export type Holding = 'i' | 'f' | 'p';

export interface Use {
  readonly slot: number;
  readonly as: Holding | 'any' | 'same';
}

/** One written slot, with the text of its value in each holding that the operation can give. */
export interface Definition {
  readonly slot: number;
  readonly i?: string;
  readonly f?: string;
  readonly p?: string;
}

export interface Operation {
  /** Index into `Program.instructions`, for reports. */
  readonly instruction: number;
  /** Statements before the definitions; given how an `any` slot is held where that changes them. */
  readonly before: string | ((held: (slot: number) => 'i' | 'f') => string);
  readonly definitions: readonly Definition[];
  readonly after: string;
  readonly uses: readonly Use[];
  /** Runs only where this predicate slot holds (or does not). */
  readonly guard?: Guard;
  /** A move: its definitions copy `same` uses and constants. */
  readonly move: boolean;
  /** The value is the same for a whole CTA or a thread's whole life: recomputed where needed, never kept. */
  readonly constant?: 'cta' | 'thread';
}

export interface Guard {
  readonly slot: number;
  readonly negated: boolean;
}

export type Terminator =
  | { readonly kind: 'jump'; readonly to: number }
  | { readonly kind: 'branch'; readonly guard: Guard; readonly yes: number; readonly no: number }
  | { readonly kind: 'switch'; readonly slot: number; readonly to: readonly number[] }
  | { readonly kind: 'sync'; readonly point: number; readonly to: number }
  | { readonly kind: 'exit' };

export interface Block {
  readonly operations: Operation[];
  end: Terminator;
}

/** Where threads stop and the scheduler decides when they go on. */
export interface SyncPoint {
  readonly id: number;
  readonly instruction: number;
  readonly action: SyncAction;
  /** Arrays of a word a thread that the code fills before stopping (`a<point>_<n>`) and reads after (`r<point>_<n>`). */
  readonly inputs: number;
  readonly outputs: number;
}

/** What a point does. Numbers named `...Input` are indices of its input arrays. */
export type SyncAction =
  /** All lanes of the mask meet; `effect` then fills the outputs of the lanes that met. */
  | {
      readonly kind: 'warp';
      readonly name: string;
      /** Constant member mask; otherwise the input array that has it. */
      readonly mask: number | undefined;
      readonly maskInput: number;
      readonly effect: WarpEffect;
      /** Orders memory among the lanes (`bar.warp.sync`). */
      readonly orders: boolean;
    }
  | {
      readonly kind: 'barrier';
      /** Barrier number and thread count inputs; a count of 0 means all threads. */
      readonly idInput: number;
      readonly countInput: number;
      /** `arrive` goes on at once; `red.*` combines predicates. */
      readonly mode: 'sync' | 'arrive' | 'popc' | 'and' | 'or';
      readonly aligned: boolean;
    }
  | { readonly kind: 'cluster-arrive'; readonly release: boolean }
  | { readonly kind: 'cluster-wait'; readonly acquire: boolean }
  /** A spin: lets every other thread go first. `late`: not a spin, but goes only when all that spin can do is done. */
  | { readonly kind: 'yield'; readonly late: boolean }
  /** `mbarrier.try_wait`: goes on when the phase is over. Address and parity (or state) inputs. */
  | {
      readonly kind: 'mbarrier-wait';
      readonly parity: boolean;
      readonly blocking: boolean;
      readonly acquire: boolean;
    };

/** Runs once for the lanes that met: base thread of the warp, their mask; reads inputs and writes outputs. */
export type WarpEffect = (context: WarpContext, base: number, lanes: number) => void;

export interface WarpContext {
  readonly inputs: readonly Int32Array[];
  readonly outputs: readonly Int32Array[];
  readonly machine: WarpMachine;
  readonly instruction: number;
}

/** What a warp effect may do besides moving words: reach memory and report. */
export interface WarpMachine {
  /** Bytes of shared memory of the group. */
  readonly shared: Uint8Array;
  /** Checked byte offset into `shared` of a shared address. */
  sharedLoad(address: number, bytes: number, thread: number, instruction: number): number;
  sharedStore(address: number, bytes: number, thread: number, instruction: number): number;
  fault(kind: 'divergent-shuffle', thread: number, instruction: number, detail: string): void;
}

export interface Program {
  readonly module: PtxModule;
  readonly entry: PtxEntry;
  readonly instructions: readonly PtxInstruction[];
  readonly blocks: readonly Block[];
  readonly points: readonly SyncPoint[];
  readonly slots: number;
  readonly layout: SharedLayout;
  /** Bytes of local memory a thread. */
  readonly localBytes: number;
  /** Smallest access to shared memory in bytes: the granule of its shadow. */
  readonly sharedGranule: number;
  /** Whether anything but barriers of a whole CTA or cluster orders accesses to shared memory. */
  readonly ordersThreads: boolean;
  /** Whether accesses to global memory acquire or release. */
  readonly publishes: boolean;
  /** Global and constant variables, in the order in which the code numbers them. */
  readonly variables: readonly PtxVariable[];
  /** Names of slots, for reports. */
  readonly slotNames: readonly string[];
}

export interface SharedLayout {
  /** First byte of the window; below it nothing is mapped, so that a null address faults. */
  readonly start: number;
  readonly staticBytes: number;
  /** Where the launch's dynamic bytes begin. */
  readonly dynamicStart: number;
}
