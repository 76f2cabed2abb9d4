/** What verification speaks of: a problem to run, what a kernel must write, and the verdict. */

import type { VariantEntry } from '../device/index.js';
import type { SimReport } from '../sim/index.js';
import type { BoundKernel } from '../spec/index.js';

/**
 * One set of inputs. Tensors are logical: row-major over the extents of their modes (extra elements of an extended
 * entry included), whatever their strides in memory; bool is 0 or 1, i64 is exact below 2^53.
 */
export interface Problem {
  /** Every dimension that is not derived from others, dynamic ones included. */
  readonly extents: Readonly<Record<string, number>>;
  readonly params: Readonly<Record<string, number>>;
  /** Values of every tensor with access `in` or `inout`, by name; each is representable in the tensor's dtype. */
  readonly inputs: ReadonlyMap<string, Float64Array>;
}

/** What an output must hold. Arrays are row-major over the extents of the tensor's modes. */
export interface ReferenceOutput {
  /** Float64 result, rounded as the formula's casts say. */
  readonly values: Float64Array;
  /**
   * How far a correct kernel may be from `values` because it computes in f32: a running error bound through every
   * operation, and through every cast whose rounding that error can tip over. 0 where nothing is rounded.
   */
  readonly error: Float64Array;
  /** 1 where the kernel writes; elsewhere memory keeps what it held. */
  readonly written: Uint8Array;
}

/** What is verified: a variant of a build, with its formula and its PTX. */
export interface Subject {
  readonly bound: BoundKernel;
  readonly variant: VariantEntry;
  readonly ptx: string;
}

/** Why one case failed: what the simulator caught, or the first wrong element of each output. */
export type Failure =
  | { readonly kind: 'fault'; readonly report: SimReport }
  | {
      readonly kind: 'value';
      readonly tensor: string;
      /** Position in the tensor, one index a mode. */
      readonly index: readonly number[];
      readonly actual: number;
      readonly expected: number;
      /** Distance in units of the last place of the tensor's dtype. */
      readonly ulp: number;
      /** Elements of this tensor that are wrong. */
      readonly wrong: number;
      readonly elements: number;
    }
  | { readonly kind: 'unwritten'; readonly tensor: string; readonly index: readonly number[] }
  /** An element that the formula leaves alone. */
  | { readonly kind: 'overwritten'; readonly tensor: string; readonly index: readonly number[] }
  /** A byte between the rows of a strided tensor. */
  | { readonly kind: 'stray'; readonly tensor: string; readonly byte: number }
  /** Of what ordinary rows write the reference is sure of less than half: there is no proof. */
  | { readonly kind: 'doubt'; readonly tensor: string; readonly sure: number; readonly written: number }
  | {
      readonly kind: 'batch';
      readonly tensor: string;
      readonly index: readonly number[];
      readonly text: string;
    };

export interface CaseResult {
  /** Such as `tokens=17, normal` or `tokens=3, extreme`. */
  readonly name: string;
  readonly failures: readonly Failure[];
  /** Largest distance of an output element from the reference, in units of the last place. */
  readonly worstUlp: number;
}

export interface Verdict {
  readonly id: string;
  readonly passed: boolean;
  readonly cases: readonly CaseResult[];
  /** Whether a row's bits are the same whatever rows are beside it; absent where a kernel has no independent rows. */
  readonly batchInvariant?: boolean;
}
