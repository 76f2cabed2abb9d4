import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { applyInteger } from '../../../../src/verify/reference/integers.js';
import type { BinaryOp, Dtype } from '../../../../src/spec/index.js';
import { row } from './probe.js';

const tensors = (from: Dtype, to: Dtype): string =>
  `x: { shape: [rows, cols], dtype: ${from} }, out: { shape: [rows, cols], dtype: ${to}, access: out }`;
const certain = (from: Dtype, to: Dtype, formula: string, x: readonly number[]): readonly number[] => {
  const { values, error } = row(tensors(from, to), formula, { x });
  expect(error).toEqual([0, 0, 0, 0]);
  return values;
};

test('i32 wraps: sums, products, quotients and signs', () => {
  const edges = [-(2 ** 31), 2 ** 31 - 1, 0, -7];
  expect(certain('i32', 'i32', 'out = -x', edges)).toEqual([-(2 ** 31), -(2 ** 31) + 1, 0, 7]);
  expect(certain('i32', 'i32', 'out = x + x', edges)).toEqual([0, -2, 0, -14]);
  expect(certain('i32', 'i32', 'out = x * 65537', edges)).toEqual([-(2 ** 31), 2 ** 31 - 65537, 0, -458759]);
  expect(certain('i32', 'i32', 'out = x / 2', edges)).toEqual([-(2 ** 30), 2 ** 30 - 1, 0, -4]);
  expect(certain('i32', 'i32', 'out = x % 4', edges)).toEqual([0, 3, 0, 1]);
});

test('casts that narrow wrap, or saturate where asked', () => {
  const x = [2 ** 31, -(2 ** 33) - 1, 300, -300];
  expect(certain('i64', 'i32', 'out = i32(x)', x)).toEqual([-(2 ** 31), -1, 300, -300]);
  expect(certain('i64', 'i32', 'out = i32.sat(x)', x)).toEqual([2 ** 31 - 1, -(2 ** 31), 300, -300]);
  const y = [127, 128, 300, -129];
  expect(certain('i32', 'i8', 'out = i8(x)', y)).toEqual([127, -128, 44, 127]);
  expect(certain('i32', 'u8', 'out = u8(x)', y)).toEqual([127, 128, 44, 127]);
});

test('f32 to i64 saturates: 2^63 stands for the largest, which is one less', () => {
  const { values, error } = row(tensors('f32', 'i64'), 'out = i64.rz(x)', {
    x: [1e30, -1e30, 2.75, -Infinity],
  });
  expect(values).toEqual([2 ** 63, -(2 ** 63), 2, -(2 ** 63)]);
  expect(error).toEqual([1, 0, 0, 0]);
  // What depends on it is unknown; a number that is no integer's too.
  const more = row(tensors('f32', 'i64'), 'out = i64.rz(x) + i64(1)', { x: [1e30, NaN, 2.75, -3] });
  expect(more.error).toEqual([Infinity, Infinity, 0, 0]);
});

test('i64 arithmetic is that of 64 bits, as close as float64 has it', () => {
  const half = [fc.integer({ min: -40, max: 40 }), fc.integer(), fc.maxSafeInteger()];
  // Every one of these is a float64.
  const number = fc
    .tuple(fc.oneof(...half), fc.integer({ min: 0, max: 63 }))
    .map(([x, shift]) => (Math.abs(x * 2 ** shift) < 2 ** 63 ? x * 2 ** shift : x) + 0);
  fc.assert(
    fc.property(
      fc.constantFrom<BinaryOp>('+', '-', '*', '/', '%', 'min', 'max'),
      number,
      number,
      (op, x, y) => {
        fc.pre(y !== 0);
        const [a, b] = [BigInt(x), BigInt(y)];
        const down = (a - (((a % b) + b) % b)) / b;
        const wanted = {
          '+': a + b,
          '-': a - b,
          '*': a * b,
          '/': down,
          '%': a - down * b,
          min: a < b ? a : b,
          max: a < b ? b : a,
        }[op as '+'];
        const bits = BigInt.asIntN(64, wanted);
        const { values, error } = applyInteger(op, 'i64', {
          a: Float64Array.of(x),
          b: Float64Array.of(y),
          ea: undefined,
          eb: undefined,
        });
        expect(values[0]).toBe(Number(bits));
        const off = bits - BigInt(values[0]!);
        expect(error?.[0] ?? 0).toBe(Number(off < 0n ? -off : off));
      },
    ),
    { numRuns: 5000 },
  );
});

test('the smallest i64 has no opposite', () => {
  expect(certain('i64', 'i64', 'out = -x', [-(2 ** 63), 5, 0, -1])).toEqual([-(2 ** 63), -5, 0, 1]);
  expect(certain('i64', 'i64', 'out = x * i64(4)', [2 ** 62, 2 ** 61, 3, -(2 ** 61)])).toEqual([
    0,
    -(2 ** 63),
    12,
    -(2 ** 63),
  ]);
});
