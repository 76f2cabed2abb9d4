/** f16 and bf16 arithmetic and 8-bit conversions on bit patterns, each rounded once. Called from generated code. */

import type { FloatFormat, Rounding } from './formats.js';
import {
  BF16,
  E2M1,
  E2M3,
  E3M2,
  E4M3,
  E5M2,
  F16,
  bitsOfF32,
  f32OfBits,
  narrow,
  widen,
  widenTable,
} from './formats.js';
import { roundF32 } from './exact.js';

/** A double -> f32 with the last bit set when anything was lost: a later rounding to fewer bits is then right. */
function oddF32(value: number, error: number): number {
  const truncated = roundF32(value, error, 'rz');
  if (truncated !== truncated || truncated === Infinity || truncated === -Infinity) return truncated;
  if (truncated === value && error === 0) return truncated;
  return f32OfBits((truncated === 0 && value < 0 ? bitsOfF32(-0) : bitsOfF32(truncated)) | 1);
}

/** A double, with what is missing from it, rounded once to a small format. */
export function narrowDouble(
  value: number,
  error: number,
  format: FloatFormat,
  rounding: Rounding,
  finite: boolean,
): number {
  return narrow(bitsOfF32(oddF32(value, error)), format, rounding, finite);
}

let tables: { f16: Float32Array; bf16: Float32Array; e4m3: Float32Array; e5m2: Float32Array } | undefined;

/** The value of every pattern of f16, bf16 and the 8-bit formats. */
export function halfTables(): NonNullable<typeof tables> {
  tables ??= { f16: widenTable(F16), bf16: widenTable(BF16), e4m3: widenTable(E4M3), e5m2: widenTable(E5M2) };
  return tables;
}

export type HalfOperation = 'add' | 'sub' | 'mul' | 'min' | 'max' | 'min.NaN' | 'max.NaN';

/** One lane of `op.f16` or `op.bf16`: bits and bits -> bits. */
export function halfBinary(operation: HalfOperation, format: FloatFormat, a: number, b: number): number {
  const x = widen(a, format);
  const y = widen(b, format);
  switch (operation) {
    case 'add':
      return narrowDouble(x + y, twoSumError(x, y), format, 'rn', false);
    case 'sub':
      return narrowDouble(x - y, twoSumError(x, -y), format, 'rn', false);
    case 'mul':
      return narrowDouble(x * y, 0, format, 'rn', false);
    case 'min.NaN':
    case 'max.NaN':
      if (x !== x || y !== y) return format.nan;
      return pick(operation === 'min.NaN', a, b, x, y);
    case 'min':
    case 'max':
      if (x !== x) return y !== y ? format.nan : b;
      return y !== y ? a : pick(operation === 'min', a, b, x, y);
  }
}

function pick(least: boolean, a: number, b: number, x: number, y: number): number {
  const best = least ? Math.min(x, y) : Math.max(x, y);
  return Object.is(best, x) ? a : b;
}

function twoSumError(a: number, b: number): number {
  const s = a + b;
  if (!Number.isFinite(s)) return 0;
  const bb = s - a;
  return a - (s - bb) + (b - bb);
}

export function halfFma(format: FloatFormat, relu: boolean, a: number, b: number, c: number): number {
  const product = widen(a, format) * widen(b, format);
  const z = widen(c, format);
  const code = narrowDouble(product + z, twoSumError(product, z), format, 'rn', false);
  const negative = code >>> (format.bits - 1) !== 0;
  return relu && negative ? 0 : code;
}

/** Formats by PTX name. */
export const FORMATS: Readonly<Record<string, FloatFormat>> = {
  f16: F16,
  bf16: BF16,
  e4m3: E4M3,
  e5m2: E5M2,
  e2m1: E2M1,
  e2m3: E2M3,
  e3m2: E3M2,
};
