/** Arithmetic, comparison and choice of two values, with what a correct f32 kernel may be off by. */

import type { BinaryOp, CompareOp, Dtype } from '../../spec/index.js';
import { inRange, LEAST, TINY, U } from './unary.js';

export interface Operands {
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly ea: Float64Array | undefined;
  readonly eb: Float64Array | undefined;
}
interface Result {
  values: Float64Array;
  error?: Float64Array;
}

const FLOAT: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  // Two-argument forms give the number where one side is NaN.
  min: (a, b) => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.min(a, b)),
  max: (a, b) => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.max(a, b)),
};

export function applyBinary(op: BinaryOp, dtype: Dtype, operands: Operands): Result {
  const { a, b, ea, eb } = operands;
  if (op === '&&' || op === '||') {
    const values = a.map((x, i) => (op === '&&' ? x * b[i]! : Math.max(x, b[i]!)));
    return { values, ...uncertain(operands) };
  }
  if (dtype !== 'f32') return { values: integers(op, dtype, a, b), ...uncertain(operands) };
  const of = FLOAT[op]!;
  const values = new Float64Array(a.length);
  const error = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) {
    const [x, y, ex, ey] = [a[i]!, b[i]!, ea?.[i] ?? 0, eb?.[i] ?? 0];
    const result = of(x, y);
    const off = Number.isFinite(result) ? floatError(op, x, y, ex, ey, result) : special(x, y, ex, ey);
    [values[i], error[i]] = inRange(result, Number.isNaN(off) ? Infinity : off);
  }
  return { values, error };
}

/** What is no number, or infinite: exact, unless something uncertain had a part in it. */
function special(x: number, y: number, ex: number, ey: number): number {
  if ((Number.isNaN(x) && ex === 0) || (Number.isNaN(y) && ey === 0)) return 0;
  return ex + ey > 0 ? Infinity : 0;
}

function floatError(op: BinaryOp, x: number, y: number, ex: number, ey: number, result: number): number {
  const rounding = Math.abs(result) * U;
  switch (op) {
    case '+':
    case '-':
      return ex + ey + rounding;
    case '*':
      return (
        (ey === 0 ? 0 : Math.abs(x) * ey) +
        (ex === 0 ? 0 : Math.abs(y) * ex) +
        ex * ey +
        rounding +
        underflow(result)
      );
    case '/': {
      // A kernel may multiply by the reciprocal: two roundings more, and nothing where that is flushed.
      if (Math.abs(y) < TINY || Math.abs(1 / y) < TINY) return Infinity;
      const least = Math.abs(y) - ey;
      if (least <= 0) return Infinity;
      return ex / least + Math.abs(result) * (ey / least + 4 * U) + underflow(result);
    }
    default:
      return Math.max(ex, ey);
  }
}

const underflow = (result: number): number => (result !== 0 && Math.abs(result) < TINY ? LEAST : 0);

function integers(op: BinaryOp, dtype: Dtype, a: Float64Array, b: Float64Array): Float64Array {
  const wrap = dtype === 'i32' ? (x: number) => x | 0 : (x: number) => x;
  return a.map((x, i) => {
    const y = b[i]!;
    switch (op) {
      case '+':
        return wrap(x + y);
      case '-':
        return wrap(x - y);
      case '*':
        return dtype === 'i32' ? Math.imul(x, y) : x * y;
      case '/':
        return y === 0 ? 0 : wrap(Math.floor(x / y));
      case '%':
        return y === 0 ? 0 : x - Math.floor(x / y) * y;
      case 'min':
        return Math.min(x, y);
      case 'max':
        return Math.max(x, y);
      default:
        throw new Error(`${op} is no operation on integers`);
    }
  });
}

/** What is exact stays exact; what depends on something uncertain is unknown. */
function uncertain({ ea, eb, a }: Operands): { error?: Float64Array } {
  if (!ea && !eb) return {};
  const error = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) error[i] = (ea?.[i] ?? 0) + (eb?.[i] ?? 0) > 0 ? Infinity : 0;
  return { error };
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
  const values = a.map((x, i) => (of(x, b[i]!) ? 1 : 0));
  if (!ea && !eb) return { values };
  const error = a.map((x, i) => {
    const off = (ea?.[i] ?? 0) + (eb?.[i] ?? 0);
    return off > 0 && !(Math.abs(x - b[i]!) > off) && !Number.isNaN(x) && !Number.isNaN(b[i]!) ? 1 : 0;
  });
  return { values, error };
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
    const [ex, ey] = [ea?.[i] ?? 0, eb?.[i] ?? 0];
    const apart = Math.abs(a[i]! - b[i]!);
    error[i] =
      unsure && unsure[i]! > 0
        ? Math.max(ex, ey) + (Number.isNaN(apart) ? Infinity : apart)
        : first
          ? ex
          : ey;
  }
  return { values, ...(error && { error }) };
}
