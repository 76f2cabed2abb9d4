import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BF16, E4M3, E5M2, F16, narrow, widen, type FloatFormat } from '../../../../src/sim/index.js';
import type { Dtype, Rounding } from '../../../../src/spec/index.js';
import { roundTo, spacing } from '../../../../src/verify/reference/index.js';

const FORMATS: Readonly<Partial<Record<Dtype, FloatFormat>>> = {
  bf16: BF16,
  f16: F16,
  e4m3: E4M3,
  e5m2: E5M2,
};
const word = new DataView(new ArrayBuffer(4));
const bits = (x: number): number => {
  word.setFloat32(0, x);
  return word.getInt32(0);
};

describe.each(Object.entries(FORMATS) as [Dtype, FloatFormat][])('%s', (dtype, format) => {
  test('every value rounds to itself', () => {
    for (let code = 0; code < 2 ** format.bits; code++) {
      const value = widen(code, format);
      expect(roundTo(value, dtype, 'rn', false)).toEqual(
        Math.abs(value) === Infinity && format.infinity < 0
          ? Math.sign(value) * widen(format.max, format)
          : value,
      );
    }
  });

  test.each(['rn', 'rz', 'rm', 'rp'] as const)('%s of any f32 is what the bits say', (rounding: Rounding) => {
    const saturates = format.infinity < 0;
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (x) => {
        expect(roundTo(x, dtype, rounding, saturates)).toBe(
          widen(narrow(bits(x), format, rounding, saturates), format),
        );
      }),
      { numRuns: 3000 },
    );
  });
});

test('f32 rounds as Math.fround does', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (x) =>
      expect(roundTo(x, 'f32', 'rn', false)).toBe(Math.fround(x)),
    ),
    { numRuns: 5000 },
  );
});

test('integers round by name and saturate where asked', () => {
  expect([2.5, 3.5, -2.5].map((x) => roundTo(x, 'i8', 'rn', true))).toEqual([2, 4, -2]);
  expect([2.7, -2.7].map((x) => roundTo(x, 'i32', 'rz', false))).toEqual([2, -2]);
  expect([200, -200, 127.6].map((x) => roundTo(x, 'i8', 'rn', true))).toEqual([127, -128, 127]);
});

test('spacing is the distance to the next value', () => {
  expect(spacing(1, 'f32')).toBe(2 ** -23);
  expect(spacing(-3, 'bf16')).toBe(2 ** -6);
  expect(spacing(0, 'f16')).toBe(2 ** -24);
  expect(spacing(448, 'e4m3')).toBe(32);
  expect(spacing(5, 'i8')).toBe(1);
});
