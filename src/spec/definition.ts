/** The plain-data form of a spec: what the YAML holds, and what `defineKernel()` takes. */

import type { Access, Dtype } from './types.js';

/** `dynamic`, `static`, a number, an expression over static dimensions, or sections and the dimension of each. */
export type DimDefinition = string | number | { readonly sections: Readonly<Record<string, string>> };

export type ParamDtype = 'f32' | 'i32' | 'i64';
export type ParamDefinition = ParamDtype | { readonly dtype: ParamDtype; readonly when?: string };

export interface TensorDefinition {
  /** Slowest first: `hidden`, `two*half`, `hidden/128`, `sequences+1`. */
  readonly shape: readonly string[];
  /** A dtype or a type variable. */
  readonly dtype: string;
  /** `in` without it. */
  readonly access?: Access;
  /** No kernel writes it while the model is served, as its weights: it may be read before the previous kernel has ended. */
  readonly constant?: boolean;
  /** In elements: an expression over static dimensions, or `dynamic`; row-major without it. */
  readonly strides?: readonly (string | number)[];
  /** Bytes. */
  readonly align?: number;
  /** Flag that must be true for the tensor to exist. */
  readonly when?: string;
  /** The least and the largest of what callers usually give. */
  readonly usual?: readonly number[];
  readonly doc?: string;
}

export interface KernelDefinition {
  readonly kernel: string;
  readonly doc: string;
  readonly source?: string;
  readonly dims: Readonly<Record<string, DimDefinition>>;
  readonly types?: Readonly<Record<string, readonly Dtype[]>>;
  readonly flags?: Readonly<Record<string, readonly boolean[]>>;
  readonly params?: Readonly<Record<string, ParamDefinition>>;
  readonly tensors: Readonly<Record<string, TensorDefinition>>;
  /** Statements, or one block of them for each section. */
  readonly formula: string | Readonly<Record<string, string>>;
  readonly allow_spills?: string;
  readonly tolerance?: { readonly ulp: number; readonly reason: string };
}
