/**
 * The spec's data model: what a kernel computes, before any choice is bound.
 *
 * Text (YAML or `defineKernel()`) -> `KernelSpec` (names checked, formula parsed and type-checked, frozen)
 * -> `bindKernel()` -> `BoundKernel` (dtypes, flags and static dimensions chosen), which the IR is built from.
 */

import type { Place } from '../util/errors.js';

/** Element types. `e4m3` and `e5m2` are the OCP 8-bit floats (e4m3fn, e5m2); `bool` is one byte, 0 or 1. */
export type Dtype = 'f32' | 'bf16' | 'f16' | 'e4m3' | 'e5m2' | 'i8' | 'i32' | 'i64' | 'u8' | 'bool';

/** What a formula value may hold while it is computed with; storage dtypes appear only at loads, stores and casts. */
export type Rounding = 'rn' | 'rz' | 'rm' | 'rp';

/** A place in the text that a node came from. */
export type Span = Place;

// ---------------------------------------------------------------- dimensions

/** An integer expression over static dimensions: sizes of derived dimensions, shapes and strides. */
export type DimExpr =
  | { readonly kind: 'const'; readonly value: number }
  | { readonly kind: 'dim'; readonly name: string }
  | {
      readonly kind: 'op';
      readonly op: '+' | '-' | '*' | '/';
      readonly left: DimExpr;
      readonly right: DimExpr;
    };

export type DimDecl =
  /** Known only at launch. */
  | { readonly kind: 'dynamic'; readonly name: string; readonly span: Span }
  /** Bound by each variant. */
  | { readonly kind: 'static'; readonly name: string; readonly span: Span }
  /** Computed from static dimensions; `/` must divide exactly. */
  | { readonly kind: 'derived'; readonly name: string; readonly value: DimExpr; readonly span: Span }
  /**
   * A dimension cut into consecutive named sections, each as long as another dimension. Inside the formula of section
   * `s` this dimension is that part alone and carries the name of the section's dimension.
   */
  | {
      readonly kind: 'sections';
      readonly name: string;
      readonly parts: readonly SectionPart[];
      readonly span: Span;
    };

export interface SectionPart {
  readonly section: string;
  /** Name of the (static or derived) dimension that gives this section's length. */
  readonly dim: string;
}

// ------------------------------------------------------------------- tensors

/**
 * One entry of a tensor's shape.
 * - `axis`: a dimension.
 * - `merged`: several dimensions in one mode, row-major (`two*half`: `half` is fastest).
 * - `blocks`: one element for each `by` consecutive elements of a dimension (`hidden/128`).
 * - `extended`: a dimension and `extra` more elements (`sequences+1`); the element at index i is element i.
 */
export type ShapeEntry =
  | { readonly kind: 'axis'; readonly dim: string }
  | { readonly kind: 'merged'; readonly dims: readonly string[] }
  | { readonly kind: 'blocks'; readonly dim: string; readonly by: number }
  | { readonly kind: 'extended'; readonly dim: string; readonly extra: number };

export type Access = 'in' | 'out' | 'inout';

export interface TensorDecl {
  readonly name: string;
  readonly shape: readonly ShapeEntry[];
  /** A dtype or the name of a type variable. */
  readonly dtype: string;
  readonly access: Access;
  /** Stride of each shape entry, in elements; absent: row-major and contiguous. `dynamic` is given at launch. */
  readonly strides?: readonly (DimExpr | 'dynamic')[];
  /** Alignment of the pointer, in bytes; absent: what the widest access of the target asks for. */
  readonly align?: number;
  /** Flag that must be true for the tensor to exist. */
  readonly when?: string;
  readonly doc?: string;
  readonly span: Span;
}

export interface ParamDecl {
  readonly name: string;
  readonly dtype: 'f32' | 'i32' | 'i64';
  readonly when?: string;
  readonly span: Span;
}

export interface TypeVar {
  readonly name: string;
  readonly choices: readonly Dtype[];
  readonly span: Span;
}

/** A static boolean that a variant binds. */
export interface FlagDecl {
  readonly name: string;
  readonly choices: readonly boolean[];
  readonly span: Span;
}

// ------------------------------------------------------------------- formula

export type ReduceOp = 'sum' | 'mean' | 'max' | 'min';
export type UnaryOp =
  | 'neg'
  | 'not'
  | 'abs'
  | 'rsqrt'
  | 'sqrt'
  | 'rcp'
  | 'exp'
  | 'log'
  | 'tanh'
  | 'sigmoid'
  | 'erf'
  | 'erfc'
  | 'sin'
  | 'cos'
  | 'round'
  | 'floor'
  | 'ceil'; // round: to nearest, ties to even
export type BinaryOp = '+' | '-' | '*' | '/' | '%' | 'min' | 'max' | '&&' | '||';
export type CompareOp = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** The formula as parsed: names are not resolved and nothing has a type yet. */
export type Expr =
  | { readonly kind: 'number'; readonly value: number; readonly integer: boolean; readonly span: Span }
  | { readonly kind: 'name'; readonly name: string; readonly span: Span }
  | { readonly kind: 'unary'; readonly op: 'neg' | 'not'; readonly operand: Expr; readonly span: Span }
  | {
      readonly kind: 'binary';
      readonly op: BinaryOp | CompareOp;
      readonly left: Expr;
      readonly right: Expr;
      readonly span: Span;
    }
  /** `f(args)`, `dtype.mode(args)`. */
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly modes: readonly string[];
      readonly args: readonly Expr[];
      readonly span: Span;
    }
  /** `sum[hidden](e)`, `max[hidden by 128](e)`, `mean[tokens in offsets](e)`. */
  | {
      readonly kind: 'reduce';
      readonly op: ReduceOp;
      readonly dim: string;
      readonly by?: number;
      readonly range?: string;
      readonly operand: Expr;
      readonly span: Span;
    }
  /** `e[dim: index, ...]`. */
  | {
      readonly kind: 'index';
      readonly operand: Expr;
      readonly entries: readonly IndexEntry[];
      readonly span: Span;
    };

export interface IndexEntry {
  readonly dim: string;
  readonly index: Expr;
  readonly span: Span;
}

/** `target[dim: index] = value where condition`; a target that is no tensor is a local name. */
export interface Statement {
  readonly target: string;
  readonly entries: readonly IndexEntry[];
  readonly value: Expr;
  readonly where?: Expr;
  readonly span: Span;
}

/** The statements of one section; a kernel without sections has a single one named ''. */
export interface SectionFormula {
  readonly section: string;
  readonly statements: readonly Statement[];
}

export interface KernelSpec {
  readonly name: string;
  readonly doc: string;
  /** Paper, specification or model card that the formula comes from. */
  readonly source?: string;
  readonly dims: readonly DimDecl[];
  readonly types: readonly TypeVar[];
  readonly flags: readonly FlagDecl[];
  readonly params: readonly ParamDecl[];
  readonly tensors: readonly TensorDecl[];
  readonly formulas: readonly SectionFormula[];
  /** A reason in words makes spills legal. */
  readonly allowSpills?: string;
  /** Largest deviation from the float64 reference, in units of the output's last place, with the reason; absent: 1. */
  readonly tolerance?: { readonly ulp: number; readonly reason: string };
  /** The text the spec came from; a spec from `defineKernel()` carries its canonical YAML. */
  readonly origin: { readonly file: string; readonly text: string };
}

// --------------------------------------------------------------------- bound

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
  readonly modes: readonly BoundMode[];
  readonly align?: number;
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
    /** Over a whole dimension; over blocks of `by` (the result varies over `dim/by`); or over the range of a row. */
    | {
        readonly kind: 'reduce';
        readonly op: ReduceOp;
        readonly dim: string;
        readonly by?: number;
        /** i32 or i64 tensor with `rows+1` offsets: the row at index r covers [offsets[r], offsets[r+1]). */
        readonly range?: { readonly tensor: string; readonly rows: string };
        readonly operand: TypedExpr;
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
