/**
 * Functions of a row: `argmax[d](x)`, `largest[d](x, k)`, `nucleus[d](x, weight, share)`, `uniform[d](seed, offset)` -> typed
 * values. `largest[d by n](x, k)` looks at each block of a row, `largest[d/n](x, k)` at values of its blocks.
 */

import type { Dtype, Expr, RowFn, Span, TypedExpr } from '../types.js';
import { axisDim, unionAxes } from './axes.js';
import { blocksOf } from './blocks.js';
import type { Checker } from './checker.js';
import { typeError, unsupported } from './errors.js';
import { nameOf } from './operators.js';

type Row = Expr & { readonly kind: 'row' };

const FORMS: Readonly<Record<RowFn, string>> = {
  argmax: '(x)',
  argmin: '(x)',
  largest: '(x, count)',
  nucleus: '(x, weight, share)',
  uniform: '(seed, offset)',
};

/** Raises FORMULA_TYPE, FORMULA_NAME, FORMULA_UNSUPPORTED. */
export function checkRowFunction(checker: Checker, expr: Row): TypedExpr {
  const { fn, dim, args, span } = expr;
  checker.scope.dim(dim, span);
  const form = `${fn}[${dim}]${FORMS[fn]}`;
  const wanted = FORMS[fn].split(',').length;
  if (args.length !== wanted) {
    throw typeError(
      `${fn} has the wrong number of arguments`,
      args.length === 1 ? '1 argument' : `${args.length} arguments`,
      form,
      `write ${form}`,
      span,
    );
  }
  if (checker.scope.isDynamic(dim)) {
    throw unsupported(
      `${dim} is known only at launch`,
      form,
      'a static dimension',
      `make ${dim} static`,
      span,
    );
  }
  if (expr.by !== undefined && fn !== 'largest') {
    throw unsupported(
      `${fn} of blocks`,
      `${fn}[${dim}${expr.blocks ? '/' : ' by '}${expr.by}]`,
      form,
      `write ${form}, or largest[${dim} by ${expr.by}](x, k)`,
      span,
    );
  }
  const [first, second, third] = args as readonly [Expr, Expr, Expr];
  switch (fn) {
    case 'argmax':
    case 'argmin': {
      const operand = along(checker, first, expr);
      const axes = operand.axes.filter((axis) => axis !== dim);
      return { kind: 'arg', fn, dim, operand, dtype: 'i32', axes, span };
    }
    case 'largest': {
      const operand = along(checker, first, expr);
      const need = ofTheRow(checker, second, 'i32', expr);
      const axes = unionAxes([operand.axes, need.axes], span);
      const by = expr.by === undefined ? {} : { by: blocksOf(checker.scope, dim, expr.by, span).by };
      const blocks = expr.blocks ? { blocks: true as const } : {};
      return { kind: 'leading', dim, ...by, ...blocks, operand, need, dtype: 'bool', axes, span };
    }
    case 'nucleus': {
      const operand = along(checker, first, expr);
      const weight = along(checker, second, expr);
      const need = ofTheRow(checker, third, 'f32', expr);
      const axes = unionAxes([operand.axes, weight.axes, need.axes], span);
      return { kind: 'leading', dim, operand, weight, need, dtype: 'bool', axes, span };
    }
    case 'uniform':
      return uniform(
        dim,
        ofTheRow(checker, first, 'i64', expr),
        ofTheRow(checker, second, 'i64', expr),
        span,
      );
    default:
      fn satisfies never;
      throw new Error('unreachable');
  }
}

/** An f32 that varies along the row. */
function along(checker: Checker, arg: Expr, { fn, dim, by, blocks, span }: Row): TypedExpr {
  const operand = typed(checker, arg, 'f32', fn);
  const axis = blocks && by !== undefined ? blocksOf(checker.scope, dim, by, span).axis : dim;
  if (operand.axes.includes(axis)) return operand;
  throw typeError(
    `the value does not vary over ${axis}`,
    `(${operand.axes.join(', ')})`,
    `a value over ${axis}`,
    `give ${fn} a value over ${axis}, or name one of its dimensions`,
    arg.span,
  );
}

/** The same for the whole row. */
function ofTheRow(checker: Checker, arg: Expr, dtype: Dtype, { fn, dim }: Row): TypedExpr {
  const operand = typed(checker, arg, dtype, fn);
  if (!operand.axes.some((axis) => axisDim(axis) === dim)) return operand;
  throw typeError(
    `${nameOf(operand)} varies over ${dim}`,
    `(${operand.axes.join(', ')})`,
    `one value for each row along ${dim}`,
    `reduce it over ${dim}`,
    arg.span,
  );
}

function typed(checker: Checker, arg: Expr, dtype: Dtype, fn: RowFn): TypedExpr {
  const operand = checker.check(arg, dtype);
  if (operand.dtype === dtype) return operand;
  throw typeError(
    `${fn} takes ${dtype} here`,
    operand.dtype,
    dtype,
    `write ${dtype}(${nameOf(operand)})`,
    arg.span,
  );
}

/** A number above 0 and at most 1, from the low 31 of the random bits: (b + 1/2) / 2^31, rounded to f32. */
function uniform(dim: string, seed: TypedExpr, offset: TypedExpr, span: Span): TypedExpr {
  const axes = unionAxes([seed.axes, offset.axes, [dim]], span);
  const literal = (value: number, dtype: Dtype): TypedExpr => ({
    kind: 'literal',
    value,
    dtype,
    axes: [],
    span,
  });
  const binary = (op: '&' | '*' | '+', left: TypedExpr, right: TypedExpr): TypedExpr => ({
    kind: 'binary',
    op,
    left,
    right,
    dtype: left.dtype,
    axes,
    span,
  });
  const bits: TypedExpr = { kind: 'random', dim, seed, offset, dtype: 'i32', axes, span };
  const low = binary('&', bits, literal(2 ** 31 - 1, 'i32'));
  const whole: TypedExpr = {
    kind: 'cast',
    operand: low,
    rounding: 'rn',
    saturate: false,
    dtype: 'f32',
    axes,
    span,
  };
  return binary('+', binary('*', whole, literal(2 ** -31, 'f32')), literal(2 ** -32, 'f32'));
}
