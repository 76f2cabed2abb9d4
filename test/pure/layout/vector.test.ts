import fc from 'fast-check';
import {
  type Layout,
  type VectorLimits,
  evaluate,
  evaluateAny,
  formatLayout,
  isInjective,
  makeComposed,
  makeLayout,
  makeSwizzle,
  maxCommonLayout,
  maxCommonVector,
  maxVectorWidth,
  modeOf,
  modesOf,
  parseLayout,
  size,
} from '../../../src/layout/index.js';
import { invalid, layouts, range, relatedLayouts, values } from './arbitraries.js';

const refused = expect.objectContaining(invalid);
const L = parseLayout;

/** Largest n so that for each i < n, both layouts reach i, and from the same index. */
function commonByEnumeration(a: Layout, b: Layout): number {
  const from = (layout: Layout): Map<number, number> =>
    new Map(values(layout).map((value, index) => [value, index]));
  const [first, second] = [from(a), from(b)];
  let n = 0;
  while (first.has(n) && first.get(n) === second.get(n)) n++;
  return n;
}

describe('largest common vector', () => {
  test('is common to both, and for injective layouts none is longer', () => {
    fc.assert(
      fc.property(fc.oneof(relatedLayouts, fc.tuple(layouts, layouts)), ([a, b]) => {
        const common = maxCommonLayout(a, b);
        for (const layout of [a, b]) {
          const images = values(common).map((index) => evaluate(layout, index));
          expect(images).toEqual(range(size(common)));
        }
        expect(maxCommonVector(a, b)).toBe(size(common));
        if (isInjective(a) && isInjective(b)) {
          expect(size(common)).toBe(commonByEnumeration(a, b));
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('examples', () => {
    const common = (a: string, b: string): string => formatLayout(maxCommonLayout(L(a), L(b)));
    expect(common('(4,8):(1,4)', '(4,8):(1,8)')).toBe('4:1');
    expect(common('(4,8):(8,1)', '(4,8):(1,8)')).toBe('1:0');
    expect(common('(4,8):(8,1)', '(4,8):(16,1)')).toBe('8:4');
    expect(common('(4,8,2):(8,1,32)', '(4,8,2):(8,1,64)')).toBe('(8,4):(4,1)');
    expect(common('8:1', '(4,2):(1,4)')).toBe('8:1');
    expect(common('(2,4):(0,1)', '(2,4):(4,1)')).toBe('4:2');
  });
});

describe('widest access', () => {
  const bf16: VectorLimits = { elementBits: 16, alignBytes: 16, maxAccessBits: 128 };

  test('rows of a matrix: the extent, the row stride, the alignment and the access bound it', () => {
    const width = (text: string, limits: Partial<VectorLimits> = {}): number =>
      maxVectorWidth(L(text), 1, { ...bf16, ...limits });
    expect(width('(7,4096):(4096,1)')).toBe(8);
    expect(width('(7,4096):(4096,1)', { maxAccessBits: 256 })).toBe(8);
    expect(width('(7,4096):(4096,1)', { maxAccessBits: 256, alignBytes: 32 })).toBe(16);
    expect(width('(7,4096):(4096,1)', { elementBits: 32 })).toBe(4);
    expect(width('(7,4096):(4096,1)', { elementBits: 8 })).toBe(16);
    expect(width('(7,4096):(4096,1)', { alignBytes: 4 })).toBe(2);
    expect(width('(7,4096):(4096,1)', { alignBytes: 12 })).toBe(2);
    expect(width('(7,4100):(4100,1)')).toBe(4);
    expect(width('(7,4096):(4098,1)')).toBe(2);
    expect(width('(7,4095):(4096,1)')).toBe(1);
    expect(width('(7,4096):(1,8)')).toBe(1);
    expect(width('(1,4096):(3,1)')).toBe(8);
    expect(width('(7,4096):(0,1)')).toBe(8);
    expect(width('(7,(4,8)):(32,(1,4))')).toBe(8);
    expect(width('(7,(4,8)):(64,(1,8))')).toBe(4);
    expect(width('(7,(4,8)):(64,(1,6))')).toBe(2);
    expect(() => maxVectorWidth(L('(7,8):(8,1)'), 2, bf16)).toThrow(refused);
    expect(() => width('(7,8):(8,1)', { alignBytes: 0 })).toThrow(refused);
  });

  test('under a swizzle: its base and the offset bound it too', () => {
    const tile = L('(8,64):(64,1)');
    const width = (base: number, offset = 0): number =>
      maxVectorWidth(makeComposed(makeSwizzle(3, base, 3), tile, offset), 1, bf16);
    expect([width(3), width(2), width(0)]).toEqual([8, 4, 1]);
    expect([width(3, 16), width(3, 4), width(3, 1)]).toEqual([8, 4, 1]);
    expect(maxVectorWidth(makeComposed(makeSwizzle(0, 0, 3), tile), 1, bf16)).toBe(8);
  });

  test('is the widest power of two for which every access is contiguous and aligned', () => {
    const limits = fc.record({
      elementBits: fc.constantFrom(8, 16, 32),
      alignBytes: fc.constantFrom(4, 8, 16, 32),
      maxAccessBits: fc.constantFrom(64, 128, 256),
    });
    const swizzle = fc.option(
      fc.constantFrom(makeSwizzle(1, 0, 1), makeSwizzle(2, 1, 2), makeSwizzle(2, 2, 3)),
    );
    const matrices = fc
      .tuple(
        fc.constantFrom(1, 2, 3),
        fc.constantFrom(1, 4, 6, 16),
        fc.constantFrom(1, 4, 6, 16, 24, 32),
        fc.boolean(),
      )
      .map(([m, n, pitch, rows]) => makeLayout([m, n], rows ? [pitch, 1] : [1, pitch]));
    fc.assert(
      fc.property(fc.oneof(matrices, layouts), limits, swizzle, (layout, bounds, sw) => {
        const memory = sw ? makeComposed(sw, layout) : layout;
        modesOf(layout).forEach((_, mode) => {
          const width = maxVectorWidth(memory, mode, bounds);
          expect(accessible(memory, layout, mode, width, bounds)).toBe(true);
          // A wider one is refused because of the limits or because some access breaks, except that a swizzle is
          // taken to move everything it can, also where the layout is too small to show it.
          const wider = accessible(memory, layout, mode, 2 * width, bounds);
          if (!sw || 2 * width <= 2 ** sw.base) expect(wider).toBe(false);
        });
      }),
      { numRuns: 1000 },
    );
  });

  /** Whether each access to `width` elements is legal, by looking at each. */
  function accessible(
    memory: Parameters<typeof evaluateAny>[0],
    layout: Layout,
    mode: number,
    width: number,
    { elementBits, alignBytes, maxAccessBits }: VectorLimits,
  ): boolean {
    if (width === 1) return true;
    const bits = width * elementBits;
    const extents = modesOf(layout).map(size);
    if (bits > maxAccessBits || (alignBytes * 8) % bits !== 0) return false;
    if (size(modeOf(layout, mode)) % width !== 0) return false;
    const before = extents.slice(0, mode).reduce((a, b) => a * b, 1);
    const extent = extents[mode]!;
    return range(size(layout)).every((i) => {
      const c = Math.floor(i / before) % extent;
      const start = i - (c % width) * before;
      const first = evaluateAny(memory, start);
      return first % width === 0 && evaluateAny(memory, i) === first + (c % width);
    });
  }
});
