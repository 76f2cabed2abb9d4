/** Arithmetic on f16 and bf16, single and packed in pairs: the upper lane is the upper half of the word. */

import type { FloatFormat } from '../float/formats.js';
import { widen } from '../float/formats.js';
import type { HalfOperation } from '../float/half.js';
import { halfBinary, halfFma, narrowDouble } from '../float/half.js';

export function half(op: HalfOperation, format: FloatFormat, a: number, b: number): number {
  return halfBinary(op, format, a & 0xffff, b & 0xffff);
}

export function half2(op: HalfOperation, format: FloatFormat, a: number, b: number): number {
  return (halfBinary(op, format, a >>> 16, b >>> 16) << 16) | halfBinary(op, format, a & 0xffff, b & 0xffff);
}

export function hfma(format: FloatFormat, relu: number, a: number, b: number, c: number): number {
  return halfFma(format, relu === 1, a & 0xffff, b & 0xffff, c & 0xffff);
}

export function hfma2(format: FloatFormat, relu: number, a: number, b: number, c: number): number {
  return (
    (halfFma(format, relu === 1, a >>> 16, b >>> 16, c >>> 16) << 16) |
    halfFma(format, relu === 1, a & 0xffff, b & 0xffff, c & 0xffff)
  );
}

/** A function of f32 on one lane of a small format. */
export function hunary(name: string, format: FloatFormat, a: number): number {
  const x = widen(a & 0xffff, format);
  const y = name === 'ex2' ? ex2(x) : name === 'tanh' ? Math.tanh(x) : NaN;
  return narrowDouble(y, 0, format, 'rn', false);
}

export function hunary2(name: string, format: FloatFormat, a: number): number {
  return (hunary(name, format, a >>> 16) << 16) | hunary(name, format, a);
}

/** 2^x in a double: the integral part is exact, the rest goes through exp. */
export function ex2(x: number): number {
  const n = Math.round(x);
  if (!(n > -1100 && n < 1100)) return 2 ** x;
  return Math.exp((x - n) * Math.LN2) * 2 ** n;
}

/** setp on two half lanes and kin: the order of two small floats, -1, 0, 1, or 2 where one is NaN. */
export function hcompare(format: FloatFormat, a: number, b: number): number {
  const x = widen(a & 0xffff, format);
  const y = widen(b & 0xffff, format);
  return x < y ? -1 : x > y ? 1 : x === y ? 0 : 2;
}
