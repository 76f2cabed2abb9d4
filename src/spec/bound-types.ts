/** What a spec means once its static choices are made: layouts, typed formulas -> `BoundKernel`. */

import type {
  Access,
  BinaryOp,
  CompareOp,
  Dtype,
  KernelSpec,
  ParamDecl,
  ReduceOp,
  Rounding,
  SelectFn,
  Span,
  TallyFn,
  UnaryOp,
  Usual,
} from './declared-types.js';

/** The static choices of a variant that concern the formula. */
export interface Binding {
  readonly dims: Readonly<Record<string, number>>;
  readonly types: Readonly<Record<string, Dtype>>;
  readonly flags: Readonly<Record<string, boolean>>;
}

/** Length of a dimension: a number when static. */
export type Extent = number | 'dynamic';

/**
 * An axis of a value: a dimension's name, or `hidden/128` for the blocks of one. Two values broadcast by axis name; a
 * value over blocks broadcasts over the elements of each block.
 */
export type Axis = string;

/** One mode of a bound tensor, slowest first; a merged shape entry gives one mode for each of its dimensions. */
export interface BoundMode {
  readonly axis: Axis;
  /** Dimension the axis belongs to (`hidden` for axis `hidden/128`). */
  readonly dim: string;
  readonly extent: Extent;
  /** Elements beyond the dimension's own extent (`sequences+1`: 1). */
  readonly extra: number;
  /** In elements; `dynamic` is given at launch, `computed` follows from the modes to the right, one of them dynamic. */
  readonly stride: number | 'dynamic' | 'computed';
  /** Index of the shape entry that the mode came from. */
  readonly entry: number;
}

export interface BoundTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly access: Access;
  /** Written by no kernel while the model is served: it may be read before the previous one has ended. */
  readonly constant?: true;
  readonly modes: readonly BoundMode[];
  readonly align?: number;
  readonly usual?: Usual;
  readonly doc?: string;
  readonly span: Span;
}

/** What every typed expression carries: its dtype, the axes it varies over (in order of first use) and its place. */
export interface Typed {
  readonly dtype: Dtype;
  readonly axes: readonly Axis[];
  readonly span: Span;
}

/** The formula with names resolved, flags folded, casts explicit. Arithmetic is on f32, i32 or i64 alone. */
export type TypedExpr = Typed &
  (
    | { readonly kind: 'literal'; readonly value: number | boolean }
    | { readonly kind: 'param'; readonly name: string }
    /** Position along a dimension (i32, or i64 where the dimension is dynamic). */
    | { readonly kind: 'position'; readonly dim: string }
    /** Extent of a dimension, as i32 (i64 where dynamic). */
    | { readonly kind: 'extent'; readonly dim: string }
    /**
     * An element of an input. An axis that `indices` lacks is read at the value's own position; a mode of an
     * `extended` entry too. Out of range of its dimension, a data-dependent index reads 0.
     */
    | { readonly kind: 'load'; readonly tensor: string; readonly indices: readonly BoundIndex[] }
    /** The value of an earlier statement of the section. */
    | { readonly kind: 'local'; readonly name: string }
    /** A computed value read at another position along a static dimension: `scale * position + offset`. */
    | {
        readonly kind: 'remap';
        readonly operand: TypedExpr;
        readonly dim: string;
        readonly scale: number;
        readonly offset: number;
      }
    | { readonly kind: 'unary'; readonly op: UnaryOp; readonly operand: TypedExpr }
    | { readonly kind: 'binary'; readonly op: BinaryOp; readonly left: TypedExpr; readonly right: TypedExpr }
    | {
        readonly kind: 'compare';
        readonly op: CompareOp;
        readonly left: TypedExpr;
        readonly right: TypedExpr;
      }
    | {
        readonly kind: 'select';
        readonly condition: TypedExpr;
        readonly then: TypedExpr;
        readonly otherwise: TypedExpr;
      }
    | {
        readonly kind: 'cast';
        readonly operand: TypedExpr;
        readonly rounding: Rounding;
        /** Clamp to the finite range of the target instead of overflowing to infinity or wrapping. */
        readonly saturate: boolean;
      }
    /**
     * Over a whole dimension; over blocks of `by` (the result varies over `dim/by`; 0 while its length is not bound); or over the
     * range of a row.
     */
    | {
        readonly kind: 'reduce';
        readonly op: ReduceOp;
        readonly dim: string;
        readonly by?: number;
        /** i32 or i64 tensor with `rows+1` offsets: the row at index r covers [offsets[r], offsets[r+1]). */
        readonly range?: { readonly tensor: string; readonly rows: string };
        readonly operand: TypedExpr;
      }
    /**
     * Positions (i32) along `dim` of the largest elements (of the smallest, for `bottom`), in order, one for each position
     * of `slots`. Of equal elements the lower position comes first, -0 equals 0, and NaN is larger than every number. Elements
     * that `allowed` (bool) leaves out come after all others, in the order of their positions.
     */
    | {
        readonly kind: 'top';
        readonly fn: SelectFn;
        readonly dim: string;
        readonly slots: string;
        readonly operand: TypedExpr;
        readonly allowed?: TypedExpr;
      }
    /**
     * Of all positions of `dims`, row-major: for each position of `bins` how many have that index (`count`), or for each
     * position how many earlier ones have the same index (`rank`). An index outside of `bins` is not counted; its rank is 0.
     */
    | {
        readonly kind: 'tally';
        readonly fn: TallyFn;
        readonly dims: readonly string[];
        readonly bins: string;
        readonly operand: TypedExpr;
      }
    /** At each position of `dim` the sum (i32) of what lies before it. */
    | { readonly kind: 'scan'; readonly dim: string; readonly operand: TypedExpr }
    /** A value that varies over `dim` alone, read at an index; out of range 0. */
    | {
        readonly kind: 'lookup';
        readonly operand: TypedExpr;
        readonly dim: string;
        readonly index: TypedExpr;
      }
    /** Position (i32) along `dim` of the largest (smallest) element: the first that `top` (`bottom`) would take. */
    | {
        readonly kind: 'arg';
        readonly fn: 'argmax' | 'argmin';
        readonly dim: string;
        readonly operand: TypedExpr;
      }
    /**
     * Whether an element is among the first in the order of `top` along `dim`. Without a weight, among the first `need` (i32).
     * With one, in the shortest run of them whose weights add up to `need` (f32, a share) of all: weights count in whole
     * units of 2^-28, are at most 1, and do not rise from an element to the next in that order. With `by`, among those of its
     * block of so many; with `blocks` too, the elements are the blocks themselves.
     */
    | {
        readonly kind: 'leading';
        readonly dim: string;
        readonly by?: number;
        readonly blocks?: true;
        readonly operand: TypedExpr;
        readonly weight?: TypedExpr;
        readonly need: TypedExpr;
      }
    /**
     * 32 random bits (i32) for each position p along `dim`: word p % 4 of what Philox 4x32-10 makes of the counter
     * (p / 4, 0, low and high half of `offset`) under the key (low and high half of `seed`).
     */
    | { readonly kind: 'random'; readonly dim: string; readonly seed: TypedExpr; readonly offset: TypedExpr }
    /** A computed value read at the positions that a selection along `dim` gives. */
    | {
        readonly kind: 'pick';
        readonly operand: TypedExpr;
        readonly dim: string;
        readonly index: TypedExpr;
      }
  );

export interface BoundIndex {
  readonly dim: string;
  readonly index: TypedExpr;
}

export type TypedStatement =
  | { readonly kind: 'let'; readonly name: string; readonly value: TypedExpr; readonly span: Span }
  | {
      readonly kind: 'write';
      readonly tensor: string;
      /** Scatter: axes written at an index of their own; out of range, the write is dropped. */
      readonly indices: readonly BoundIndex[];
      readonly value: TypedExpr;
      readonly where?: TypedExpr;
      readonly span: Span;
    };

/** A section with its dimension replaced: tensors that carry the cut dimension are sliced from `offset`. */
export interface BoundSection {
  readonly name: string;
  /** The cut: dimension `dim` is here the part [offset, offset + extent of `as`), under the name `as`. */
  readonly cut?: { readonly dim: string; readonly as: string; readonly offset: number };
  readonly statements: readonly TypedStatement[];
}

export interface BoundKernel {
  readonly spec: KernelSpec;
  readonly binding: Binding;
  /** Every dimension, derived ones and `sections` ones included. */
  readonly extents: Readonly<Record<string, Extent>>;
  /** Tensors and params that exist under the flags, in declaration order. */
  readonly tensors: readonly BoundTensor[];
  readonly params: readonly ParamDecl[];
  readonly sections: readonly BoundSection[];
}
