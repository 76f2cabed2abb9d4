/** Numbers -> the text that stands for them in generated code. */

import type { Pair } from './pair.js';

export function literal(value: number): string {
  return value < 0 ? `(${value})` : String(value);
}

const view = new DataView(new ArrayBuffer(8));

/** Text of the f32 with these bits. */
export function floatLiteral(bits: number): string {
  view.setInt32(0, bits);
  const value = view.getFloat32(0);
  if (value !== value) return 'NaN';
  if (value === Infinity) return 'Infinity';
  if (value === -Infinity) return '(-Infinity)';
  // A value with a fraction or an exponent keeps the engine from treating the variable as an integer.
  return Object.is(value, -0) ? '(-0)' : value < 0 ? `(${value})` : String(value);
}

export function f32Bits(doubleBits: bigint): number {
  view.setBigUint64(0, doubleBits);
  const value = view.getFloat64(0);
  view.setFloat32(0, value);
  return view.getInt32(0);
}

export function wide(value: bigint): Pair {
  return {
    lo: literal(Number(BigInt.asIntN(32, value))),
    hi: literal(Number(BigInt.asIntN(32, value >> 32n))),
  };
}
