/**
 * Recipe expression -> value, in a scope of names.
 *
 * Nothing is coerced: arithmetic is on numbers, logic on booleans, and `/` must give a whole number. What goes wrong is
 * either the recipe's fault (operands of the wrong kind) or the config's (a field that is missing, a size that does not
 * divide); an `EvaluationProblem` says which, and who knows the files turns it into a RoseError.
 */

import { unreachable } from '../util/errors.js';
import { printExpression, type BinaryOperator, type Expression } from './expression.js';
import type { JsonValue } from './json-tree.js';

export interface EvaluationProblem {
  readonly fault: 'recipe' | 'config';
  readonly at: Expression;
  readonly message: string;
  readonly actual: string;
  readonly expected: string;
}

/** Thrown by `evaluate`, and by the lookup of a name that is given to it. */
export class EvaluationError extends Error {
  constructor(readonly problem: EvaluationProblem) {
    super(problem.message);
  }
}

/** The value of a name; `at` is where it stands. */
export type Lookup = (name: string, at: Expression) => JsonValue;

export function evaluate(expression: Expression, lookup: Lookup): JsonValue {
  const value = (inner: Expression): JsonValue => evaluate(inner, lookup);
  switch (expression.kind) {
    case 'constant':
      return expression.value;
    case 'name':
      return lookup(expression.name, expression);
    case 'unary':
      return expression.op === '!'
        ? !truth(expression.operand, value(expression.operand))
        : -number(expression.operand, value(expression.operand));
    case 'choice':
      return truth(expression.condition, value(expression.condition))
        ? value(expression.then)
        : value(expression.otherwise);
    case 'binary':
      return binary(expression, expression.op, value);
    case 'call':
      return call(expression, value);
    default:
      return unreachable(expression);
  }
}

type Binary = Extract<Expression, { kind: 'binary' }>;
type Call = Extract<Expression, { kind: 'call' }>;
type Evaluate = (expression: Expression) => JsonValue;

function binary(node: Binary, op: BinaryOperator, value: Evaluate): JsonValue {
  const { left, right } = node;
  switch (op) {
    case '??':
      return value(left) ?? value(right);
    case '||':
      return truth(left, value(left)) || truth(right, value(right));
    case '&&':
      return truth(left, value(left)) && truth(right, value(right));
    case '==':
      return value(left) === value(right);
    case '!=':
      return value(left) !== value(right);
    default:
      return arithmetic(node, op, number(left, value(left)), number(right, value(right)));
  }
}

function arithmetic(
  node: Binary,
  op: Exclude<BinaryOperator, '??' | '||' | '&&' | '==' | '!='>,
  a: number,
  b: number,
): JsonValue {
  switch (op) {
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      if (b === 0 || a % b !== 0) throw indivisible(node, a, b);
      return a / b;
    case '%':
      if (b === 0) throw indivisible(node, a, b);
      return a % b;
    default:
      return unreachable(op);
  }
}

function call(node: Call, value: Evaluate): JsonValue {
  const [first, second] = node.args as [Expression, Expression];
  switch (node.name) {
    case 'length':
      return list(first, value(first)).length;
    case 'count': {
      const wanted = value(second);
      return list(first, value(first)).filter((item) => item === wanted).length;
    }
    case 'div': {
      const [a, b] = [number(first, value(first)), number(second, value(second))];
      if (b === 0) throw indivisible(node, a, b);
      return Math.floor(a / b);
    }
    default:
      return unreachable(node.name);
  }
}

function number(at: Expression, value: JsonValue): number {
  if (typeof value === 'number') return value;
  throw mismatch(at, value, 'a number');
}

function truth(at: Expression, value: JsonValue): boolean {
  if (typeof value === 'boolean') return value;
  throw mismatch(at, value, 'true or false');
}

function list(at: Expression, value: JsonValue): readonly JsonValue[] {
  if (Array.isArray(value)) return value as readonly JsonValue[];
  throw mismatch(at, value, 'a list');
}

/** A null is a field that the config lacks; anything else of the wrong kind is a slip of the recipe. */
function mismatch(at: Expression, value: JsonValue, expected: string): EvaluationError {
  if (value !== null) {
    const message = `the expression needs ${expected} here`;
    return new EvaluationError({ fault: 'recipe', at, message, actual: JSON.stringify(value), expected });
  }
  const message = `the config has no ${printExpression(at)}, which this model needs`;
  return new EvaluationError({ fault: 'config', at, message, actual: 'no such field', expected });
}

function indivisible(at: Expression, a: number, b: number): EvaluationError {
  const what = printExpression(at);
  const message = b === 0 ? `${what} divides by zero` : `${what} is not a whole number`;
  return new EvaluationError({
    fault: 'config',
    at,
    message,
    actual: `${a} / ${b}`,
    expected: 'sizes that divide exactly',
  });
}
