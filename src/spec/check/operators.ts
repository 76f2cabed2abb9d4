/** `+ - * / %`, comparisons, `&& || !` and negation -> typed values of operands whose dtypes agree. */

import type { Place } from '../../util/errors.js';
import type { BinaryOp, CompareOp, Dtype, Expr, TypedExpr } from '../types.js';
import { unionAxes } from './axes.js';
import type { Checker } from './checker.js';
import { typeError } from './errors.js';
import { ARITHMETIC, boolean, hasPoint, isLiteral } from './literals.js';
import { decide } from './static-flags.js';

const BITS: readonly string[] = ['&', '|', '^', '<<', '>>'];
const COMPARISONS: readonly string[] = ['==', '!=', '<', '<=', '>', '>='];

/** Raises FORMULA_TYPE. */
export function checkUnary(
  checker: Checker,
  expr: Expr & { kind: 'unary' },
  hint: Dtype | undefined,
): TypedExpr {
  const { op, span } = expr;
  if (op === 'not') {
    const decided = decide(expr, checker.scope.choice.flags);
    if (decided !== undefined) return boolean(decided, span);
    const operand = checkCondition(checker, expr.operand, '!');
    return { kind: 'unary', op, operand, dtype: 'bool', axes: operand.axes, span };
  }
  const operand = checker.check(expr.operand, hint);
  requireArithmetic([operand], '-', span);
  if (operand.kind === 'literal') return { ...operand, value: -operand.value, span };
  return { kind: 'unary', op, operand, dtype: operand.dtype, axes: operand.axes, span };
}

/** Raises FORMULA_TYPE. */
export function checkBinary(
  checker: Checker,
  expr: Expr & { kind: 'binary' },
  hint: Dtype | undefined,
): TypedExpr {
  const { op, span } = expr;
  if (op === '&&' || op === '||') return logical(checker, expr, op);
  const compares = COMPARISONS.includes(op);
  const [left, right] = checkPair(checker, expr.left, expr.right, compares ? undefined : hint);
  requireArithmetic([left, right], op, span);
  if (compares) {
    const axes = unionAxes([left.axes, right.axes], span);
    return { kind: 'compare', op: op as CompareOp, left, right, dtype: 'bool', axes, span };
  }
  if (BITS.includes(op) && left.dtype === 'f32') {
    throw typeError(
      `${op} is defined on integers alone`,
      `f32 ${op} f32`,
      'i32 or i64',
      'cast to an integer first',
      span,
    );
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
  return combine(op as BinaryOp, left, right, span);
}

/** Two values of one dtype under an operator that gives that dtype. */
export function combine(op: BinaryOp, left: TypedExpr, right: TypedExpr, span: Place): TypedExpr {
  const axes = unionAxes([left.axes, right.axes], span);
  return { kind: 'binary', op, left, right, dtype: left.dtype, axes, span };
}

/** What flags decide is folded, and the side that then means nothing is not looked at. */
function logical(checker: Checker, expr: Expr & { kind: 'binary' }, op: '&&' | '||'): TypedExpr {
  const { flags } = checker.scope.choice;
  const decided = decide(expr, flags);
  if (decided !== undefined) return boolean(decided, expr.span);
  if (decide(expr.left, flags) !== undefined) return checkCondition(checker, expr.right, op);
  if (decide(expr.right, flags) !== undefined) return checkCondition(checker, expr.left, op);
  const [left, right] = [checkCondition(checker, expr.left, op), checkCondition(checker, expr.right, op)];
  return combine(op, left, right, expr.span);
}

/** A bool. `of` names the form that needs it. Raises FORMULA_TYPE. */
export function checkCondition(checker: Checker, expr: Expr, of: string): TypedExpr {
  const value = checker.check(expr);
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
export function checkPair(
  checker: Checker,
  left: Expr,
  right: Expr,
  hint: Dtype | undefined,
): readonly [TypedExpr, TypedExpr] {
  const [plainLeft, plainRight] = [isLiteral(left), isLiteral(right)];
  if (plainLeft && !plainRight) {
    const second = checker.check(right, hint);
    return [checker.check(left, second.dtype), second];
  }
  const both = plainLeft && plainRight && (hasPoint(left) || hasPoint(right)) ? 'f32' : undefined;
  const first = checker.check(left, hint ?? both);
  return [first, checker.check(right, first.dtype)];
}

/** Raises FORMULA_TYPE unless all are of one dtype that arithmetic is defined on. */
export function requireArithmetic(values: readonly TypedExpr[], op: string, span: Place): void {
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

/** How a value is called in advice. */
export function nameOf(value: TypedExpr): string {
  if (value.kind === 'local' || value.kind === 'param') return value.name;
  return value.kind === 'load' && value.indices.length === 0 ? value.tensor : 'x';
}
