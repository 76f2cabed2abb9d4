/**
 * Launch expressions: dims of a call -> exact whole numbers.
 *
 * A grid, a shape or a stride in a manifest is an expression over the dims of a call and the number of SMs of the
 * device, as plain JSON. Text form (for people, and for whoever has a string): `ceilDiv(tokens, 4)`, `smCount * 2`.
 * Arithmetic is on integers below 2^53, so that tensors of more than 2^31 elements are exact; what would lose
 * precision is an error, never a rounded number.
 */

import { RoseError } from '../util/errors.js';

export const LAUNCH_OPERATIONS = ['add', 'sub', 'mul', 'div', 'ceilDiv', 'mod', 'min', 'max'] as const;
/** `div` and `mod` round towards minus infinity, `ceilDiv` towards plus infinity. */
export type LaunchOperation = (typeof LAUNCH_OPERATIONS)[number];

export type LaunchExpr =
  | { readonly kind: 'const'; readonly value: number }
  /** A dimension of the call, static or dynamic, by name. */
  | { readonly kind: 'dim'; readonly name: string }
  /** A stride of a tensor of the call, in elements, where the variant leaves it to the caller. */
  | { readonly kind: 'stride'; readonly tensor: string; readonly axis: number }
  /** Number of SMs of the device. */
  | { readonly kind: 'smCount' }
  | {
      readonly kind: 'binary';
      readonly op: LaunchOperation;
      readonly left: LaunchExpr;
      readonly right: LaunchExpr;
    };

/** What an expression is evaluated with. */
export interface LaunchValues {
  readonly dims: Readonly<Record<string, number>>;
  readonly smCount?: number;
  /** Strides in elements, by tensor. */
  readonly strides?: Readonly<Record<string, readonly number[]>>;
}

export const expr = {
  const: (value: number): LaunchExpr => ({ kind: 'const', value }),
  dim: (name: string): LaunchExpr => ({ kind: 'dim', name }),
  stride: (tensor: string, axis: number): LaunchExpr => ({ kind: 'stride', tensor, axis }),
  smCount: (): LaunchExpr => ({ kind: 'smCount' }),
  binary: (op: LaunchOperation, left: LaunchExpr, right: LaunchExpr): LaunchExpr => ({
    kind: 'binary',
    op,
    left,
    right,
  }),
  /** ceilDiv(left, right), by far the commonest. */
  ceilDiv: (left: LaunchExpr, right: LaunchExpr): LaunchExpr => expr.binary('ceilDiv', left, right),
  mul: (left: LaunchExpr, right: LaunchExpr): LaunchExpr => expr.binary('mul', left, right),
};

/** Value of an expression. Raises LAUNCH_GUARD for a missing, negative or fractional dim, an overflow or a zero divisor. */
export function evaluateExpr(expression: LaunchExpr, values: LaunchValues): number {
  switch (expression.kind) {
    case 'const':
      return exact(expression.value, expression);
    case 'dim':
      return natural(values.dims[expression.name], `dimension ${expression.name}`);
    case 'stride':
      return natural(
        values.strides?.[expression.tensor]?.[expression.axis],
        `stride ${expression.axis} of ${expression.tensor}`,
      );
    case 'smCount':
      return natural(values.smCount, 'the SM count');
    case 'binary':
      return exact(
        apply(expression, evaluateExpr(expression.left, values), evaluateExpr(expression.right, values)),
        expression,
      );
    default:
      expression satisfies never;
      throw new Error('unreachable');
  }
}

function apply(expression: LaunchExpr & { kind: 'binary' }, left: number, right: number): number {
  const { op } = expression;
  if ((op === 'div' || op === 'ceilDiv' || op === 'mod') && right === 0) {
    throw guard(
      `${printExpr(expression)} divides by zero`,
      `${printExpr(expression.right)} = 0`,
      'a non-zero divisor',
    );
  }
  switch (op) {
    case 'add':
      return left + right;
    case 'sub':
      return left - right;
    case 'mul':
      return left * right;
    case 'div':
      return floorDiv(left, right);
    case 'ceilDiv':
      return -floorDiv(-left, right);
    case 'mod':
      return floorMod(left, right);
    case 'min':
      return Math.min(left, right);
    case 'max':
      return Math.max(left, right);
    default:
      op satisfies never;
      throw new Error('unreachable');
  }
}

/** Exact for every pair of safe integers: both are made from the remainder, which JavaScript has exactly. */
function floorDiv(left: number, right: number): number {
  const remainder = left % right;
  const quotient = (left - remainder) / right;
  return remainder !== 0 && remainder < 0 !== right < 0 ? quotient - 1 : quotient;
}

function floorMod(left: number, right: number): number {
  const remainder = left % right;
  return remainder !== 0 && remainder < 0 !== right < 0 ? remainder + right : remainder;
}

function exact(value: number, expression: LaunchExpr): number {
  if (Number.isSafeInteger(value)) return value + 0; // turns -0 into 0
  throw guard(
    `${printExpr(expression)} is not an exact whole number`,
    String(value),
    'an integer below 2^53',
  );
}

function natural(value: number | undefined, what: string): number {
  if (value === undefined) throw guard(`${what} was not given`, 'nothing', 'a whole number of at least 0');
  if (!Number.isSafeInteger(value) || value < 0) {
    throw guard(`${what} is ${value}`, String(value), 'a whole number from 0 to 2^53 - 1');
  }
  return value;
}

function guard(message: string, actual: string, expected: string): RoseError {
  return new RoseError({
    code: 'LAUNCH_GUARD',
    message,
    actual,
    expected,
    next: 'correct the dims of the call',
  });
}

/** Every dimension name an expression reads. */
export function exprDims(expression: LaunchExpr): readonly string[] {
  switch (expression.kind) {
    case 'dim':
      return [expression.name];
    case 'binary':
      return [...new Set([...exprDims(expression.left), ...exprDims(expression.right)])];
    default:
      return [];
  }
}

const INFIX: Partial<Record<LaunchOperation, { symbol: string; level: number }>> = {
  add: { symbol: '+', level: 1 },
  sub: { symbol: '-', level: 1 },
  mul: { symbol: '*', level: 2 },
  div: { symbol: '/', level: 2 },
  mod: { symbol: '%', level: 2 },
};

/** Text form: `ceilDiv(tokens, 4) * smCount`. `parseExpr` reads it back to an equal expression. */
export function printExpr(expression: LaunchExpr, level = 0): string {
  switch (expression.kind) {
    case 'const':
      return expression.value < 0 ? `(${expression.value})` : String(expression.value);
    case 'dim':
      return expression.name;
    case 'stride':
      return `stride(${expression.tensor}, ${expression.axis})`;
    case 'smCount':
      return 'smCount';
    case 'binary': {
      const infix = INFIX[expression.op];
      if (!infix) return `${expression.op}(${printExpr(expression.left)}, ${printExpr(expression.right)})`;
      // The right operand binds one level tighter: a - (b - c) keeps its brackets.
      const text = `${printExpr(expression.left, infix.level)} ${infix.symbol} ${printExpr(expression.right, infix.level + 1)}`;
      return infix.level < level ? `(${text})` : text;
    }
    default:
      expression satisfies never;
      throw new Error('unreachable');
  }
}
