import fc from 'fast-check';
import {
  type Swizzle,
  allocationSize,
  applySwizzle,
  cosize,
  evaluate,
  evaluateAny,
  formatSwizzle,
  innerLayout,
  isComposed,
  makeComposed,
  makeLayout,
  makeSwizzle,
  mapInner,
  size,
  swizzleBlock,
  zippedDivide,
} from '../../../src/layout/index.js';
import { ascending, compactLayouts, invalid, layouts, range } from './arbitraries.js';

const refused = expect.objectContaining(invalid);

const swizzles: fc.Arbitrary<Swizzle> = fc
  .tuple(fc.nat(3), fc.nat(3), fc.nat(2), fc.boolean())
  .map(([bits, base, extra, up]) => makeSwizzle(bits, base, (up ? 1 : -1) * (bits + extra)));

/** The definition by masks, on BigInts. */
function byMasks({ bits, base, shift }: Swizzle, index: number): number {
  const mask = (1n << BigInt(bits)) - 1n;
  const yyy = mask << BigInt(base + Math.max(0, shift));
  const field = BigInt(index) & yyy;
  return Number(BigInt(index) ^ (shift >= 0 ? field >> BigInt(shift) : field << BigInt(-shift)));
}

describe('swizzle', () => {
  test('is the definition by masks, up to 2^53', () => {
    const wide = fc
      .tuple(fc.nat(26), fc.nat(20), fc.integer({ min: -30, max: 30 }))
      .filter(([bits, base, shift]) => Math.abs(shift) >= bits && bits + base + Math.abs(shift) <= 53)
      .map(([bits, base, shift]) => makeSwizzle(bits, base, shift));
    fc.assert(
      fc.property(fc.oneof(swizzles, wide), fc.oneof(fc.nat(4096), fc.maxSafeNat()), (swizzle, index) => {
        expect(applySwizzle(swizzle, index)).toBe(byMasks(swizzle, index));
      }),
      { numRuns: 2000 },
    );
  });

  test('is its own inverse', () => {
    fc.assert(
      fc.property(swizzles, fc.nat(100_000), (swizzle, index) => {
        expect(applySwizzle(swizzle, applySwizzle(swizzle, index))).toBe(index);
      }),
    );
  });

  test('permutes each aligned block, in runs of 2^base', () => {
    fc.assert(
      fc.property(swizzles, fc.nat(5), (swizzle, which) => {
        const block = swizzleBlock(swizzle);
        const images = range(block).map((i) => applySwizzle(swizzle, which * block + i));
        expect(ascending(images)).toEqual(range(block).map((i) => which * block + i));
        const run = 2 ** swizzle.base;
        images.forEach((image, i) => expect(image % run).toBe(i % run));
      }),
    );
  });

  test('S<3,0,3> spreads a column of an 8 x 8 tile over all banks', () => {
    const tile = makeComposed(makeSwizzle(3, 0, 3), makeLayout([8, 8], [8, 1]));
    for (const column of range(8)) {
      const banks = range(8).map((row) => evaluateAny(tile, [row, column]) % 8);
      expect(new Set(banks).size).toBe(8);
    }
    expect(evaluateAny(tile, [3, 5])).toBe(30);
  });

  test('illegal fields are refused', () => {
    expect(() => makeSwizzle(3, 4, 2)).toThrow(refused);
    expect(() => makeSwizzle(-1, 4, 3)).toThrow(refused);
    expect(() => makeSwizzle(3, -1, 3)).toThrow(refused);
    expect(() => makeSwizzle(3, 4, 3.5)).toThrow(refused);
    expect(() => makeSwizzle(20, 14, 20)).toThrow(refused);
    expect(() => applySwizzle(makeSwizzle(3, 4, 3), -1)).toThrow(refused);
    expect(formatSwizzle(makeSwizzle(2, 1, -2))).toBe('S<2,1,-2>');
  });
});

describe('composed layouts', () => {
  test('swizzle o offset o layout', () => {
    fc.assert(
      fc.property(swizzles, fc.nat(64), layouts, (swizzle, offset, layout) => {
        const composed = makeComposed(swizzle, layout, offset);
        const images = range(size(layout)).map((i) => {
          const value = applySwizzle(swizzle, offset + evaluate(layout, i));
          expect(evaluateAny(composed, i)).toBe(value);
          return value;
        });
        expect(Math.max(...images)).toBeLessThan(allocationSize(composed));
        expect(allocationSize(composed) - offset - cosize(layout)).toBeLessThan(swizzleBlock(swizzle));
        expect([isComposed(composed), isComposed(layout)]).toEqual([true, false]);
        expect([innerLayout(composed), innerLayout(layout)]).toEqual([layout, layout]);
        expect(evaluateAny(layout, 0)).toBe(0);
        expect(allocationSize(layout)).toBe(cosize(layout));
      }),
    );
  });

  test('a change of coordinates acts under the swizzle', () => {
    fc.assert(
      fc.property(swizzles, compactLayouts([2, 4]), (swizzle, layout) => {
        const composed = makeComposed(swizzle, layout, 4);
        const tiles = mapInner(composed, (inner) => zippedDivide(inner, 2));
        for (const i of range(size(layout))) {
          expect(evaluateAny(tiles, [i % 2, Math.floor(i / 2)])).toBe(evaluateAny(composed, i));
        }
        expect(mapInner(layout, (inner) => zippedDivide(inner, 2))).toEqual(zippedDivide(layout, 2));
      }),
    );
  });

  test('a negative offset is refused', () => {
    expect(() => makeComposed(makeSwizzle(0, 4, 3), makeLayout(8), -1)).toThrow(refused);
  });
});
