/**
 * Arithmetic of i32 and i64, which wraps as two's complement does; `/` and `%` round down.
 *
 * An i64 beyond 2^53 may have no float64 of its own: its error is what float64 takes off, and nothing is known of what is
 * computed from it.
 */

import type { BinaryOp, Dtype } from '../../spec/index.js';
import { mapped } from './grid.js';
import type { Operands, Result } from './operands.js';
import { INFINITY, floor, imul, max, min } from './numbers.js';

export function applyInteger(op: BinaryOp, dtype: Dtype, { a, b, ea, eb }: Operands): Result {
  const wide = dtype === 'i64';
  const values = mapped(a, (x, i) => (wide ? long(op, x, b[i]!) : short(op, x, b[i]!)));
  if (!ea && !eb && !(wide && !values.every(Number.isSafeInteger))) return { values };
  const error = mapped(values, (value, i) => {
    if ((ea?.[i] ?? 0) + (eb?.[i] ?? 0) > 0) return INFINITY;
    return Number.isSafeInteger(value) ? 0 : dropped(op, a[i]!, b[i]!, value);
  });
  return { values, error };
}

function short(op: BinaryOp, x: number, y: number): number {
  switch (op) {
    case '+':
      return (x + y) | 0;
    case '-':
      return (x - y) | 0;
    case '*':
      return imul(x, y);
    case '/':
      return y === 0 ? 0 : floor(x / y) | 0;
    case '%':
      return y === 0 ? 0 : x - floor(x / y) * y;
    case 'min':
      return min(x, y);
    case 'max':
      return max(x, y);
    case '&':
      return x & y;
    case '|':
      return x | y;
    case '^':
      return x ^ y;
    case '<<':
      return x << y;
    case '>>':
      return x >> y;
    default:
      throw new Error(`${op} is no operation on integers`);
  }
}

/** Float64 is exact as long as the result is a safe integer, but for the rounding of a quotient. */
function long(op: BinaryOp, x: number, y: number): number {
  if (op === 'min') return min(x, y);
  if (op === 'max') return max(x, y);
  const plain = op === '+' ? x + y : op === '-' ? x - y : op === '*' ? x * y : NaN;
  // A product of 0 and a negative number has no sign.
  return Number.isSafeInteger(plain) ? plain + 0 : Number(exact(op, x, y));
}

function exact(op: BinaryOp, x: number, y: number): bigint {
  const [a, b] = [BigInt(x), BigInt(y)];
  switch (op) {
    case '+':
      return BigInt.asIntN(64, a + b);
    case '-':
      return BigInt.asIntN(64, a - b);
    case '*':
      return BigInt.asIntN(64, a * b);
    case '/':
      return b === 0n ? 0n : BigInt.asIntN(64, (a - modulo(a, b)) / b);
    case '%':
      return b === 0n ? 0n : modulo(a, b);
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '<<':
      return BigInt.asIntN(64, a << (b & 63n));
    case '>>':
      return a >> (b & 63n);
    default:
      throw new Error(`${op} is no operation on integers`);
  }
}

/** With the sign of the divisor. */
function modulo(a: bigint, b: bigint): bigint {
  const rest = a % b;
  return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
}

function dropped(op: BinaryOp, x: number, y: number, value: number): number {
  if (op === 'min' || op === 'max') return 0;
  const rest = exact(op, x, y) - BigInt(value);
  return Number(rest < 0n ? -rest : rest);
}
