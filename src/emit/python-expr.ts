/**
 * Tile expressions -> Python text.
 *
 * Every token is a name that the passes chose, a symbol from the import table or a literal printed here: no text of a
 * spec reaches this file. Operators are parenthesised by precedence.
 */

import type { Dtype, UnaryOp } from '../spec/index.js';
import type { Coordinate, StreamHint, TileExpr } from '../ir/tile.js';
import type { ReduceFn } from '../ir/kernel.js';
import type { Helper, Imports } from './imports.js';

interface Text {
  readonly text: string;
  readonly precedence: number;
}

const ATOM = 100;
const UNARY = 14;
const PRECEDENCE: Readonly<Record<string, number>> = {
  '*': 12,
  '/': 12,
  '//': 12,
  '%': 12,
  '+': 11,
  '-': 11,
  '<<': 10,
  '>>': 10,
  '&': 9,
  '^': 8,
  '|': 7,
  '<': 6,
  '<=': 6,
  '>': 6,
  '>=': 6,
  '==': 6,
  '!=': 6,
  and: 4,
  or: 3,
};
const CONDITIONAL = 1;

export class ExprPrinter {
  /** Cache hints of the views printed so far. */
  readonly hints = new Map<string, { readonly load?: StreamHint; readonly store?: StreamHint }>();

  constructor(private readonly imports: Imports) {}

  print(expr: TileExpr): string {
    return this.text(expr).text;
  }

  type(dtype: Dtype): string {
    return this.imports.type(dtype);
  }

  helper(name: Helper): Helper {
    return this.imports.helper(name);
  }

  coordinates(at: readonly Coordinate[]): string {
    return at.map((each) => (each.kind === 'vector' ? 'None' : this.print(each.index))).join(', ');
  }

  /** The store of a vector through a view with a cache hint; undefined where it has none. */
  hintedStore(to: string, at: readonly Coordinate[], value: TileExpr): string | undefined {
    const hint = this.hints.get(to)?.store;
    if (!hint) return undefined;
    const helper = this.imports.helper('store_hinted');
    return `${helper}(${to}[${this.coordinates(at)}], ${this.print(value)}, ${PRIORITY[hint]})`;
  }

  /** A vector of a view on its way into the L2. */
  prefetch(view: string, at: readonly Coordinate[]): string {
    return `${this.imports.helper('prefetch_l2')}(${view}[${this.coordinates(at)}])`;
  }

  private text(expr: TileExpr): Text {
    switch (expr.kind) {
      case 'name':
        return atom(expr.name);
      case 'literal':
        return this.literal(expr.value, expr.dtype);
      case 'element': {
        const at = this.coordinates(expr.at);
        const hint = this.hints.get(expr.of)?.load;
        if (expr.width > 0 && hint)
          return atom(`${this.imports.helper('load_hinted')}(${expr.of}[${at}], ${PRIORITY[hint]})`);
        return atom(expr.width > 0 ? `${expr.of}[${at}].load()` : `${expr.of}[${at}]`);
      }
      case 'iota':
        return atom(`${this.imports.helper('iota')}(${expr.width}, ${this.type(expr.dtype)})`);
      case 'splat':
        return atom(`cute.full((${expr.width},), ${this.print(expr.operand)}, ${this.type(expr.dtype)})`);
      case 'unary':
        return this.unary(expr);
      case 'binary':
        return this.binary(expr);
      case 'compare':
        return this.infix(expr.fn, expr.left, expr.right);
      case 'select':
        return this.select(expr);
      case 'cast':
        return this.cast(expr);
      case 'fold':
        return this.fold(expr);
      case 'combine':
        return this.combine(expr.fn, expr.left, expr.right);
      case 'warp-reduce':
        return this.warpReduce(expr);
      case 'order-key':
        return this.orderKey(expr);
      case 'random-bits': {
        const of = [expr.start, expr.seed, expr.offset].map((each) => this.print(each)).join(', ');
        const bits = `${this.imports.helper('random_bits')}(${of}, ${Math.max(1, expr.width)})`;
        return atom(expr.width > 0 ? bits : `${bits}[0]`);
      }
      case 'share-of':
        return atom(
          `${this.imports.helper('share_of')}(${this.print(expr.total)}, ${this.print(expr.share)})`,
        );
      case 'key-number':
        return atom(`${this.imports.helper('key_number')}(${this.print(expr.operand)})`);
      case 'gap-bin':
      case 'gap-key': {
        const helper = this.imports.helper(expr.kind === 'gap-bin' ? 'gap_bin' : 'gap_key');
        return atom(`${helper}(${this.print(expr.operand)}, ${this.print(expr.top)})`);
      }
      case 'key-position':
        return {
          text: `65535 - (${this.operand(expr.operand, PRECEDENCE['&']!)} & 65535)`,
          precedence: PRECEDENCE['-']!,
        };
      case 'warp-match':
        return atom(`${this.imports.helper('same_lanes')}(${this.print(expr.operand)})`);
      case 'lane-count':
        return atom(
          `${expr.which === 'all' ? 'cute.arch.popc' : this.imports.helper('count_below')}(${this.print(expr.operand)})`,
        );
      case 'warp-scan':
        return atom(`${this.imports.helper('warp_scan')}(${this.print(expr.operand)})`);
      case 'index-mask': {
        const bits = expr.dtype === 'i64' ? 64 : 32;
        const [index, extent] = [expr.operand, expr.extent].map((each) => this.print(each));
        return atom(`${this.imports.helper('index_mask')}(${index}, ${extent}, ${bits})`);
      }
      case 'masked':
        return this.masked(expr);
      case 'cluster-rank':
        return atom('cute.arch.block_idx_in_cluster()');
      case 'cta-index':
        return atom('cute.arch.block_idx()[0]');
      case 'cta-count':
        return atom('cute.arch.grid_dim()[0]');
      case 'thread-index':
        return atom('cute.arch.thread_idx()[0]');
      default:
        expr satisfies never;
        throw new Error('unreachable');
    }
  }

  /** A Python literal; wrapped in its DSL type where the type would not follow from its neighbours. */
  private literal(value: number | boolean, dtype: Dtype): Text {
    if (typeof value === 'boolean' || dtype === 'bool') return atom(value ? 'True' : 'False');
    // A plain number is an i32 to the DSL.
    if (dtype !== 'i32')
      return atom(`${this.type(dtype)}(${INTEGERS.has(dtype) ? value : pythonFloat(value)})`);
    return value < 0 ? { text: String(value), precedence: UNARY } : atom(String(value));
  }

  private operand(expr: TileExpr, precedence: number): string {
    // A literal beside a typed value takes that value's type.
    const { text, precedence: own } = expr.kind === 'literal' ? plainLiteral(expr.value) : this.text(expr);
    return own < precedence ? `(${text})` : text;
  }

  private infix(operator: string, left: TileExpr, right: TileExpr): Text {
    const precedence = PRECEDENCE[operator]!;
    const bothLiteral = left.kind === 'literal' && right.kind === 'literal';
    const a = bothLiteral ? this.print(left) : this.operand(left, precedence);
    // One more on the right: a - (b - c) keeps its parentheses, and comparisons do not chain.
    const b = this.operand(right, precedence + 1);
    const guardLeft = precedence === 6 && left.kind === 'compare' ? `(${a})` : a;
    return { text: `${guardLeft} ${operator} ${b}`, precedence };
  }

  private binary(expr: TileExpr & { kind: 'binary' }): Text {
    const { fn, left, right, width } = expr;
    if (fn === 'min' || fn === 'max')
      return atom(`cute.math.${fn}(${this.widened(left, width)}, ${this.widened(right, width)})`);
    if (fn === '&&') return this.infix(width > 0 ? '&' : 'and', left, right);
    if (fn === '||') return this.infix(width > 0 ? '|' : 'or', left, right);
    if (fn === '<<' || fn === '>>') return this.shift(expr);
    return this.infix(fn === '/' && expr.dtype !== 'f32' ? '//' : fn, left, right);
  }

  /** By a number of places modulo the bits there are. */
  private shift(expr: TileExpr & { kind: 'binary' }): Text {
    const { fn, left, right, dtype, width } = expr;
    const most = dtype === 'i64' ? 63 : 31;
    const counts: TileExpr =
      right.kind === 'literal'
        ? { ...right, value: Number(right.value) & most }
        : {
            ...expr,
            fn: '&',
            left: right,
            right: { kind: 'literal', value: most, dtype, width: 0 },
            width: right.width,
          };
    if (width === 0) return this.infix(fn, left, counts);
    const helper = this.imports.helper('shift_bits');
    const [values, steps] = [this.widened(left, width), this.widened(counts, width)];
    return atom(
      `${helper}(${values}, ${steps}, ${this.type(dtype)}, ${fn === '<<' ? 'True' : 'False'}, ${width})`,
    );
  }

  /** An operand of a function that takes no mix of scalars and vectors. */
  private widened(expr: TileExpr, width: number): string {
    if (width === 0 || expr.width > 0) return this.print(expr);
    return `cute.full((${width},), ${this.print(expr)}, ${this.type(expr.dtype)})`;
  }

  private unary(expr: TileExpr & { kind: 'unary' }): Text {
    const { fn, operand } = expr;
    if (fn === 'neg') return { text: `-${this.operand(operand, UNARY)}`, precedence: UNARY };
    if (fn === 'not')
      return operand.width > 0
        ? this.infix('==', operand, { kind: 'literal', value: false, dtype: 'bool', width: 0 })
        : { text: `not ${this.operand(operand, 5)}`, precedence: 5 };
    const value = this.print(operand);
    switch (fn) {
      case 'rcp':
        return atom(this.reciprocal(value, operand.width));
      case 'rsqrt':
        return atom(
          operand.width > 0
            ? `cute.math.rsqrt(${value})`
            : `${this.imports.helper('refined_rsqrt')}(${value})`,
        );
      case 'sigmoid':
        return atom(this.reciprocal(`1.0 + cute.math.exp(-${this.operand(operand, UNARY)})`, operand.width));
      case 'log':
        return atom(operand.width > 0 ? `cute.math.log(${value}, fastmath=True)` : `cute.math.log(${value})`);
      case 'round':
        return atom(`cute.math.roundeven(${value})`);
      default:
        return atom(`cute.math.${PLAIN_FUNCTIONS[fn]}(${value})`);
    }
  }

  /** For vectors one rcp.approx, which the DSL offers only with denormal results flushed to zero. */
  private reciprocal(value: string, width: number): string {
    return width > 0
      ? `cute.math.rcp(${value}, approx=True, ftz=True)`
      : `${this.imports.helper('refined_rcp')}(${value})`;
  }

  private select(expr: TileExpr & { kind: 'select' }): Text {
    const { condition, then, otherwise, width } = expr;
    if (expr.traced) {
      return {
        text: `${this.operand(then, 2)} if ${this.print(condition)} else ${this.operand(otherwise, CONDITIONAL)}`,
        precedence: CONDITIONAL,
      };
    }
    if (width > 0) {
      const of = (arm: TileExpr) => this.widened(arm, width);
      const test =
        condition.width > 0
          ? this.print(condition)
          : `cute.full((${width},), ${this.print(condition)}, ${this.imports.use('Boolean')})`;
      return atom(`cute.where(${test}, ${of(then)}, ${of(otherwise)})`);
    }
    const type = this.type(expr.dtype);
    return atom(
      `${type}(cutlass.select_(${this.print(condition)}, ${type}(${this.print(then)}), ${type}(${this.print(otherwise)})))`,
    );
  }

  private cast(expr: TileExpr & { kind: 'cast' }): Text {
    const { operand, dtype, width } = expr;
    const type = this.type(dtype);
    if (operand.dtype === 'bool') {
      const one = `${type}(${dtype === 'f32' ? '1.0' : '1'})`;
      const zero = `${type}(${dtype === 'f32' ? '0.0' : '0'})`;
      if (width > 0)
        return atom(
          `cute.where(${this.print(operand)}, cute.full((${width},), ${one}, ${type}), cute.full((${width},), ${zero}, ${type}))`,
        );
      return atom(`${type}(cutlass.select_(${this.print(operand)}, ${one}, ${zero}))`);
    }
    let value = this.print(operand);
    if (operand.dtype === 'f32') value = this.rounded(value, expr);
    if (width > 0) return atom(`${this.receiver(operand, value)}.to(${type})`);
    return atom(`${type}(${value})`);
  }

  private receiver(operand: TileExpr, value: string): string {
    return this.text(operand).precedence < ATOM && value === this.print(operand) ? `(${value})` : value;
  }

  /** Rounding and saturation that come before a conversion from f32. */
  private rounded(value: string, expr: TileExpr & { kind: 'cast' }): string {
    const { dtype, rounding, saturate, width } = expr;
    if (INTEGERS.has(dtype)) {
      const range = NARROW_RANGES[dtype];
      const whole = {
        rn: `cute.math.roundeven(${value})`,
        rm: `cute.math.floor(${value})`,
        rp: `cute.math.ceil(${value})`,
        rz: value,
      }[rounding];
      return saturate && range ? this.clamped(whole, range, width) : whole;
    }
    if (dtype === 'bf16' && rounding === 'rz') return this.truncated(value, width);
    const largest = FLOAT_LARGEST[dtype];
    return saturate && largest !== undefined ? this.clamped(value, [-largest, largest], width) : value;
  }

  private clamped(value: string, [low, high]: readonly [number, number], width: number): string {
    const f32 = this.type('f32');
    const bound = (limit: number) =>
      width > 0 ? `cute.full((${width},), ${pythonFloat(limit)}, ${f32})` : `${f32}(${pythonFloat(limit)})`;
    return `cute.math.min(cute.math.max(${value}, ${bound(low)}), ${bound(high)})`;
  }

  /** bf16 is the high half of f32: clearing the low half rounds toward zero. */
  private truncated(value: string, width: number): string {
    const [i32, f32] = [this.type('i32'), this.type('f32')];
    return width > 0
      ? `((${value}).bitcast(${i32}) & -65536).bitcast(${f32})`
      : `((${f32}(${value})).bitcast(${i32}) & -65536).bitcast(${f32})`;
  }

  private masked({ operand, mask, width }: TileExpr & { kind: 'masked' }): Text {
    if (width === 0) return this.infix('&', operand, mask);
    return atom(
      `${this.imports.helper('masked')}(${this.type('i32')}(${this.print(mask)}), ${this.print(operand)})`,
    );
  }

  private fold(expr: TileExpr & { kind: 'fold' }): Text {
    const { fn, operand, initial } = expr;
    const helper = this.imports.helper(`fold_${fn}`);
    const folded = atom(`${helper}(${this.print(operand)}, ${operand.width})`);
    return initial.kind === 'literal' ? folded : this.combined(fn, this.text(initial), folded);
  }

  private combined(fn: ReduceFn, left: Text, right: Text): Text {
    if (fn === 'sum') return { text: `${left.text} + ${right.text}`, precedence: PRECEDENCE['+']! };
    return atom(`cute.math.${fn}(${left.text}, ${right.text}, propagate_nan=True)`);
  }

  private combine(fn: ReduceFn, left: TileExpr, right: TileExpr): Text {
    if (fn === 'sum') return this.infix('+', left, right);
    return atom(`cute.math.${fn}(${this.print(left)}, ${this.print(right)}, propagate_nan=True)`);
  }

  private orderKey(expr: TileExpr & { kind: 'order-key' }): Text {
    const key = this.imports.helper('order_key');
    const value = this.print(expr.operand);
    const order = expr.ascending ? 'True' : 'False';
    if (expr.width > 0)
      return atom(`${this.imports.helper('order_keys')}(${value}, ${order}, ${expr.width})`);
    if (!expr.position) return atom(`${key}(${value}, ${order})`);
    return atom(`${this.imports.helper('placed_key')}(${value}, ${this.print(expr.position)}, ${order})`);
  }

  private warpReduce(expr: TileExpr & { kind: 'warp-reduce' }): Text {
    // Integers have an instruction for a whole warp.
    const isInteger = expr.dtype === 'i32';
    if (isInteger && expr.threads === 32) {
      const fn = expr.fn === 'sum' ? 'add' : expr.fn;
      return atom(`cute.arch.warp_redux_sync(${this.print(expr.operand)}, "${fn}")`);
    }
    const helper = this.imports.helper(
      isInteger ? (expr.fn === 'max' ? 'largest_of' : 'least_of') : `reduce_${expr.fn}`,
    );
    return atom(`${helper}(${this.print(expr.operand)}, ${expr.threads}, ${expr.stride})`);
  }
}

const PLAIN_FUNCTIONS: Readonly<
  Record<Exclude<UnaryOp, 'neg' | 'not' | 'rcp' | 'rsqrt' | 'sigmoid' | 'round'>, string>
> = {
  abs: 'abs',
  sqrt: 'sqrt',
  exp: 'exp',
  log: 'log',
  tanh: 'tanh',
  erf: 'erf',
  erfc: 'erfc',
  sin: 'sin',
  cos: 'cos',
  floor: 'floor',
  ceil: 'ceil',
};

const PRIORITY: Readonly<Record<StreamHint, string>> = {
  'evict-first': 'cute.nvgpu.CacheEvictionPriority.EVICT_FIRST',
  'no-allocate': 'cute.nvgpu.CacheEvictionPriority.NO_ALLOCATE',
};

const INTEGERS: ReadonlySet<Dtype> = new Set(['i8', 'u8', 'i32', 'i64']);

/** Integers that are narrower than what the conversion instructions give; those saturate to i32 and i64 themselves. */
const NARROW_RANGES: Readonly<Partial<Record<Dtype, readonly [number, number]>>> = {
  i8: [-128, 127],
  u8: [0, 255],
};

/** Largest finite numbers; casts to the 8-bit floats saturate in hardware. */
const FLOAT_LARGEST: Readonly<Partial<Record<Dtype, number>>> = { bf16: 3.3895313892515355e38, f16: 65504 };

const atom = (text: string): Text => ({ text, precedence: ATOM });

function plainLiteral(value: number | boolean): Text {
  if (typeof value === 'boolean') return atom(value ? 'True' : 'False');
  const text = Number.isInteger(value) && Math.abs(value) < 2 ** 53 ? String(value) : pythonFloat(value);
  return text.startsWith('-') ? { text, precedence: UNARY } : atom(text);
}

export function pythonFloat(value: number): string {
  if (value === Infinity) return 'float("inf")';
  if (value === -Infinity) return 'float("-inf")';
  if (Number.isNaN(value)) return 'float("nan")';
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
