/** What a spec's text says, as data: dimensions, tensors, and the formula as parsed -> `KernelSpec`. */

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
      readonly op: '+' | '-' | '*' | '/' | 'ceil_div';
      readonly left: DimExpr;
      readonly right: DimExpr;
    };

export type DimDecl =
  /** Known only at launch. */
  | { readonly kind: 'dynamic'; readonly name: string; readonly span: Span }
  /** Bound by each variant. */
  | { readonly kind: 'static'; readonly name: string; readonly span: Span }
  /** Computed from static dimensions; `/` must divide exactly, `ceil_div` rounds up. */
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
  /** Written by no kernel while the model is served. */
  readonly constant?: true;
  /** Stride of each shape entry, in elements; absent: row-major and contiguous. `dynamic` is given at launch. */
  readonly strides?: readonly (DimExpr | 'dynamic')[];
  /** Alignment of the pointer, in bytes; absent: what the widest access of the target asks for. */
  readonly align?: number;
  /** Flag that must be true for the tensor to exist. */
  readonly when?: string;
  readonly usual?: Usual;
  readonly doc?: string;
  readonly span: Span;
}

/** The least and the largest of what callers usually give. */
export type Usual = readonly [least: number, largest: number];

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
export type BinaryOp = '+' | '-' | '*' | '/' | '%' | 'min' | 'max' | '&&' | '||' | BitOp;
/** On i32 and i64. `>>` keeps the sign; a shift counts modulo the number of bits. */
export type BitOp = '&' | '|' | '^' | '<<' | '>>';
/** Elements in a block: a number, or the name of a static dimension. */
export type BlockLength = number | string;
/** Which elements a selection takes first: the largest or the smallest. */
export type SelectFn = 'top' | 'bottom';
/** How many positions have each index; how many earlier positions have the same. */
export type TallyFn = 'count' | 'rank';
/** Functions of a row: see `TypedExpr`. */
export type RowFn = 'argmax' | 'argmin' | 'largest' | 'nucleus' | 'uniform';
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
      readonly by?: BlockLength;
      readonly range?: string;
      readonly operand: Expr;
      readonly span: Span;
    }
  /** `top[experts -> k](e)`: where the `k` largest lie along `experts`. */
  | {
      readonly kind: 'top';
      readonly fn: SelectFn;
      readonly dim: string;
      /** Dimension of the result in the place of `dim`. */
      readonly slots: string;
      readonly operand: Expr;
      /** What it does not hold for comes after all else. */
      readonly allowed?: Expr;
      readonly span: Span;
    }
  /** `count[tokens, k](experts: e)`, `rank[tokens, k](experts: e)`. */
  | {
      readonly kind: 'tally';
      readonly fn: TallyFn;
      readonly dims: readonly string[];
      /** Dimension that the index lies in. */
      readonly bins: string;
      readonly operand: Expr;
      readonly span: Span;
    }
  /** `scan[experts](e)`: sums of what lies before. */
  | { readonly kind: 'scan'; readonly dim: string; readonly operand: Expr; readonly span: Span }
  /** `argmax[vocab](e)`, `nucleus[vocab](e, weight, share)`. */
  | {
      readonly kind: 'row';
      readonly fn: RowFn;
      readonly dim: string;
      /** `largest[experts by 32](e, k)`: in each block. */
      readonly by?: BlockLength;
      /** `largest[experts/32](e, k)`: of the blocks. */
      readonly blocks?: true;
      readonly args: readonly Expr[];
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
