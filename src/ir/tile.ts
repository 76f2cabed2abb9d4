/**
 * The tile form: the statements one thread runs, with every decision made. The printer renders each node as it stands.
 *
 * Names are Python-safe identifiers chosen by the passes. An expression is a scalar (`width` 0) or a vector of `width`
 * elements; a vector is what a thread handles at once.
 */

import type { BinaryOp, CompareOp, Dtype, Rounding, UnaryOp } from '../spec/index.js';
import type { Layout } from '../layout/index.js';
import type { Place } from '../util/errors.js';

export type ReduceFn = 'sum' | 'max' | 'min';

export interface TileType {
  readonly dtype: Dtype;
  /** Elements of a vector; 0 for a scalar. */
  readonly width: number;
}

/** One coordinate into a fragment or view: a scalar expression, or the whole vector mode. */
export type Coordinate = { readonly kind: 'vector' } | { readonly kind: 'at'; readonly index: TileExpr };

export type TileExpr = TileType &
  (
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'literal'; readonly value: number | boolean }
    /** Elements of a fragment or of a tensor view. */
    | { readonly kind: 'element'; readonly of: string; readonly at: readonly Coordinate[] }
    /** 0, 1, ... width - 1. */
    | { readonly kind: 'iota' }
    /** A scalar repeated. */
    | { readonly kind: 'splat'; readonly operand: TileExpr }
    | { readonly kind: 'unary'; readonly fn: UnaryOp; readonly operand: TileExpr }
    | { readonly kind: 'binary'; readonly fn: BinaryOp; readonly left: TileExpr; readonly right: TileExpr }
    | { readonly kind: 'compare'; readonly fn: CompareOp; readonly left: TileExpr; readonly right: TileExpr }
    | {
        readonly kind: 'select';
        readonly condition: TileExpr;
        readonly then: TileExpr;
        readonly otherwise: TileExpr;
        /** The condition is known while the module is traced: a Python conditional. */
        readonly traced: boolean;
      }
    | {
        readonly kind: 'cast';
        readonly operand: TileExpr;
        readonly rounding: Rounding;
        readonly saturate: boolean;
      }
    /** A vector's elements and a scalar folded into a scalar. */
    | {
        readonly kind: 'fold';
        readonly fn: ReduceFn;
        readonly operand: TileExpr;
        readonly initial: TileExpr;
      }
    /** Combine two values of a reduction; maxima and minima propagate NaN. */
    | { readonly kind: 'combine'; readonly fn: ReduceFn; readonly left: TileExpr; readonly right: TileExpr }
    /** Butterfly over groups of `threads` lanes, `stride` lanes apart; every lane gets the result. */
    | {
        readonly kind: 'warp-reduce';
        readonly fn: ReduceFn;
        readonly operand: TileExpr;
        readonly threads: number;
        readonly stride: number;
      }
    /**
     * An f32 as an i32 of the same order: NaN above every number, -0 as 0; `ascending` turns the order round. With a
     * `position` below 2^16 the low half of the key gives way to it, the lower position being the larger key: exact for
     * values that a bf16 holds.
     */
    | {
        readonly kind: 'order-key';
        readonly operand: TileExpr;
        readonly ascending: boolean;
        readonly position?: TileExpr;
      }
    /**
     * The bin of a key by how far below `top` it lies: 2047 for keys within 256 of it, and 64 bins for each doubling of the gap
     * after that, so that bins are narrow where the leading elements of most rows are.
     */
    | { readonly kind: 'gap-bin'; readonly operand: TileExpr; readonly top: TileExpr }
    /** A key that no key of a `gap-bin` from `operand` on is below. */
    | { readonly kind: 'gap-key'; readonly operand: TileExpr; readonly top: TileExpr }
    /** The number of an `order-key` in which the largest leads. */
    | { readonly kind: 'key-number'; readonly operand: TileExpr }
    /** The position in a key that has one. */
    | { readonly kind: 'key-position'; readonly operand: TileExpr }
    /** The mask of the warp's lanes with the same i32. */
    | { readonly kind: 'warp-match'; readonly operand: TileExpr }
    /** How many lanes a mask has: all, or those below this one. */
    | { readonly kind: 'lane-count'; readonly which: 'all' | 'below'; readonly operand: TileExpr }
    /** Sum over the lanes of the warp up to this one, i32. */
    | { readonly kind: 'warp-scan'; readonly operand: TileExpr }
    /** An integer whose bits are all 1 where 0 <= operand < extent, else all 0: arithmetic, not a condition. */
    | { readonly kind: 'index-mask'; readonly operand: TileExpr; readonly extent: TileExpr }
    /** The bits of an index or of a vector of loads that a mask leaves. */
    | { readonly kind: 'masked'; readonly operand: TileExpr; readonly mask: TileExpr }
    /** Philox bits of positions `start`, `start` + 1, ...: as many as the vector has. */
    | {
        readonly kind: 'random-bits';
        readonly start: TileExpr;
        readonly seed: TileExpr;
        readonly offset: TileExpr;
      }
    /** `share` (f32) of `total` (i64), rounded up, at least 1; the product is one of float64. */
    | { readonly kind: 'share-of'; readonly total: TileExpr; readonly share: TileExpr }
    /** Rank of this CTA in its cluster. */
    | { readonly kind: 'cluster-rank' }
    | { readonly kind: 'cta-index' }
    | { readonly kind: 'cta-count' }
    | { readonly kind: 'thread-index' }
  );

/** Where a vector that is moved once should not stay: it leaves the caches first, or never enters the L1. */
export type StreamHint = 'evict-first' | 'no-allocate';

export type Storage = 'registers' | 'shared';

export type Statement = { readonly span?: Place; readonly comment?: string } & (
  | { readonly kind: 'let'; readonly name: string; readonly value: TileExpr }
  /** A new value for a name that a loop or branch carries. */
  | { readonly kind: 'assign'; readonly name: string; readonly value: TileExpr }
  /** Registers of this thread, or its own part of a shared region. */
  | {
      readonly kind: 'fragment';
      readonly name: string;
      readonly dtype: Dtype;
      readonly shape: readonly number[];
      /** Fill value; absent: undefined until written. */
      readonly fill?: number;
    }
  /** This thread's own part of a shared region: element (thread, i...) at `layout`. */
  | {
      readonly kind: 'shared-fragment';
      readonly name: string;
      readonly region: string;
      readonly layout: Layout;
    }
  /** A view of one row of a tensor: pointer plus `offset` elements, with a (lane, vector, tiles...) layout. */
  | {
      readonly kind: 'view';
      readonly name: string;
      readonly tensor: string;
      readonly dtype: Dtype;
      /** i64; absent: 0. */
      readonly offset?: TileExpr;
      /** `offset` is a multiple of this many elements. */
      readonly multipleOf: number;
      readonly layout: Layout;
      readonly shape: string;
      /** Cache hints of the vectors moved through this view. */
      readonly load?: StreamHint;
      readonly store?: StreamHint;
    }
  /** Into a fragment, shared region or view. */
  | {
      readonly kind: 'store';
      readonly to: string;
      readonly at: readonly Coordinate[];
      readonly value: TileExpr;
    }
  /** Unrolled while the module is traced. */
  | {
      readonly kind: 'unroll';
      readonly variable: string;
      readonly extent: number;
      readonly body: readonly Statement[];
    }
  | {
      readonly kind: 'loop';
      readonly variable: string;
      readonly begin: TileExpr;
      readonly end: TileExpr;
      readonly step: TileExpr;
      /** Copies of the body the compiler may lay side by side. */
      readonly unroll: number;
      readonly body: readonly Statement[];
    }
  | {
      readonly kind: 'if';
      readonly condition: TileExpr;
      readonly then: readonly Statement[];
      readonly otherwise?: readonly Statement[];
    }
  /** Write `value` to element `index` of a shared region in every CTA of the cluster. */
  | {
      readonly kind: 'cluster-store';
      readonly to: string;
      readonly index: TileExpr;
      readonly value: TileExpr;
      readonly cluster: number;
    }
  /** Adds to element `index` of a shared i32 region, in any order of threads; `result` is what it held before. */
  | {
      readonly kind: 'shared-add';
      readonly to: string;
      readonly index: TileExpr;
      readonly value: TileExpr;
      readonly result?: string;
    }
  | { readonly kind: 'warp-barrier' }
  /** Adds an i64 of every thread of the row, over the cluster too. */
  | {
      readonly kind: 'row-total';
      readonly name: string;
      readonly value: TileExpr;
      readonly sums: string;
      readonly share: string;
      readonly cluster: number;
      readonly threads: number;
    }
  /**
   * Where, from the highest bin down, the sum of a row's bins reaches `need`: `found` = (bin, sum before it, sum of it), the last
   * 0 where it is never reached. Waits for what the cluster's threads have added to the bins of this phase, and empties those
   * of the other.
   */
  | {
      readonly kind: 'search-bins';
      readonly bins: string;
      readonly sums: string;
      readonly found: string;
      readonly phase: TileExpr;
      /** i64. */
      readonly need: TileExpr;
      /** Of masses, bits that the upper of a bin's two words stands above the lower one; 0 where bins are counts of one word. */
      readonly upper: number;
      readonly cluster: number;
      readonly threads: number;
    }
  /**
   * Puts the lists of the cluster's other CTAs behind each CTA's own, `count` entries in all of `parts`, where all have at most
   * `most` together; `name` is how many those are. Waits for what the cluster's threads have listed.
   */
  | {
      readonly kind: 'gather-list';
      readonly name: string;
      readonly parts: readonly string[];
      readonly count: string;
      readonly most: number;
      readonly cluster: number;
      readonly threads: number;
    }
  | { readonly kind: 'barrier' }
  /** Both halves, or one: who arrives goes on, and waits for the others later. */
  | { readonly kind: 'cluster-barrier'; readonly half?: 'arrive' | 'wait' }
  /** Brings a vector of a view into the L2; it may be written by another kernel until it is loaded. */
  | { readonly kind: 'prefetch'; readonly of: string; readonly at: readonly Coordinate[] }
  | { readonly kind: 'dependent-wait' }
  | { readonly kind: 'dependent-launch' }
);

// ------------------------------------------------------------ small builders

export const name = (name: string, dtype: Dtype, width = 0): TileExpr => ({
  kind: 'name',
  name,
  dtype,
  width,
});
/** Rank of this CTA in its cluster. */
export const clusterRank: TileExpr = { kind: 'cluster-rank', dtype: 'i32', width: 0 };

export const literal = (value: number | boolean, dtype: Dtype): TileExpr => ({
  kind: 'literal',
  value,
  dtype,
  width: 0,
});
export const i32 = (value: number): TileExpr => literal(value, 'i32');

/** `left fn right`, folding what literals decide; both have the same dtype and width. */
export function arith(fn: '+' | '-' | '*' | '/' | '%', left: TileExpr, right: TileExpr): TileExpr {
  if (right.kind === 'literal') {
    if ((fn === '+' || fn === '-') && right.value === 0) return left;
    if ((fn === '*' || fn === '/') && right.value === 1) return left;
    if (fn === '%' && right.value === 1) return { ...right, value: 0 };
    if (fn === '*' && right.value === 0) return right;
  }
  if (left.kind === 'literal') {
    if (fn === '+' && left.value === 0) return right;
    if (fn === '*' && left.value === 1) return right;
    if ((fn === '*' || fn === '/' || fn === '%') && left.value === 0) return left;
    if (right.kind === 'literal') {
      const [a, b] = [Number(left.value), Number(right.value)];
      const folded = {
        '+': a + b,
        '-': a - b,
        '*': a * b,
        '/': Math.floor(a / b),
        '%': a - Math.floor(a / b) * b,
      }[fn];
      return { ...left, value: folded };
    }
  }
  return { kind: 'binary', fn, left, right, dtype: left.dtype, width: Math.max(left.width, right.width) };
}

/** An integer as i64. */
export function wide(operand: TileExpr): TileExpr {
  if (operand.dtype === 'i64') return operand;
  if (operand.kind === 'literal') return { ...operand, dtype: 'i64' };
  return { kind: 'cast', operand, rounding: 'rn', saturate: false, dtype: 'i64', width: operand.width };
}

export function compare(fn: CompareOp, left: TileExpr, right: TileExpr): TileExpr {
  return { kind: 'compare', fn, left, right, dtype: 'bool', width: Math.max(left.width, right.width) };
}

/** Conjunction of conditions; undefined where there is none. */
export function all(conditions: readonly TileExpr[]): TileExpr | undefined {
  return conditions.reduce<TileExpr | undefined>(
    (left, right) =>
      left
        ? { kind: 'binary', fn: '&&', left, right, dtype: 'bool', width: Math.max(left.width, right.width) }
        : right,
    undefined,
  );
}

/** `body` under `condition`, or as it is without one. */
export function guarded(condition: TileExpr | undefined, body: readonly Statement[]): readonly Statement[] {
  return condition && body.length > 0 ? [{ kind: 'if', condition, then: body }] : body;
}

/** Whether a statement, or one that it holds, is as `test` says. */
export function someWithin(statement: Statement, test: (each: Statement) => boolean): boolean {
  if (test(statement)) return true;
  const inner =
    statement.kind === 'if'
      ? [...statement.then, ...(statement.otherwise ?? [])]
      : statement.kind === 'loop' || statement.kind === 'unroll'
        ? statement.body
        : [];
  return inner.some((each) => someWithin(each, test));
}

/** Expressions that `expr` is made of. */
export function expressionsOf(expr: TileExpr): readonly TileExpr[] {
  switch (expr.kind) {
    case 'name':
    case 'literal':
    case 'iota':
    case 'cluster-rank':
    case 'cta-index':
    case 'cta-count':
    case 'thread-index':
      return [];
    case 'element':
      return expr.at.flatMap((coordinate) => (coordinate.kind === 'at' ? [coordinate.index] : []));
    case 'splat':
    case 'unary':
    case 'cast':
    case 'warp-reduce':
    case 'key-number':
    case 'key-position':
    case 'warp-match':
    case 'lane-count':
    case 'warp-scan':
      return [expr.operand];
    case 'random-bits':
      return [expr.start, expr.seed, expr.offset];
    case 'share-of':
      return [expr.total, expr.share];
    case 'gap-bin':
    case 'gap-key':
      return [expr.operand, expr.top];
    case 'order-key':
      return expr.position ? [expr.operand, expr.position] : [expr.operand];
    case 'index-mask':
      return [expr.operand, expr.extent];
    case 'masked':
      return [expr.operand, expr.mask];
    case 'fold':
      return [expr.operand, expr.initial];
    case 'binary':
    case 'compare':
    case 'combine':
      return [expr.left, expr.right];
    case 'select':
      return [expr.condition, expr.then, expr.otherwise];
    default:
      expr satisfies never;
      return [];
  }
}
