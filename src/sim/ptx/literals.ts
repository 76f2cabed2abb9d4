/** Numbers and type names of PTX. */

import type { PtxOperand } from './ast.js';

export type NumberOperand = Extract<PtxOperand, { kind: 'integer' | 'float' }>;

const double = new DataView(new ArrayBuffer(8));

/** `17`, `0x1F`, `0f3F800000`, `0d3FF0000000000000`, `1.5` (a double). */
export function parseNumber(text: string): NumberOperand {
  const prefix = text.slice(0, 2).toLowerCase();
  if (prefix === '0f') return { kind: 'float', bits: BigInt(`0x${text.slice(2)}`), width: 32 };
  if (prefix === '0d') return { kind: 'float', bits: BigInt(`0x${text.slice(2)}`), width: 64 };
  const digits = text.replace(/U$/, '');
  if (prefix !== '0x' && digits.includes('.')) {
    double.setFloat64(0, Number(digits));
    return { kind: 'float', bits: double.getBigUint64(0), width: 64 };
  }
  if (prefix !== '0x' && /^0[0-7]+$/.test(digits)) return { kind: 'integer', value: BigInt(`0o${digits}`) };
  return { kind: 'integer', value: BigInt(digits) };
}

const BYTES: ReadonlyMap<string, number> = new Map([
  ...['b8', 'u8', 's8'].map((t) => [t, 1] as const),
  ...['b16', 'u16', 's16', 'f16', 'bf16'].map((t) => [t, 2] as const),
  ...['b32', 'u32', 's32', 'f32', 'f16x2', 'bf16x2', 'tf32'].map((t) => [t, 4] as const),
  ...['b64', 'u64', 's64', 'f64', 'f32x2'].map((t) => [t, 8] as const),
  ['b128', 16],
]);

/** Bytes of a fundamental type; undefined for what is not one. */
export function typeBytes(type: string): number | undefined {
  return BYTES.get(type);
}
