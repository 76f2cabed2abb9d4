/** Independent arithmetic: rationals as BigInt * 2^exponent, rounded to a format by search. */

import { float } from './harness.js';

/** integer * 2^exponent */
export interface Exact {
  readonly integer: bigint;
  readonly exponent: number;
}

/** The value of a finite double, exactly. */
export function exact(x: number): Exact {
  if (x === 0) return { integer: 0n, exponent: 0 };
  let exponent = 0;
  let scaled = x;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    exponent--;
  }
  return { integer: BigInt(scaled), exponent };
}

export function add(a: Exact, b: Exact): Exact {
  const exponent = Math.min(a.exponent, b.exponent);
  const integer = (a.integer << BigInt(a.exponent - exponent)) + (b.integer << BigInt(b.exponent - exponent));
  return { integer, exponent };
}

export function multiply(a: Exact, b: Exact): Exact {
  return { integer: a.integer * b.integer, exponent: a.exponent + b.exponent };
}

/** -1, 0 or 1 */
export function compare(a: Exact, b: Exact): number {
  const { integer } = add(a, { integer: -b.integer, exponent: b.exponent });
  return integer < 0n ? -1 : integer > 0n ? 1 : 0;
}

export type Mode = 'rn' | 'rz' | 'rm' | 'rp';

/**
 * Bits of the f32 nearest to a nonzero value, found by bisection over the patterns of its sign, which are ordered like
 * their magnitudes. The pattern of infinity stands for 2^128 there, as IEEE 754 rounds.
 */
export function toF32Bits(value: Exact, mode: Mode): number {
  const negative = value.integer < 0n;
  const magnitude = { integer: negative ? -value.integer : value.integer, exponent: value.exponent };
  let low = 0;
  let high = 0x7f800000;
  const at = (pattern: number): Exact =>
    pattern === 0x7f800000 ? { integer: 1n, exponent: 128 } : exact(float(pattern));
  if (compare(magnitude, at(high)) >= 0) low = high;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (compare(at(middle), magnitude) <= 0) low = middle;
    else high = middle;
  }
  let code = low;
  if (low < 0x7f800000 && compare(at(low), magnitude) !== 0) {
    const twice = { integer: magnitude.integer * 2n, exponent: magnitude.exponent };
    const side = compare(twice, add(at(low), at(low + 1)));
    const away =
      mode === 'rn'
        ? side > 0 || (side === 0 && (low & 1) === 1)
        : mode === 'rz'
          ? false
          : (mode === 'rm') === negative;
    if (away) code = low + 1;
  } else if (
    low === 0x7f800000 &&
    compare(magnitude, at(low)) >= 0 &&
    (mode === 'rz' || (mode === 'rm') !== negative)
  ) {
    if (mode !== 'rn') code = 0x7f7fffff;
  }
  return negative ? code | -0x80000000 : code;
}
