/** Arithmetic, comparison and choice of two values, with what a correct f32 kernel may be off by. */

import type { BinaryOp, CompareOp, Dtype } from '../../spec/index.js';
import { bounded, HALF_STEP, LEAST, settle, TINY, U } from './f32.js';
import { mapped } from './grid.js';
import { applyInteger } from './integers.js';
import type { Operands, Result } from './operands.js';
import { INFINITY, abs, finite, max, min, nan } from './numbers.js';

export function applyBinary(op: BinaryOp, dtype: Dtype, operands: Operands): Result {
  const { a, b, ea, eb } = operands;
  if (op === '&&' || op === '||') return applyLogical(op, operands);
  if (dtype !== 'f32') return applyInteger(op, dtype, operands);
  const result = bounded(a.length);
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    const value = valueOf(op, x, y);
    settle(result, i, value, offOf(op, x, y, ea ? ea[i]! : 0, eb ? eb[i]! : 0, value));
  }
  return result;
}

function valueOf(op: BinaryOp, x: number, y: number): number {
  switch (op) {
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      return x * y;
    case '/':
      return x / y;
    // Two-argument forms give the number where one side is NaN.
    case 'min':
      return nan(x) ? y : nan(y) ? x : min(x, y);
    case 'max':
      return nan(x) ? y : nan(y) ? x : max(x, y);
    default:
      throw new Error(`${op} is no operation on f32`);
  }
}

function offOf(op: BinaryOp, x: number, y: number, ex: number, ey: number, result: number): number {
  if (op === 'min') return extremeOff(-INFINITY, x, y, ex, ey);
  if (op === 'max') return extremeOff(INFINITY, x, y, ex, ey);
  if ((ex === 0 && nan(x)) || (ey === 0 && nan(y))) return 0;
  if (ex === INFINITY || ey === INFINITY) return INFINITY;
  if (op === '/') return quotientOff(x, y, ex, ey, result);
  if (op === '*') return productOff(x, y, ex, ey, result);
  return finite(result) ? ex + ey + abs(result) * U : infiniteSumOff(x, y, ex, ey, result);
}

/** A product that overflows may be taken back by a number of the other sign, or by another infinity, before it is rounded. */
function infiniteSumOff(x: number, y: number, ex: number, ey: number, result: number): number {
  const [fusedX, fusedY] = [abs(x) === INFINITY && ex > 0, abs(y) === INFINITY && ey > 0];
  if (!fusedX && !fusedY) return 0;
  if (nan(result)) return INFINITY;
  const rest = min(abs(x) + ex, abs(y) + ey);
  return rest === INFINITY || rest <= HALF_STEP ? 0 : INFINITY;
}

/** `end` is what no other operand can beat. */
function extremeOff(end: number, x: number, y: number, ex: number, ey: number): number {
  if (ex === 0) {
    if (x === end) return 0;
    if (nan(x)) return ey;
  }
  if (ey === 0) {
    if (y === end) return 0;
    if (nan(y)) return ex;
  }
  return max(ex, ey);
}

function productOff(x: number, y: number, ex: number, ey: number, result: number): number {
  if (!finite(result)) return signIsSure(x, ex) && signIsSure(y, ey) ? 0 : INFINITY;
  return abs(x) * ey + abs(y) * ex + ex * ey + abs(result) * U + underflow(result);
}

/** A kernel may multiply by the reciprocal: two roundings more, and nothing is known where that is flushed. */
function quotientOff(x: number, y: number, ex: number, ey: number, result: number): number {
  const size = abs(y);
  // The reciprocal of an infinity is 0, that of 0 an infinity.
  if (size === INFINITY) return 0;
  if (size === 0 && ey === 0) return signIsSure(x, ex) ? 0 : INFINITY;
  const least = size - ey;
  if (least < TINY || 1 / (size + ey) < TINY) return INFINITY;
  if (!finite(result)) return 0;
  return ex / least + abs(result) * (ey / least + 4 * U) + underflow(result);
}

/** Whether a kernel's number is 0, above or below, as this one is. */
const signIsSure = (x: number, ex: number): boolean => ex === 0 || abs(x) > ex;

const underflow = (result: number): number => (result !== 0 && abs(result) < TINY ? LEAST : 0);

/** One side that surely decides leaves nothing to the other: false of `&&`, true of `||`. */
function applyLogical(op: '&&' | '||', { a, b, ea, eb }: Operands): Result {
  const deciding = op === '&&' ? 0 : 1;
  const values = mapped(a, (x, i) => (x === deciding || b[i] === deciding ? deciding : 1 - deciding));
  if (!ea && !eb) return { values };
  const error = mapped(a, (x, i) => {
    const [ex, ey] = [ea?.[i] ?? 0, eb?.[i] ?? 0];
    const decided = (x === deciding && ex === 0) || (b[i] === deciding && ey === 0);
    return decided || ex + ey === 0 ? 0 : 1;
  });
  return { values, error };
}

const COMPARE: Readonly<Record<CompareOp, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

/** The error of a comparison is 1 where the operands' bounds meet. */
export function applyCompare(op: CompareOp, { a, b, ea, eb }: Operands): Result {
  const of = COMPARE[op];
  const values = mapped(a, (x, i) => (of(x, b[i]!) ? 1 : 0));
  if (!ea && !eb) return { values };
  const error = mapped(a, (x, i) => (inDoubt(x, b[i]!, ea ? ea[i]! : 0, eb ? eb[i]! : 0) ? 1 : 0));
  return { values, error };
}

function inDoubt(x: number, y: number, ex: number, ey: number): boolean {
  if ((ex === 0 && nan(x)) || (ey === 0 && nan(y))) return false;
  return ex + ey > 0 && !(abs(x - y) > ex + ey);
}

/** `condition` and its own error, and both arms. */
export function applySelect(
  condition: Float64Array,
  unsure: Float64Array | undefined,
  { a, b, ea, eb }: Operands,
): Result {
  const values = new Float64Array(a.length);
  const error = unsure || ea || eb ? new Float64Array(a.length) : undefined;
  for (let i = 0; i < a.length; i++) {
    const first = condition[i] !== 0;
    values[i] = first ? a[i]! : b[i]!;
    if (!error) continue;
    const ex = ea ? ea[i]! : 0;
    const ey = eb ? eb[i]! : 0;
    if (unsure && unsure[i]! > 0) error[i] = max(ex, ey) + apart(a[i]!, b[i]!);
    else error[i] = first ? ex : ey;
  }
  return { values, ...(error && { error }) };
}

/** Distance of two values: 0 between those that are the same, infinite ones and NaN too. */
function apart(x: number, y: number): number {
  const distance = abs(x - y);
  return Object.is(x, y) ? 0 : nan(distance) ? INFINITY : distance;
}
