/**
 * Functions of one value in float64, with what a correct f32 kernel may be off by.
 *
 * The bounds of the single-precision functions are those of the CUDA C++ Programming Guide, "Mathematical Functions
 * Appendix", and of the PTX ISA for the approximate instructions: rsqrt.approx 2^-22.9 relative, rcp.approx 1 ulp.
 */

import type { UnaryOp } from '../../spec/index.js';
import { roundHalfEven } from './rounding.js';

/** Half the distance between 1 and the next f32. */
export const U = 2 ** -24;
/** The smallest f32 above 0: what a product below the normal numbers is rounded to a multiple of. */
export const LEAST = 2 ** -149;
/** Results below this may be flushed to 0. */
export const TINY = 2 ** -126;

export const LARGEST = 3.4028234663852886e38;

/** A float64 result as f32 arithmetic has it: infinite beyond the largest f32, unknown where its bound straddles that. */
export function inRange(value: number, error: number): [number, number] {
  if (!Number.isFinite(value) || Math.abs(value) + error <= LARGEST) return [value, error];
  return Math.abs(value) - error > LARGEST ? [Math.sign(value) * Infinity, 0] : [value, Infinity];
}

interface Function1 {
  readonly of: (x: number) => number;
  /** Relative error of the f32 function, in units of 2^-24. */
  readonly relative: number;
  /** The result may be flushed to zero below the normal numbers. */
  readonly flushes?: boolean;
  /** Steps from one value to the next somewhere: a small error of x may be a whole step. */
  readonly steps?: boolean;
}

const FUNCTIONS: Readonly<Record<UnaryOp, Function1>> = {
  neg: { of: (x) => -x, relative: 0 },
  not: { of: (x) => (x === 0 ? 1 : 0), relative: 0 },
  abs: { of: Math.abs, relative: 0 },
  sqrt: { of: Math.sqrt, relative: 1 },
  rsqrt: { of: (x) => 1 / Math.sqrt(x), relative: 4 },
  rcp: { of: (x) => 1 / x, relative: 2, flushes: true },
  exp: { of: Math.exp, relative: 4, flushes: true },
  log: { of: Math.log, relative: 2 },
  tanh: { of: Math.tanh, relative: 4 },
  sigmoid: { of: (x) => 1 / (1 + Math.exp(-x)), relative: 8, flushes: true },
  erf: { of: erf, relative: 4 },
  erfc: { of: erfc, relative: 8, flushes: true },
  sin: { of: Math.sin, relative: 4 },
  cos: { of: Math.cos, relative: 4 },
  round: { of: roundHalfEven, relative: 0, steps: true },
  floor: { of: Math.floor, relative: 0, steps: true },
  ceil: { of: Math.ceil, relative: 0, steps: true },
};

export function applyUnary(
  op: UnaryOp,
  values: Float64Array,
  error: Float64Array | undefined,
  isFloat: boolean,
): { values: Float64Array; error?: Float64Array } {
  const { of, relative, flushes } = FUNCTIONS[op];
  const result = values.map(of);
  if (!isFloat || (relative === 0 && !error)) return { values: result };
  const bound = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    const y = result[i]!;
    let off = error ? spread(of, x, error[i]!, y) : 0;
    if (relative > 0 && y !== 0) off += Math.abs(y) * relative * U;
    if (flushes) off += TINY;
    // The reciprocal of a number below the normal ones, or whose reciprocal is, may be flushed.
    if (op === 'rcp' && (Math.abs(x) < TINY || Math.abs(y) < TINY)) off = Infinity;
    if (error?.[i] === Infinity) off = Infinity;
    else if (Number.isNaN(y) || Number.isNaN(off)) off = 0;
    [result[i], bound[i]] = inRange(y, off);
  }
  return { values: result, error: bound };
}

/** How far f moves where its argument moves by `off`; these functions are monotone in so short a stretch, or turn smoothly. */
function spread(of: (x: number) => number, x: number, off: number, y: number): number {
  if (off === 0) return 0;
  if (off === Infinity) return Infinity;
  const [low, high] = [of(x - off), of(x + off)];
  const distance = Math.max(Math.abs(low - y), Math.abs(high - y));
  // Beyond the edge of the domain anything may come out.
  if (Number.isNaN(distance)) return Number.isNaN(y) || y === low || y === high ? 0 : Infinity;
  return distance;
}

/** Maclaurin series up to 2, continued fraction beyond (Abramowitz and Stegun 7.1.5 and 7.1.14). */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  if (Math.abs(x) > 2) return Math.sign(x) * (1 - tail(Math.abs(x)));
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

export function erfc(x: number): number {
  if (Number.isNaN(x)) return x;
  return x > 2 ? tail(x) : 1 - erf(x);
}

function tail(x: number): number {
  if (x > 27) return 0;
  let fraction = 0;
  for (let n = 120; n >= 1; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * (x + fraction));
}
