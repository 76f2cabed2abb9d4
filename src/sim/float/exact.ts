/**
 * f32 and f64 arithmetic with one rounding, for what a double cannot round by itself.
 *
 * The sum or product of two f32 numbers, rounded to double and then to f32, is rounded as if once (a double has more
 * than 2 * 24 + 2 bits), and so are the quotient and the square root. What is left is here: fused multiply-add, the
 * directed roundings and 1 / sqrt.
 */

import type { Rounding } from './formats.js';
import { bitsOfF32, f32OfBits } from './formats.js';

const fround = Math.fround;
const double = new Float64Array(1);
const words = new Int32Array(double.buffer);

/** The error of the double sum `s` of `a` and `b`: a + b = s + error exactly (Knuth's two-sum). */
function sumError(a: number, b: number, s: number): number {
  const bb = s - a;
  return a - (s - bb) + (b - bb);
}

/** Moves an inexact double to the neighbour with an odd last bit, so that a second rounding cannot be misled. */
function toOdd(s: number, error: number): number {
  if (error === 0 || error !== error) return s;
  double[0] = s;
  if ((words[0]! & 1) !== 0) return s;
  // One step towards the true value: the magnitude grows if the error has the sign of s.
  const grow = error > 0 === s > 0;
  if (grow) words[0] = words[0]! | 1;
  else {
    if (words[0] === 0) words[1] = words[1]! - 1;
    words[0] = words[0]! - 1;
  }
  return double[0];
}

/** a * b + c on f32 numbers, rounded once to f32. The product of two f32 numbers is exact in a double. */
export function fmaF32(a: number, b: number, c: number): number {
  const p = a * b;
  const s = p + c;
  return fround(toOdd(s, sumError(p, c, s)));
}

/** A real number given as a double and what is missing from it, to f32 in one of PTX's roundings. */
export function roundF32(value: number, error: number, rounding: Rounding): number {
  if (rounding === 'rn' || rounding === 'rna') return fround(toOdd(value, error));
  const nearest = fround(value);
  if (value !== value || (nearest === value && error === 0)) return nearest;
  if (value === Infinity || value === -Infinity) return nearest;
  const above = nearest > value || (nearest === value && error < 0);
  const below = nearest < value || (nearest === value && error > 0);
  const down = rounding === 'rm' || (rounding === 'rz' && (value > 0 || (value === 0 && error > 0)));
  if (down) return above ? stepF32(nearest, false) : nearest;
  return below ? stepF32(nearest, true) : nearest;
}

/** The next f32 up or down. */
function stepF32(x: number, up: boolean): number {
  if (x === 0) return up ? 2 ** -149 : -(2 ** -149);
  const grow = x > 0 === up;
  return f32OfBits(bitsOfF32(x) + (grow ? 1 : -1));
}

export function addF32(a: number, b: number, rounding: Rounding): number {
  const s = a + b;
  const exact = roundF32(s, sumError(a, b, s), rounding);
  // An exact zero from unlike signs is negative when rounding down.
  return s === 0 && rounding === 'rm' && !(Object.is(a, 0) && Object.is(b, 0)) ? -0 : exact;
}

export function mulF32(a: number, b: number, rounding: Rounding): number {
  return roundF32(a * b, 0, rounding);
}

export function fmaF32Directed(a: number, b: number, c: number, rounding: Rounding): number {
  const p = a * b;
  return addF32Wide(p, c, rounding);
}

function addF32Wide(p: number, c: number, rounding: Rounding): number {
  const s = p + c;
  const exact = roundF32(s, sumError(p, c, s), rounding);
  return s === 0 && rounding === 'rm' && !(Object.is(p, 0) && Object.is(c, 0)) ? -0 : exact;
}

/** a / b to f32: the remainder's sign says on which side of the double quotient the true one lies. */
export function divF32(a: number, b: number, rounding: Rounding): number {
  const q = a / b;
  if (q !== q || q === Infinity || q === -Infinity || q === 0) return fround(q);
  // Round the quotient to f32 first: q32 * b is then exact in a double, and so is the comparison with a.
  const nearest = fround(q);
  if (rounding === 'rn' || rounding === 'rna' || nearest === Infinity || nearest === -Infinity)
    return roundF32(q, 0, rounding);
  const product = nearest * b;
  const error = product === a ? 0 : product > a === b > 0 ? -1 : 1;
  return roundF32(nearest, error, rounding);
}

export function sqrtF32(x: number, rounding: Rounding): number {
  const root = fround(Math.sqrt(x));
  if (rounding === 'rn' || rounding === 'rna' || root !== root || root === 0 || root === Infinity)
    return root;
  const square = root * root;
  return roundF32(root, square === x ? 0 : square > x ? -1 : 1, rounding);
}

/** 1 / sqrt(x), correctly rounded to f32: a tie that the double cannot decide is decided with integers. */
export function rsqrtF32(x: number): number {
  const estimate = 1 / Math.sqrt(x);
  const low = fround(estimate * (1 - 2 ** -50));
  const high = fround(estimate * (1 + 2 ** -50));
  if (low === high || estimate !== estimate) return fround(estimate);
  // The candidates are neighbours; their midpoint m is above the root iff m * m * x > 1.
  const middle = (low + high) / 2;
  return compareSquareTimes(middle, x) > 0 ? low : high;
}

/** Sign of m * m * x - 1, exactly. */
function compareSquareTimes(m: number, x: number): number {
  const [mi, me] = integerTimesPower(m);
  const [xi, xe] = integerTimesPower(x);
  const exponent = 2 * me + xe;
  let left = mi * mi * xi;
  let right = 1n;
  if (exponent >= 0) left <<= BigInt(exponent);
  else right <<= BigInt(-exponent);
  return left > right ? 1 : left < right ? -1 : 0;
}

/** A positive finite double as integer * 2^exponent. */
export function integerTimesPower(x: number): [bigint, number] {
  double[0] = x;
  const high = words[1]!;
  const field = (high >>> 20) & 0x7ff;
  const fraction = (BigInt(high & 0xfffff) << 32n) | BigInt(words[0]! >>> 0);
  return field === 0 ? [fraction, -1074] : [fraction | (1n << 52n), field - 1075];
}

/** a * b + c on doubles, rounded once (integers; for `fma.rn.f64`). */
export function fmaF64(a: number, b: number, c: number): number {
  if (!Number.isFinite(a) || !Number.isFinite(b) || !Number.isFinite(c) || a === 0 || b === 0)
    return a * b + c;
  if (c === 0) return a * b === 0 ? a * b + c : roundRational(a, b, 0);
  return roundRational(a, b, c);
}

function signedParts(x: number): [bigint, number] {
  const [mantissa, exponent] = integerTimesPower(Math.abs(x));
  return [x < 0 ? -mantissa : mantissa, exponent];
}

function roundRational(a: number, b: number, c: number): number {
  const [am, ae] = signedParts(a);
  const [bm, be] = signedParts(b);
  const [cm, ce] = signedParts(c);
  const exponent = Math.min(ae + be, ce);
  const sum = ((am * bm) << BigInt(ae + be - exponent)) + (cm << BigInt(ce - exponent));
  return scaleToF64(sum, exponent);
}

/** integer * 2^exponent, rounded to nearest even double. */
export function scaleToF64(integer: bigint, exponent: number): number {
  if (integer === 0n) return 0;
  const negative = integer < 0n;
  let magnitude = negative ? -integer : integer;
  const excess = Math.max(magnitude.toString(2).length - 53, -1074 - exponent);
  if (excess > 0) {
    const shift = BigInt(excess);
    const rest = magnitude & ((1n << shift) - 1n);
    const half = 1n << (shift - 1n);
    magnitude >>= shift;
    if (rest > half || (rest === half && (magnitude & 1n) === 1n)) magnitude += 1n;
    exponent += excess;
  }
  // Two factors, so that neither over- nor underflows before the product does.
  const first = Math.trunc(exponent / 2);
  const value = Number(magnitude) * 2 ** first * 2 ** (exponent - first);
  return negative ? -value : value;
}
