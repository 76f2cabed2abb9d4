/** `count[tokens, k](experts: ids)`, `rank[...](...)`, `scan[experts](n)`, and `table[experts: ids]` -> typed expressions. */

import type { Place } from '../../util/errors.js';
import type { Expr, TypedExpr } from '../types.js';
import { children } from '../walk.js';
import type { Checker } from './checker.js';
import { typeError, unsupported } from './errors.js';
import { nameOf } from './operators.js';
import type { Scope } from './scope.js';

/** Raises FORMULA_TYPE, FORMULA_NAME, FORMULA_UNSUPPORTED. */
export function checkTally(checker: Checker, expr: Expr & { kind: 'tally' }): TypedExpr {
  const { scope } = checker;
  const { fn, dims, bins, span } = expr;
  for (const dim of [...dims, bins]) scope.dim(dim, span);
  requireStatic(scope, bins, `${fn} of ${bins}`, span);
  const operand = checker.check(expr.operand);
  requireI32(operand, fn);
  const over = [...new Set(dims)];
  const same = operand.axes.length === dims.length && over.every((dim) => operand.axes.includes(dim));
  if (!same || over.length !== dims.length) {
    throw typeError(
      `${fn} is over all dimensions of its index`,
      `${fn}[${dims.join(', ')}] of a value over (${operand.axes.join(', ')})`,
      `${fn}[${operand.axes.join(', ')}]`,
      'name the dimensions that the index varies over, slowest first',
      span,
    );
  }
  if (dims.includes(bins)) {
    throw typeError(
      `the index varies over ${bins}, the dimension that it lies in`,
      `${fn}[${dims.join(', ')}](${bins}: ...)`,
      'two different dimensions',
      `declare a dimension of its own for what is counted`,
      span,
    );
  }
  const axes = fn === 'count' ? [bins] : operand.axes;
  return { kind: 'tally', fn, dims, bins, operand, dtype: 'i32', axes, span };
}

/** Raises FORMULA_TYPE, FORMULA_NAME, FORMULA_UNSUPPORTED. */
export function checkScan(checker: Checker, expr: Expr & { kind: 'scan' }): TypedExpr {
  const { scope } = checker;
  const { dim, span } = expr;
  scope.dim(dim, span);
  requireStatic(scope, dim, `scan[${dim}]`, span);
  const operand = checker.check(expr.operand);
  requireI32(operand, 'scan');
  if (operand.axes.length !== 1 || operand.axes[0] !== dim) {
    throw typeError(
      `scan is along the one dimension of its value`,
      `scan[${dim}] of a value over (${operand.axes.join(', ')})`,
      `a value over ${dim} alone`,
      'sum along the only dimension of a value',
      span,
    );
  }
  return { kind: 'scan', dim, operand, dtype: 'i32', axes: [dim], span };
}

/** Whether a value is a table: made of counts and sums of them, by name or not, over one dimension. */
export function isTable(scope: Scope, value: TypedExpr): boolean {
  return value.axes.length === 1 && isCounted(scope, value);
}

function isCounted(scope: Scope, value: TypedExpr): boolean {
  if ((value.kind === 'tally' && value.fn === 'count') || value.kind === 'scan') return true;
  if (value.kind === 'lookup' || (value.kind === 'tally' && value.fn === 'rank')) return false;
  const local = value.kind === 'local' ? scope.locals.get(value.name) : undefined;
  if (local && 'kind' in local) return isCounted(scope, local);
  return children(value).some((child) => isCounted(scope, child));
}

/** `table[dim: index]`. Raises FORMULA_TYPE. */
export function lookup(table: TypedExpr, dim: string, index: TypedExpr, place: Place): TypedExpr {
  if (!table.axes.includes(dim)) {
    throw typeError(
      `the table does not vary over ${dim}`,
      `(${table.axes.join(', ')})`,
      `a table over ${dim}`,
      `write [${table.axes[0]}: ...]`,
      place,
    );
  }
  return { kind: 'lookup', operand: table, dim, index, dtype: table.dtype, axes: index.axes, span: place };
}

function requireI32(operand: TypedExpr, fn: string): void {
  if (operand.dtype === 'i32') return;
  const next = operand.dtype === 'f32' ? `write i32.rz(${nameOf(operand)})` : `write i32(${nameOf(operand)})`;
  throw typeError(`${fn} is defined on i32 alone`, operand.dtype, 'i32', next, operand.span);
}

function requireStatic(scope: Scope, dim: string, form: string, span: Place): void {
  if (!scope.isDynamic(dim)) return;
  throw unsupported(`${dim} is known only at launch`, form, 'a static dimension', `make ${dim} static`, span);
}
