/** Conversions among integers, f32, f64 and the small float formats, rounded as PTX says. */

import { addF32, fmaF32, fmaF32Directed } from '../float/exact.js';
import type { Rounding } from '../float/formats.js';
import { F16, bitsOfF32, narrow, widen } from '../float/formats.js';
import { FORMATS, narrowDouble } from '../float/half.js';
import { HI, signedBig, small, unsigned, words } from './wide.js';

const doubleView = new Float64Array(1);
const doubleWords = new Int32Array(doubleView.buffer);

/** A float to an integer of `bits` bits: rounded, then clamped; NaN gives 0. */
export function toInteger(x: number, mode: string, bits: number, signed: number): number {
  if (x !== x) return 0;
  const rounded = roundIntegral(x, mode);
  const most = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  const least = signed ? -(2 ** (bits - 1)) : 0;
  const clamped = rounded < least ? least : rounded > most ? most : rounded;
  return clamped | 0;
}

export function toInteger64(x: number, mode: string, signed: number): number {
  if (x !== x) return words(0, 0);
  const rounded = roundIntegral(x, mode);
  if (signed) {
    if (rounded >= 2 ** 63) return words(-1, 0x7fffffff);
    if (rounded <= -(2 ** 63)) return words(0, -0x80000000);
  } else {
    if (rounded >= 2 ** 64) return words(-1, -1);
    if (rounded <= 0) return words(0, 0);
  }
  return small(BigInt(rounded));
}

/** To an integral value, by `rni`, `rzi`, `rmi` or `rpi`. */
export function roundIntegral(x: number, mode: string): number {
  switch (mode) {
    case 'rzi':
      return Math.trunc(x);
    case 'rmi':
      return Math.floor(x);
    case 'rpi':
      return Math.ceil(x);
    default: {
      if (Math.abs(x) >= 2 ** 52 || x === 0) return x;
      const down = Math.floor(x);
      const rest = x - down;
      const up = rest > 0.5 || (rest === 0.5 && down % 2 !== 0);
      const result = up ? down + 1 : down;
      return result === 0 && x < 0 ? -0 : result;
    }
  }
}

/** A 64-bit integer to f32, rounded once. */
export function wideToF32(lo: number, hi: number, signed: number, rounding: Rounding): number {
  return signed === 1 ? bigToF32(signedBig(lo, hi), rounding) : bigToF32(unsigned(lo, hi), rounding);
}

export function bigToF32(value: bigint, rounding: Rounding): number {
  const double = Number(value);
  const error = Number(value - BigInt(double));
  return addF32Exact(double, error, rounding);
}

export function addF32Exact(value: number, error: number, rounding: Rounding): number {
  // The double is the nearest one, so value + error is exact as a pair.
  return fmaF32DirectedPair(value, error, rounding);
}

export function fmaF32DirectedPair(value: number, error: number, rounding: Rounding): number {
  return rounding === 'rn' ? fmaF32(1, value, error) : fmaF32Directed(1, value, error, rounding);
}

export function wideToF64(lo: number, hi: number, signed: number): number {
  return signed === 1 ? Number(signedBig(lo, hi)) : Number(unsigned(lo, hi));
}

export function wordToF32(x: number, rounding: Rounding): number {
  return addF32(x, 0, rounding);
}

/** The double in two words. */
export function dbl(lo: number, hi: number): number {
  doubleWords[0] = lo;
  doubleWords[1] = hi;
  return doubleView[0]!;
}

export function undbl(x: number): number {
  if (x !== x) {
    HI[0] = 0x7fffffff;
    return -1;
  }
  doubleView[0] = x;
  HI[0] = doubleWords[1]!;
  return doubleWords[0]!;
}

/** Words to a small format, and a pair of them packed: `a` in the upper half. */
export function narrowTo(
  name: string,
  bits: number,
  rounding: Rounding,
  finite: number,
  relu: number,
): number {
  const format = FORMATS[name]!;
  const code = narrow(bits, format, rounding, finite === 1);
  const negative = code >>> (format.bits - 1) !== 0;
  return relu && negative && code !== format.nan ? 0 : code;
}

export function widenF16x2(name: string, pair: number, relu: number): number {
  const format = FORMATS[name]!;
  const mask = (1 << format.bits) - 1;
  // e2m1 packs two to a byte; the 6-bit formats take a byte each.
  const step = format.bits === 4 ? 4 : 8;
  const lane = (code: number): number => {
    const half = narrow(bitsOfF32(widen(code & mask, format)), F16, 'rn', false);
    return relu && half >>> 15 && half !== F16.nan ? 0 : half;
  };
  return (lane(pair >>> step) << 16) | lane(pair);
}

export function narrowF64(name: string, x: number, rounding: Rounding): number {
  return narrowDouble(x, 0, FORMATS[name]!, rounding, false);
}

/** ue8m0: the power of two at or above (`rp`) or below (`rz`) a magnitude; 0xff is NaN. */
export function toUe8m0(bits: number, up: number, finite: number): number {
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return 0xff;
  const code = (magnitude >>> 23) + (up && (magnitude & 0x7fffff) !== 0 ? 1 : 0);
  return code >= 0xff ? (finite ? 0xfe : 0xff) : code;
}
