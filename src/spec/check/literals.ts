/** Literals: which expressions consist of them, and the dtype that a number takes from what it meets. */

import type { Place } from '../../util/errors.js';
import type { Dtype, Expr, TypedExpr } from '../types.js';
import { typeError } from './errors.js';

/** What arithmetic is defined on. */
export const ARITHMETIC: readonly Dtype[] = ['f32', 'i32', 'i64'];

/** A number, of dtype `hint` where it can. Raises FORMULA_TYPE. */
export function checkNumber(expr: Expr & { kind: 'number' }, hint: Dtype | undefined): TypedExpr {
  const { value, integer, span } = expr;
  const wide = value > 2 ** 31 - 1;
  const own = !integer ? 'f32' : wide ? 'i64' : 'i32';
  const dtype = hint !== undefined && ARITHMETIC.includes(hint) ? hint : own;
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

export const boolean = (value: boolean, span: Place): TypedExpr => ({
  kind: 'literal',
  value,
  dtype: 'bool',
  axes: [],
  span,
});

/** Whether an expression consists of numbers alone, and so takes the dtype that it meets. */
export function isLiteral(expr: Expr): boolean {
  switch (expr.kind) {
    case 'number':
      return true;
    case 'unary':
      return expr.op === 'neg' && isLiteral(expr.operand);
    case 'binary':
      return (
        ['+', '-', '*', '/', '%', '&', '|', '^', '<<', '>>'].includes(expr.op) &&
        isLiteral(expr.left) &&
        isLiteral(expr.right)
      );
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
export function hasPoint(expr: Expr): boolean {
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
