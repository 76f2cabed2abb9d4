import fc from 'fast-check';
import {
  type Layout,
  cosize,
  evaluate,
  findOverlap,
  equalTuples,
  idx2crd,
  isCompact,
  isContiguous,
  isInjective,
  makeLayout,
  parseLayout,
  size,
} from '../../../src/layout/index.js';
import { invalid, layouts, values } from './arbitraries.js';

const L = parseLayout;

describe('overlap', () => {
  test('agrees with enumeration, and names two coordinates of one offset', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        const image = new Set(values(layout));
        const overlap = findOverlap(layout);
        expect(overlap === undefined).toBe(image.size === size(layout));
        expect(isInjective(layout)).toBe(image.size === size(layout));
        expect(isContiguous(layout)).toBe(image.size === cosize(layout));
        expect(isCompact(layout)).toBe(image.size === cosize(layout) && image.size === size(layout));
        if (!overlap) return;
        expect(overlap.first).not.toEqual(overlap.second);
        for (const coordinate of [overlap.first, overlap.second]) {
          expect(evaluate(layout, coordinate)).toBe(overlap.offset);
          expect(inside(coordinate, layout)).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  /** Whether `coordinate` has the layout's nesting and lies in its shape. */
  function inside(coordinate: Parameters<typeof evaluate>[1], layout: Layout): boolean {
    return equalTuples(idx2crd(coordinate, layout.shape), coordinate);
  }

  test('interleaved modes that never meet', () => {
    // 0 2 4 and 3 5 7: strides 2 and 3 are not nested, and no element is shared.
    expect(isInjective(L('(3,2):(2,3)'))).toBe(true);
    expect(findOverlap(L('(4,2):(2,6)'))).toEqual({ first: [0, 1], second: [3, 0], offset: 6 });
  });

  test('huge extents are settled from sorted strides', () => {
    const tokens = 2 ** 31;
    expect(isInjective(makeLayout([tokens, 4096], [4096, 1]))).toBe(true);
    expect(isInjective(makeLayout([tokens, 32, 128], [6144, 128, 1]))).toBe(true);
    expect(isCompact(makeLayout([tokens, 4096], [4096, 1]))).toBe(true);
    expect(isContiguous(makeLayout([tokens, 4096], [4095, 1]))).toBe(true);
    expect(findOverlap(makeLayout([tokens, 4096], [4095, 1]))).toEqual({
      first: [1, 0],
      second: [0, 4095],
      offset: 4095,
    });
    expect(findOverlap(makeLayout([tokens, 4096], [0, 1]))).toMatchObject({ offset: 0 });
  });

  test('huge extents that are not nested are settled by divisibility', () => {
    const n = 2 ** 25;
    // Offsets 2 i and 6 j meet at 6.
    expect(findOverlap(makeLayout([n, n], [2, 6]))).toEqual({
      first: [0, 1],
      second: [3, 0],
      offset: 6,
    });
    // They would meet at the product of the strides, which is out of reach.
    expect(isInjective(makeLayout([n, n], [2 * n + 1, 2 * n + 3]))).toBe(true);
    expect(isInjective(makeLayout([n + 1, n], [n - 1, n]))).toBe(false);
    expect(isInjective(makeLayout([n, n], [n - 1, n]))).toBe(true);
  });

  test('gives up with an error where strides and extents are hopeless', () => {
    const n = 2 ** 15;
    const hopeless = makeLayout([n, n, n], [68_719_476_731, 50_000_000_021, 60_000_000_041]);
    expect(() => findOverlap(hopeless)).toThrow(expect.objectContaining(invalid));
  });
});
