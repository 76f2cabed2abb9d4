import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { VariantEntry } from '../../../src/device/index.js';
import { parseSpec, type Dtype } from '../../../src/spec/index.js';
import { entryStrides, indexOf, layoutOf, offsetsOf } from '../../../src/verify/layout.js';
import { Random, seedOf } from '../../../src/verify/random.js';
import { roundTo } from '../../../src/verify/reference/index.js';
import { bytesOf, codecOf } from '../../../src/verify/storage.js';
import { planned, twiceApart } from './subjects.js';

describe('layouts', () => {
  test('strides that a launch gives are longer than the rows they step over', () => {
    const out = twiceApart.bound.tensors[1]!;
    const layout = layoutOf(out, twiceApart.variant, { tokens: 3, cols: 4 });
    expect(layout.shape).toEqual([3, 4]);
    expect(layout.strides[0]).toBeGreaterThan(4);
    expect(layout.span).toBe(2 * layout.strides[0]! + 4);
    expect([...offsetsOf(layout)].slice(3, 6)).toEqual([3, layout.strides[0]!, layout.strides[0]! + 1]);
  });

  test('and a multiple of what the guards ask for', () => {
    const guards: VariantEntry['guards'] = [{ kind: 'strideMultiple', tensor: 'out', axis: 0, value: 8 }];
    const out = twiceApart.bound.tensors[1]!;
    const { strides } = layoutOf(out, { ...twiceApart.variant, guards }, { tokens: 3, cols: 4 });
    expect(strides[0]! % 8).toBe(0);
    expect(strides[0]).toBeGreaterThan(4);
  });

  test('merged modes, blocks and extra elements; no rows take no space', () => {
    const spec = parseSpec(
      `
kernel: shapes
doc: Shapes of every kind.
dims: { rows: dynamic, two: 2, half: 3, wide: 8 }
tensors:
  x: { shape: [rows, two*half], dtype: f32 }
  scale: { shape: [rows, wide/4], dtype: f32 }
  offsets: { shape: [rows+1], dtype: i32 }
  out: { shape: [rows, two, half, wide], dtype: f32, access: out }
formula: |
  out = f32(x) * f32(scale) + f32(sum[rows in offsets](f32(x)))
`,
      'own.yaml',
    );
    const { bound, variant } = planned(spec, { dims: {}, types: {}, flags: {} }, 'rows');
    const extents = { rows: 5, two: 2, half: 3, wide: 8 };
    const of = (i: number, rows = 5) => layoutOf(bound.tensors[i]!, variant, { ...extents, rows });
    expect(of(0)).toEqual({ shape: [5, 2, 3], strides: [6, 3, 1], span: 30 });
    expect(entryStrides(bound.tensors[0]!, of(0))).toEqual([6, 1]);
    expect(of(1)).toEqual({ shape: [5, 2], strides: [2, 1], span: 10 });
    expect(of(2)).toMatchObject({ shape: [6], span: 6 });
    expect(of(2, 0)).toMatchObject({ shape: [1], span: 1 });
    expect(of(3, 0).span).toBe(0);
  });

  test('positions count up row by row', () => {
    expect([0, 1, 4, 23].map((i) => indexOf(i, [2, 3, 4]))).toEqual([
      [0, 0, 0],
      [0, 0, 1],
      [0, 1, 0],
      [1, 2, 3],
    ]);
  });
});

describe('values in memory', () => {
  const view = new DataView(new ArrayBuffer(16));

  test.each(['f32', 'bf16', 'f16', 'e4m3', 'e5m2'] as const)(
    '%s: every value comes back as it was',
    (dtype) => {
      const { read, write } = codecOf(dtype);
      fc.assert(
        fc.property(fc.double({ noNaN: true }), fc.integer({ min: 0, max: 8 }), (x, at) => {
          const value = roundTo(x, dtype, 'rn', true);
          write(view, at, value);
          expect(read(view, at)).toBe(value);
        }),
      );
      write(view, 0, NaN);
      expect(read(view, 0)).toBeNaN();
    },
  );

  const INTEGERS: readonly (readonly [Dtype, number, number])[] = [
    ['i8', -128, 127],
    ['u8', 0, 255],
    ['i32', -(2 ** 31), 2 ** 31 - 1],
    ['i64', -(2 ** 53) + 1, 2 ** 53 - 1],
    ['bool', 0, 1],
  ];
  test.each(INTEGERS)('%s: from %d to %d', (dtype, least, most) => {
    const { read, write } = codecOf(dtype);
    for (const value of [least, most, 0, 1]) {
      write(view, 0, value);
      expect(read(view, 0)).toBe(value);
    }
  });

  test('bytes lie little-endian, and take what the dtype takes', () => {
    codecOf('bf16').write(view, 0, 1);
    expect([view.getUint8(0), view.getUint8(1)]).toEqual([0x80, 0x3f]);
    expect((['f32', 'bf16', 'e4m3', 'i64', 'bool'] as const).map(bytesOf)).toEqual([4, 2, 1, 8, 1]);
  });
});

test('a seed gives the same numbers, spread as they should be', () => {
  const draw = (seed: string): number[] => {
    const random = new Random(seedOf(seed));
    return Array.from({ length: 2000 }, () => random.normal());
  };
  expect(draw('a')).toEqual(draw('a'));
  expect(draw('a')).not.toEqual(draw('b'));
  const mean = draw('a').reduce((sum, x) => sum + x, 0) / 2000;
  const variance = draw('a').reduce((sum, x) => sum + x * x, 0) / 2000;
  expect(Math.abs(mean)).toBeLessThan(0.1);
  expect(Math.abs(variance - 1)).toBeLessThan(0.15);
  const order = new Random(7).permutation(50);
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
});
