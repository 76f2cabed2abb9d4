/** `f(x)`, casts, `select`, `index` and `size`, two-sided `min` and `max` -> typed values. */

import type { Place } from '../../util/errors.js';
import { FUNCTIONS, OTHER_CALLS, OVER_DIMENSIONS } from '../names.js';
import type { Dtype, Expr, TypedExpr, UnaryOp } from '../types.js';
import { unionAxes } from './axes.js';
import { cast } from './casts.js';
import type { Checker } from './checker.js';
import { typeError } from './errors.js';
import { ARITHMETIC, hasPoint, isLiteral } from './literals.js';
import { checkCondition, checkPair, combine, nameOf, requireArithmetic } from './operators.js';
import type { Scope } from './scope.js';
import { decide } from './static-flags.js';

type Call = Expr & { readonly kind: 'call' };

/** Raises FORMULA_TYPE, FORMULA_NAME. */
export function checkCall(checker: Checker, expr: Call, hint: Dtype | undefined): TypedExpr {
  const { name, modes, args, span } = expr;
  const dtype = isFunction(name) ? undefined : checker.scope.dtype(name);
  if (dtype !== undefined) return checkCast(checker, expr, dtype);
  if (modes.length > 0) {
    throw typeError(`${name} takes no modes`, `${name}.${modes.join('.')}`, name, `write ${name}(...)`, span);
  }
  switch (name) {
    case 'select':
      return select(checker, expr, hint);
    case 'index':
      return position(checker.scope, dimOf(checker.scope, expr), span);
    case 'size': {
      const dim = dimOf(checker.scope, expr);
      const wide = checker.scope.isDynamic(dim) ? 'i64' : 'i32';
      return { kind: 'extent', dim, dtype: wide, axes: [], span };
    }
    case 'min':
    case 'max': {
      requireCount(expr, 2, `${name}(a, b), or ${name}[dimension](x)`);
      const [left, right] = checkPair(checker, args[0]!, args[1]!, hint);
      requireArithmetic([left, right], name, span);
      return combine(name, left, right, span);
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
    case 'top':
    case 'bottom':
      throw typeError(
        `${name} lacks its dimensions`,
        `${name}(...)`,
        `${name}[dimension -> k](x)`,
        'name the dimension to select from and that of the result',
        span,
      );
    case 'count':
    case 'rank':
    case 'scan':
      throw typeError(
        `${name} lacks its dimensions`,
        `${name}(...)`,
        name === 'scan' ? 'scan[dimension](x)' : `${name}[dimensions](bins: index)`,
        name === 'scan'
          ? 'name the dimension to sum along'
          : 'name what is counted and the dimension of the index',
        span,
      );
    case 'argmax':
    case 'argmin':
    case 'largest':
    case 'nucleus':
    case 'uniform':
      throw typeError(
        `${name} lacks its dimension`,
        `${name}(...)`,
        `${name}[dimension](...)`,
        'name the dimension that the row lies along',
        span,
      );
    default: {
      requireCount(expr, 1, `${name}(x)`);
      const operand = checker.check(args[0]!, 'f32');
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

/** Position along a dimension. Raises FORMULA_NAME. */
export function position(scope: Scope, dim: string, span: Place): TypedExpr {
  scope.dim(dim, span);
  return { kind: 'position', dim, dtype: scope.isDynamic(dim) ? 'i64' : 'i32', axes: [dim], span };
}

function checkCast(checker: Checker, expr: Call, dtype: Dtype): TypedExpr {
  requireCount(expr, 1, `${expr.name}(x)`);
  const operand = expr.args[0]!;
  const plain = ARITHMETIC.includes(dtype) ? dtype : dtype === 'bool' || isInteger(dtype) ? 'i32' : 'f32';
  // A literal is made in the cast's own dtype where its digits allow that.
  const literal = isLiteral(operand) && !(plain !== 'f32' && hasPoint(operand));
  return cast(checker.check(operand, literal ? plain : undefined), dtype, expr.modes, expr.span);
}

function dimOf(scope: Scope, expr: Call): string {
  const form = `${expr.name}(dimension)`;
  requireCount(expr, 1, form);
  const dim = expr.args[0]!;
  if (dim.kind !== 'name') {
    throw typeError(`${expr.name} takes a dimension`, dim.kind, form, 'name a dimension', dim.span);
  }
  scope.dim(dim.name, dim.span);
  return dim.name;
}

function select(checker: Checker, expr: Call, hint: Dtype | undefined): TypedExpr {
  requireCount(expr, 3, 'select(condition, a, b)');
  const [condition, a, b] = expr.args as readonly [Expr, Expr, Expr];
  const decided = decide(condition, checker.scope.choice.flags);
  if (decided !== undefined) return checker.check(decided ? a : b, hint);
  const test = checkCondition(checker, condition, 'select');
  const [then, otherwise] = checkPair(checker, a, b, hint);
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

function requireCount(expr: Call, count: number, form: string): void {
  if (expr.args.length === count) return;
  const actual = expr.args.length === 1 ? '1 argument' : `${expr.args.length} arguments`;
  throw typeError(`${expr.name} has the wrong number of arguments`, actual, form, `write ${form}`, expr.span);
}

/** Whether a name is a function, so that no type variable can be meant. */
const isFunction = (name: string): boolean =>
  ([...FUNCTIONS, ...OTHER_CALLS, ...OVER_DIMENSIONS] as readonly string[]).includes(name);

const isInteger = (dtype: Dtype): boolean => ['i8', 'u8', 'i32', 'i64'].includes(dtype);
