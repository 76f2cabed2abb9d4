/** `top[experts -> k](x)`, `top[experts -> k](x, allowed)` -> a typed selection; `value[experts: chosen]` at one -> a typed pick. */

import type { Place } from '../../util/errors.js';
import type { Expr, TypedExpr } from '../types.js';
import { unionAxes } from './axes.js';
import type { Checker } from './checker.js';
import { typeError, unsupported } from './errors.js';
import { checkCondition, nameOf } from './operators.js';
import type { Scope } from './scope.js';

/** Raises FORMULA_TYPE, FORMULA_NAME, FORMULA_UNSUPPORTED. */
export function checkSelection(checker: Checker, expr: Expr & { kind: 'top' }): TypedExpr {
  const { scope } = checker;
  const { fn, dim, slots, span } = expr;
  scope.dim(dim, span);
  scope.dim(slots, span);
  const form = `${fn}[${dim} -> ${slots}]`;
  const operand = checker.check(expr.operand);
  if (operand.dtype !== 'f32') {
    throw typeError(
      `${fn} is defined on f32 alone`,
      operand.dtype,
      'f32',
      `write f32(${nameOf(operand)})`,
      operand.span,
    );
  }
  if (!operand.axes.includes(dim)) {
    throw typeError(
      `the value does not vary over ${dim}`,
      `(${operand.axes.join(', ')})`,
      `a value over ${dim}`,
      'select from one of its dimensions',
      span,
    );
  }
  const allowed = expr.allowed && checkCondition(checker, expr.allowed, fn);
  const all = unionAxes([operand.axes, allowed?.axes ?? []], span);
  if (all.includes(slots)) {
    throw typeError(
      `the value varies over ${slots} already`,
      form,
      'a dimension of its own for the result',
      `declare a dimension of its own, such as \`k: static\``,
      span,
    );
  }
  for (const each of [dim, slots]) {
    if (!scope.isDynamic(each)) continue;
    throw unsupported(
      `${each} is known only at launch`,
      form,
      'static dimensions',
      `make ${each} static`,
      span,
    );
  }
  requireEnough(scope, expr);
  const axes = all.map((axis) => (axis === dim ? slots : axis));
  return { kind: 'top', fn, dim, slots, operand, ...(allowed && { allowed }), dtype: 'i32', axes, span };
}

/** As many elements as are asked for: known once the dimensions are bound. */
function requireEnough(scope: Scope, { fn, dim, slots, span }: Expr & { kind: 'top' }): void {
  const [there, wanted] = [scope.extent(dim), scope.extent(slots)];
  if (typeof there !== 'number' || typeof wanted !== 'number' || wanted <= there) return;
  throw typeError(
    `${fn} takes more elements than there are`,
    `${slots} = ${wanted} of ${dim} = ${there}`,
    `${slots} of at most ${there}`,
    `bind a smaller ${slots}`,
    span,
  );
}

/** Whether an index is what a selection along `dim` gave, itself or by the name of a local. */
export function isSelection(scope: Scope, index: TypedExpr, dim: string): boolean {
  if (index.kind === 'top') return index.dim === dim;
  const local = index.kind === 'local' ? scope.locals.get(index.name) : undefined;
  return local !== undefined && 'kind' in local && isSelection(scope, local, dim);
}

/** `value[dim: index]` at what a selection gave. Raises FORMULA_TYPE. */
export function pick(value: TypedExpr, dim: string, index: TypedExpr, place: Place): TypedExpr {
  if (!value.axes.includes(dim)) {
    throw typeError(
      `the value does not vary over ${dim}`,
      `(${value.axes.join(', ')})`,
      `a value over ${dim}`,
      `remove [${dim}: ...]`,
      place,
    );
  }
  const axes = unionAxes([value.axes.flatMap((axis) => (axis === dim ? index.axes : [axis]))], place);
  return { kind: 'pick', operand: value, dim, index, dtype: value.dtype, axes, span: place };
}
