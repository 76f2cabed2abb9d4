/** An expression as parsed -> a typed one: names resolved, flags folded, casts explicit, dtypes equal where they meet. */

import { RoseError, type Place } from '../../util/errors.js';
import { FUNCTIONS, unknownName } from '../names.js';
import type {
  BinaryOp,
  BoundIndex,
  CompareOp,
  Dtype,
  Expr,
  IndexEntry,
  TypedExpr,
  UnaryOp,
} from '../types.js';
import { missingAxis, showAxes, unionAxes } from './axes.js';
import { cast } from './casts.js';
import { typeError, unsupported } from './errors.js';
import { checkIndex, remap } from './indices.js';
import { checkReduce } from './reductions.js';
import type { Scope, TensorView } from './scope.js';
import { decide } from './static-flags.js';

const ARITHMETIC: readonly Dtype[] = ['f32', 'i32', 'i64'];
const COMPARISONS: readonly string[] = ['==', '!=', '<', '<=', '>', '>='];

export class ExprChecker {
  /** Inside the index of an entry a dimension's name is its position. */
  private entryDepth = 0;

  constructor(readonly scope: Scope) {}

  /** The typed form; a literal takes the dtype `hint` where it can. Raises FORMULA_TYPE, FORMULA_NAME. */
  check(expr: Expr, hint?: Dtype): TypedExpr {
    switch (expr.kind) {
      case 'number':
        return this.number(expr.value, expr.integer, hint, expr.span);
      case 'name':
        return this.name(expr.name, expr.span);
      case 'unary':
        return this.negation(expr, hint);
      case 'binary':
        return this.binary(expr, hint);
      case 'call':
        return this.call(expr, hint);
      case 'reduce':
        return checkReduce(this, expr);
      case 'index':
        return this.index(expr.operand, expr.entries, expr.span);
      default:
        expr satisfies never;
        throw new Error('unreachable');
    }
  }

  /** The indices of `[dim: index, ...]`, checked against the dimensions of a tensor. */
  entries(view: TensorView, entries: readonly IndexEntry[]): readonly BoundIndex[] {
    return this.eachEntry(entries, (entry) => {
      const mode = view.modes.find(({ dim }) => dim === entry.dim);
      if (!mode) {
        this.scope.dim(entry.dim, entry.span);
        const dims = view.modes.map(({ axis }) => axis);
        throw unknownName(
          'FORMULA_NAME',
          `dimension of ${view.decl.name} called`,
          entry.dim,
          dims,
          entry.span,
        );
      }
      if (mode.by > 1) {
        throw unsupported(
          `${view.decl.name} has blocks of ${mode.dim}, which cannot be indexed`,
          `${mode.axis} at an index`,
          'an index along a whole dimension',
          `declare a dimension \`${mode.dim}_blocks: ${mode.dim} / ${mode.by}\` and use it in the shape`,
          entry.span,
        );
      }
      const index = this.position(entry);
      checkIndex(this.scope, index, mode.dim, mode.extra, entry.span);
      return { dim: mode.dim, index };
    });
  }

  private eachEntry<T>(entries: readonly IndexEntry[], use: (entry: IndexEntry) => T): readonly T[] {
    return entries.map((entry, i) => {
      if (entries.findIndex(({ dim }) => dim === entry.dim) !== i) {
        throw typeError(
          `${entry.dim} is indexed twice`,
          entry.dim,
          'each dimension once',
          'remove one of the two',
          entry.span,
        );
      }
      return use(entry);
    });
  }

  /** The value of an entry's index: i32 or i64. */
  private position(entry: IndexEntry): TypedExpr {
    this.entryDepth += 1;
    const index = this.check(entry.index);
    this.entryDepth -= 1;
    if (index.dtype === 'i32' || index.dtype === 'i64') return index;
    throw typeError(
      `the index along ${entry.dim} is no integer`,
      index.dtype,
      'i32 or i64',
      index.dtype === 'f32' ? 'write i32.rz(x)' : 'write i32(x)',
      index.span,
    );
  }

  private number(value: number, integer: boolean, hint: Dtype | undefined, span: Place): TypedExpr {
    const wide = value > 2 ** 31 - 1;
    const dtype =
      hint !== undefined && ARITHMETIC.includes(hint) ? hint : !integer ? 'f32' : wide ? 'i64' : 'i32';
    if (!integer && dtype !== 'f32') {
      throw typeError(
        `${value} meets ${dtype}`,
        `${value}`,
        'a whole number',
        'write a whole number, or cast the other side to f32',
        span,
      );
    }
    if (dtype === 'i32' && wide) {
      throw typeError(
        `${value} does not fit i32`,
        `${value}`,
        'at most 2147483647',
        'cast the other side to i64',
        span,
      );
    }
    return { kind: 'literal', value, dtype, axes: [], span };
  }

  private name(name: string, span: Place): TypedExpr {
    const { scope } = this;
    const decided = decide({ kind: 'name', name, span }, scope.choice.flags);
    if (decided !== undefined) return { kind: 'literal', value: decided, dtype: 'bool', axes: [], span };
    const local = scope.locals.get(name);
    if (local instanceof RoseError) throw local;
    if (local) return { kind: 'local', name, dtype: local.dtype, axes: local.axes, span };
    const param = scope.param(name, span);
    if (param) return { kind: 'param', name, dtype: param, axes: [], span };
    const tensor = scope.tensor(name, span);
    if (tensor) return this.load(tensor, [], span);
    if (this.entryDepth > 0 && scope.isDim(name)) return this.positionAlong(name, span);
    if (!scope.isDim(name) && scope.dtype(name) === undefined) {
      const known = [...scope.locals.keys(), ...scope.spec.params, ...scope.spec.tensors].map((each) =>
        typeof each === 'string' ? each : each.name,
      );
      throw unknownName('FORMULA_NAME', 'tensor, param or local', name, known, span);
    }
    throw typeError(
      `${name} is no value`,
      scope.isDim(name) ? `${name} is a dimension` : `${name} is a type`,
      'a tensor, a param or a local',
      scope.isDim(name)
        ? `write index(${name}) for the position, size(${name}) for the extent`
        : `write ${name}(x)`,
      span,
    );
  }

  private positionAlong(dim: string, span: Place): TypedExpr {
    this.scope.dim(dim, span);
    return { kind: 'position', dim, dtype: this.scope.isDynamic(dim) ? 'i64' : 'i32', axes: [dim], span };
  }

  private load(view: TensorView, indices: readonly BoundIndex[], span: Place): TypedExpr {
    const { decl, dtype, modes } = view;
    if (decl.access === 'out') {
      throw typeError(
        `${decl.name} is an output and cannot be read`,
        'access: out',
        'an input, or a local',
        'give the value that is written a name and use that, or declare the tensor `access: inout`',
        span,
      );
    }
    const lists = modes.map(
      ({ axis, dim }) => indices.find((index) => index.dim === dim)?.index.axes ?? [axis],
    );
    return { kind: 'load', tensor: decl.name, indices, dtype, axes: unionAxes(lists, span), span };
  }

  private index(operand: Expr, entries: readonly IndexEntry[], span: Place): TypedExpr {
    const view = operand.kind === 'name' ? this.scope.tensor(operand.name, operand.span) : undefined;
    if (view) return this.load(view, this.entries(view, entries), span);
    const value = this.check(operand);
    const indices = this.eachEntry(entries, (entry) => {
      this.scope.dim(entry.dim, entry.span);
      return { dim: entry.dim, index: this.position(entry), span: entry.span };
    });
    return indices.reduce(
      (inner, entry) => remap(this.scope, inner, entry.dim, entry.index, entry.span),
      value,
    );
  }

  private negation(expr: Expr & { kind: 'unary' }, hint: Dtype | undefined): TypedExpr {
    const { op, span } = expr;
    if (op === 'not') {
      const decided = decide(expr, this.scope.choice.flags);
      if (decided !== undefined) return { kind: 'literal', value: decided, dtype: 'bool', axes: [], span };
      const operand = this.condition(expr.operand, '!');
      return { kind: 'unary', op, operand, dtype: 'bool', axes: operand.axes, span };
    }
    const operand = this.check(expr.operand, hint);
    this.requireArithmetic([operand], '-', span);
    if (operand.kind === 'literal') return { ...operand, value: -operand.value, span };
    return { kind: 'unary', op, operand, dtype: operand.dtype, axes: operand.axes, span };
  }

  private binary(expr: Expr & { kind: 'binary' }, hint: Dtype | undefined): TypedExpr {
    const { op, span } = expr;
    if (op === '&&' || op === '||') return this.logical(expr, op);
    const compares = COMPARISONS.includes(op);
    const [left, right] = this.pair(expr.left, expr.right, compares ? undefined : hint);
    this.requireArithmetic([left, right], op, span);
    if (compares) {
      const axes = unionAxes([left.axes, right.axes], span);
      return { kind: 'compare', op: op as CompareOp, left, right, dtype: 'bool', axes, span };
    }
    if (op === '%' && left.dtype === 'f32') {
      throw typeError(
        '% is defined on integers alone',
        'f32 % f32',
        'i32 or i64',
        'write x - floor(x / y) * y',
        span,
      );
    }
    return this.combine(op as BinaryOp, left, right, span);
  }

  private combine(op: BinaryOp, left: TypedExpr, right: TypedExpr, span: Place): TypedExpr {
    return {
      kind: 'binary',
      op,
      left,
      right,
      dtype: left.dtype,
      axes: unionAxes([left.axes, right.axes], span),
      span,
    };
  }

  /** What flags decide is folded, and the side that then means nothing is not looked at. */
  private logical(expr: Expr & { kind: 'binary' }, op: '&&' | '||'): TypedExpr {
    const { flags } = this.scope.choice;
    const decided = decide(expr, flags);
    if (decided !== undefined) {
      return { kind: 'literal', value: decided, dtype: 'bool', axes: [], span: expr.span };
    }
    if (decide(expr.left, flags) !== undefined) return this.condition(expr.right, op);
    if (decide(expr.right, flags) !== undefined) return this.condition(expr.left, op);
    return this.combine(op, this.condition(expr.left, op), this.condition(expr.right, op), expr.span);
  }

  /** A bool. `of` names the form that needs it. */
  condition(expr: Expr, of: string): TypedExpr {
    const value = this.check(expr);
    if (value.dtype === 'bool') return value;
    throw typeError(
      `${of} needs a condition`,
      value.dtype,
      'bool',
      'write a comparison, such as x != 0',
      value.span,
    );
  }

  /** Two operands of one dtype: a literal takes that of the other side. */
  private pair(left: Expr, right: Expr, hint: Dtype | undefined): readonly [TypedExpr, TypedExpr] {
    const [plainLeft, plainRight] = [isLiteral(left), isLiteral(right)];
    if (plainLeft && !plainRight) {
      const second = this.check(right, hint);
      return [this.check(left, second.dtype), second];
    }
    const both = plainLeft && plainRight && (hasPoint(left) || hasPoint(right)) ? 'f32' : undefined;
    const first = this.check(left, hint ?? both);
    return [first, this.check(right, first.dtype)];
  }

  private requireArithmetic(values: readonly TypedExpr[], op: string, span: Place): void {
    const dtypes = values.map(({ dtype }) => dtype);
    const actual = dtypes.length === 1 ? `${op} ${dtypes[0]!}` : dtypes.join(` ${op} `);
    const odd = values.find(({ dtype }) => !ARITHMETIC.includes(dtype));
    if (odd) {
      const wanted = ['bool', 'i8', 'u8'].includes(odd.dtype) ? 'i32' : 'f32';
      throw typeError(
        `${op} is not defined on ${odd.dtype}`,
        actual,
        'f32, i32 or i64 on both sides',
        odd.dtype === 'bool' ? 'use && || ! on conditions' : `write ${wanted}(${nameOf(odd)})`,
        span,
      );
    }
    if (dtypes.length === 2 && dtypes[0] !== dtypes[1]) {
      const narrow = dtypes[0] === 'i32' || dtypes[1] === 'f32' ? values[0]! : values[1]!;
      const other = narrow === values[0] ? dtypes[1]! : dtypes[0]!;
      throw typeError(
        `${op} meets two dtypes`,
        actual,
        'the same dtype on both sides',
        `write ${other}(${nameOf(narrow)})`,
        span,
      );
    }
  }

  private call(expr: Expr & { kind: 'call' }, hint: Dtype | undefined): TypedExpr {
    const { name, modes, args, span } = expr;
    const { scope } = this;
    const dtype = scope.dtype(name);
    const isCast = dtype !== undefined && !isFunction(name);
    if (!isCast && modes.length > 0) {
      throw typeError(
        `${name} takes no modes`,
        `${name}.${modes.join('.')}`,
        name,
        `write ${name}(...)`,
        span,
      );
    }
    if (isCast) {
      this.requireCount(expr, 1, `${name}(x)`);
      const plain = ARITHMETIC.includes(dtype) ? dtype : dtype === 'bool' || isInteger(dtype) ? 'i32' : 'f32';
      // A literal is made in the cast's own dtype where its digits allow that.
      const literal = isLiteral(args[0]!) && !(plain !== 'f32' && hasPoint(args[0]!));
      return cast(this.check(args[0]!, literal ? plain : undefined), dtype, modes, span);
    }
    switch (name) {
      case 'select':
        return this.select(expr, hint);
      case 'index':
      case 'size': {
        this.requireCount(expr, 1, `${name}(dimension)`);
        const dim = args[0]!;
        if (dim.kind !== 'name') {
          throw typeError(
            `${name} takes a dimension`,
            dim.kind,
            `${name}(dimension)`,
            'name a dimension',
            dim.span,
          );
        }
        scope.dim(dim.name, dim.span);
        if (name === 'index') return this.positionAlong(dim.name, span);
        return {
          kind: 'extent',
          dim: dim.name,
          dtype: scope.isDynamic(dim.name) ? 'i64' : 'i32',
          axes: [],
          span,
        };
      }
      case 'min':
      case 'max': {
        this.requireCount(expr, 2, `${name}(a, b), or ${name}[dimension](x)`);
        const [left, right] = this.pair(args[0]!, args[1]!, hint);
        this.requireArithmetic([left, right], name, span);
        return this.combine(name, left, right, span);
      }
      case 'sum':
      case 'mean':
        throw typeError(
          `${name} lacks its dimension`,
          `${name}(...)`,
          `${name}[dimension](x)`,
          'name the dimension to reduce',
          span,
        );
      default: {
        this.requireCount(expr, 1, `${name}(x)`);
        const operand = this.check(args[0]!, 'f32');
        if (operand.dtype !== 'f32') {
          throw typeError(
            `${name} is defined on f32 alone`,
            operand.dtype,
            'f32',
            `write f32(${nameOf(operand)})`,
            operand.span,
          );
        }
        return { kind: 'unary', op: name as UnaryOp, operand, dtype: 'f32', axes: operand.axes, span };
      }
    }
  }

  private select(expr: Expr & { kind: 'call' }, hint: Dtype | undefined): TypedExpr {
    this.requireCount(expr, 3, 'select(condition, a, b)');
    const [condition, a, b] = expr.args as readonly [Expr, Expr, Expr];
    const decided = decide(condition, this.scope.choice.flags);
    if (decided !== undefined) return this.check(decided ? a : b, hint);
    const test = this.condition(condition, 'select');
    const [then, otherwise] = this.pair(a, b, hint);
    if (then.dtype !== otherwise.dtype) {
      throw typeError(
        'the arms of select differ in dtype',
        `${then.dtype} and ${otherwise.dtype}`,
        'one dtype',
        `write ${then.dtype}(${nameOf(otherwise)})`,
        expr.span,
      );
    }
    const axes = unionAxes([test.axes, then.axes, otherwise.axes], expr.span);
    return { kind: 'select', condition: test, then, otherwise, dtype: then.dtype, axes, span: expr.span };
  }

  private requireCount(expr: Expr & { kind: 'call' }, count: number, form: string): void {
    if (expr.args.length === count) return;
    const actual = expr.args.length === 1 ? '1 argument' : `${expr.args.length} arguments`;
    throw typeError(
      `${expr.name} has the wrong number of arguments`,
      actual,
      form,
      `write ${form}`,
      expr.span,
    );
  }
}

/** Whether a name is a function, so that no type variable can be meant. */
const isFunction = (name: string): boolean =>
  (FUNCTIONS as readonly string[]).includes(name) ||
  ['select', 'index', 'size', 'min', 'max', 'sum', 'mean'].includes(name);

const isInteger = (dtype: Dtype): boolean => ['i8', 'u8', 'i32', 'i64'].includes(dtype);

/** Whether an expression consists of numbers alone, and so takes the dtype that it meets. */
function isLiteral(expr: Expr): boolean {
  switch (expr.kind) {
    case 'number':
      return true;
    case 'unary':
      return expr.op === 'neg' && isLiteral(expr.operand);
    case 'binary':
      return ['+', '-', '*', '/', '%'].includes(expr.op) && isLiteral(expr.left) && isLiteral(expr.right);
    case 'call':
      return (
        (expr.name === 'select' && expr.args.slice(1).every(isLiteral)) ||
        ((expr.name === 'min' || expr.name === 'max') && expr.args.every(isLiteral))
      );
    default:
      return false;
  }
}

/** Whether a literal has a decimal point or an exponent somewhere, and so is f32. */
function hasPoint(expr: Expr): boolean {
  switch (expr.kind) {
    case 'number':
      return !expr.integer;
    case 'unary':
      return hasPoint(expr.operand);
    case 'binary':
      return hasPoint(expr.left) || hasPoint(expr.right);
    case 'call':
      return expr.args.some(hasPoint);
    default:
      return false;
  }
}

/** How a value is called in advice. */
function nameOf(value: TypedExpr): string {
  if (value.kind === 'local' || value.kind === 'param') return value.name;
  return value.kind === 'load' && value.indices.length === 0 ? value.tensor : 'x';
}

/** Raises FORMULA_TYPE where a value varies over an axis that is not there. */
export function requireAxes(value: TypedExpr, domain: readonly string[], what: string): void {
  const missing = missingAxis(value.axes, domain);
  if (missing === undefined) return;
  throw typeError(
    `${what} varies over ${missing}, which its target does not have`,
    showAxes(value.axes),
    `axes among ${showAxes(domain)}`,
    `reduce over ${missing}, or give the target that dimension`,
    value.span,
  );
}
