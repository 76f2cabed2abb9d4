/** `sum[d](x)`, `max[d by 128](x)`, `mean[d in offsets](x)` -> typed reductions. */

import type { Expr, TypedExpr } from '../types.js';
import { unionAxes } from './axes.js';
import { blocksOf } from './blocks.js';
import type { Checker } from './checker.js';
import { typeError } from './errors.js';
import type { Scope } from './scope.js';

/** Raises FORMULA_TYPE, FORMULA_NAME. */
export function checkReduce(checker: Checker, expr: Expr & { kind: 'reduce' }): TypedExpr {
  const { scope } = checker;
  const { op, dim, by, range, span } = expr;
  scope.dim(dim, span);
  const operand = checker.check(expr.operand);
  if (operand.dtype !== 'f32') {
    throw typeError(`${op} is defined on f32 alone`, operand.dtype, 'f32', 'write f32(x)', operand.span);
  }
  if (!operand.axes.includes(dim)) {
    throw typeError(
      `the value does not vary over ${dim}`,
      `(${operand.axes.join(', ')})`,
      `a value over ${dim}`,
      'reduce over one of its dimensions',
      span,
    );
  }
  const rest = operand.axes.filter((axis) => axis !== dim);
  const typed = { kind: 'reduce', op, dim, operand, dtype: 'f32', span } as const;
  if (by !== undefined) {
    const blocks = blocksOf(scope, dim, by, span);
    const axes = operand.axes.map((axis) => (axis === dim ? blocks.axis : axis));
    return { ...typed, by: blocks.by, axes };
  }
  if (range === undefined) return { ...typed, axes: rest };
  const rows = rangeRows(scope, range, expr);
  return { ...typed, range: { tensor: range, rows }, axes: unionAxes([[rows], rest], span) };
}

/** Dimension of the rows whose ranges a tensor of shape [rows+1] holds. */
function rangeRows(scope: Scope, name: string, expr: Expr & { kind: 'reduce' }): string {
  const { dim, span } = expr;
  if (!scope.isDynamic(dim)) {
    throw typeError(
      `${dim} is static`,
      `a range of ${dim}`,
      'a dynamic dimension',
      `reduce over the whole of ${dim}, or make it dynamic`,
      span,
    );
  }
  const offsets = scope.tensor(name, span);
  const mode = offsets?.modes[0];
  const fits =
    offsets?.modes.length === 1 &&
    mode?.extra === 1 &&
    (offsets.dtype === 'i32' || offsets.dtype === 'i64') &&
    offsets.decl.access === 'in';
  if (!fits || !mode) {
    throw typeError(
      `${name} does not hold the ends of ranges`,
      offsets
        ? `${offsets.dtype} over (${offsets.modes.map(({ axis, extra }) => (extra > 0 ? `${axis}+${extra}` : axis)).join(', ')})`
        : `${name} is no tensor`,
      'an input of i32 or i64 with shape [rows+1]',
      `declare ${name}: { shape: [rows+1], dtype: i32 }`,
      span,
    );
  }
  return mode.dim;
}
