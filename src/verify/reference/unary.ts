/**
 * Functions of one value in float64, with what a correct f32 kernel may be off by.
 *
 * The bounds of the single-precision functions are those of the CUDA C++ Programming Guide, "Mathematical Functions
 * Appendix", and of the PTX ISA for the approximate instructions: rsqrt.approx 2^-22.9 relative, rcp.approx 1 ulp. log is that of
 * `__logf`: 2^-21.41 absolute between 0.5 and 2, 3 ulp elsewhere, and numbers below the normal ones may be 0.
 */

import type { Dtype, UnaryOp } from '../../spec/index.js';
import { bounded, LARGEST, settle, TINY, U } from './f32.js';
import { mapped } from './grid.js';
import { applyInteger } from './integers.js';
import type { Result } from './operands.js';
import { roundHalfEven } from './rounding.js';
import { INFINITY, abs, finite, max, min, nan, sign } from './numbers.js';

interface Function1 {
  readonly of: (x: number) => number;
  /** Relative error of the f32 function, in units of 2^-24. */
  readonly relative: number;
  /** What it may be off by beside that. */
  readonly absolute?: (x: number) => number;
  /** The result may be flushed to zero below the normal numbers. */
  readonly flushes?: boolean;
  /** Goes up and down between -1 and 1. */
  readonly turns?: boolean;
}

/** lg2.approx between 0.5 and 2, times ln 2. */
const LOG_NEAR_ONE = 2 ** -21.41;

const FUNCTIONS: Readonly<Record<UnaryOp, Function1>> = {
  neg: { of: (x) => -x, relative: 0 },
  not: { of: (x) => (x === 0 ? 1 : 0), relative: 0 },
  abs: { of: Math.abs, relative: 0 },
  sqrt: { of: Math.sqrt, relative: 1 },
  rsqrt: { of: (x) => 1 / Math.sqrt(x), relative: 4 },
  rcp: { of: (x) => 1 / x, relative: 2, flushes: true },
  exp: { of: Math.exp, relative: 4, flushes: true },
  log: {
    of: Math.log,
    relative: 6,
    absolute: (x) => (x < TINY ? (x > 0 ? INFINITY : 0) : x >= 0.5 && x <= 2 ? LOG_NEAR_ONE : 0),
  },
  tanh: { of: Math.tanh, relative: 4 },
  sigmoid: { of: (x) => 1 / (1 + Math.exp(-x)), relative: 8, flushes: true },
  erf: { of: erf, relative: 4 },
  erfc: { of: erfc, relative: 8, flushes: true },
  sin: { of: Math.sin, relative: 4, turns: true },
  cos: { of: Math.cos, relative: 4, turns: true },
  round: { of: roundHalfEven, relative: 0 },
  floor: { of: Math.floor, relative: 0 },
  ceil: { of: Math.ceil, relative: 0 },
};

/** `dtype`: of the operand. */
export function applyUnary(
  op: UnaryOp,
  dtype: Dtype,
  values: Float64Array,
  error: Float64Array | undefined,
): Result {
  const f = FUNCTIONS[op];
  if (dtype === 'bool') return { values: mapped(values, f.of), ...(error && { error }) };
  if (dtype !== 'f32')
    return applyInteger('-', dtype, {
      a: new Float64Array(values.length),
      b: values,
      ea: undefined,
      eb: error,
    });
  if (f.relative === 0 && !error) return { values: mapped(values, f.of) };
  const result = bounded(values.length);
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    const y = f.of(x);
    const ex = error ? error[i]! : 0;
    settle(result, i, y, op === 'rcp' && isFlushed(x, y, ex) ? INFINITY : offOf(f, x, y, ex));
  }
  return result;
}

function offOf(
  { of, relative, absolute, flushes, turns }: Function1,
  x: number,
  y: number,
  ex: number,
): number {
  if (ex === INFINITY) return INFINITY;
  let off = ex === 0 ? 0 : turns && ex >= 1 ? 2 : spread(of, x, ex, y);
  if (!finite(y)) return off;
  off += abs(y) * relative * U;
  if (absolute) off += absolute(x);
  if (flushes) off += TINY;
  return turns ? min(off, 2) : off;
}

/** A reciprocal of a number below the normal ones, or that is one, may be flushed; next to 0 there is no telling its sign. */
function isFlushed(x: number, y: number, ex: number): boolean {
  return (x !== 0 && abs(x) < TINY) || (y !== 0 && abs(y) < TINY) || (ex > 0 && abs(x) <= ex);
}

/** How far f moves where its argument moves by `off`; these functions are monotone in so short a stretch, or turn smoothly. */
function spread(of: (x: number) => number, x: number, off: number, y: number): number {
  const low = of(x - off);
  const high = of(x + off);
  const distance = max(abs(low - y), abs(high - y));
  if (!nan(distance)) return distance;
  const all = [low, y, high];
  // Outside the domain, or beyond the largest f32, wherever the argument may be; else at the edge, where anything may come out.
  const same =
    all.every(Number.isNaN) ||
    all.every((each) => each > 2 * LARGEST) ||
    all.every((each) => each < -2 * LARGEST);
  return same ? 0 : INFINITY;
}

/** Maclaurin series up to 2, continued fraction beyond (Abramowitz and Stegun 7.1.5 and 7.1.14). */
export function erf(x: number): number {
  if (nan(x)) return x;
  if (abs(x) > 2) return sign(x) * (1 - tail(abs(x)));
  let term = x;
  let sum = x;
  for (let n = 1; abs(term) > 1e-18 * abs(sum); n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

export function erfc(x: number): number {
  if (nan(x)) return x;
  return x > 2 ? tail(x) : 1 - erf(x);
}

function tail(x: number): number {
  if (x > 27) return 0;
  let fraction = 0;
  for (let n = 120; n >= 1; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * (x + fraction));
}
