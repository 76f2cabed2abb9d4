import fc from 'fast-check';
import {
  type Layout,
  coalesce,
  complement,
  composition,
  cosize,
  evaluate,
  filterZeros,
  flatModes,
  formatLayout,
  isInjective,
  leftInverse,
  makeLayout,
  modesOf,
  parseLayout,
  rightInverse,
  size,
} from '../../../src/layout/index.js';
import {
  anyLayouts,
  ascending,
  compactLayouts,
  defined,
  invalid,
  layouts,
  nestedLayouts,
  paddedLayouts,
  range,
  values,
} from './arbitraries.js';

const refused = expect.objectContaining(invalid);
const L = parseLayout;
const text = (layout: Layout): string => formatLayout(layout);

describe('coalesce', () => {
  test('is the same function in the fewest modes', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        const coalesced = coalesce(layout);
        expect(values(coalesced)).toEqual(values(layout));
        const modes = flatModes(coalesced);
        if (modes.length > 1) {
          modes.forEach(({ extent, stride }, i) => {
            expect(extent).toBeGreaterThan(1);
            expect(modes[i + 1]?.stride).not.toBe(extent * stride);
          });
        }
      }),
    );
  });

  test('examples, by mode too', () => {
    expect(text(coalesce(L('(2,(1,6)):(1,(6,2))')))).toBe('12:1');
    expect(text(coalesce(L('(1,1):(3,4)')))).toBe('1:0');
    expect(text(coalesce(L('(2,(1,6)):(1,(6,2))'), [1, 1]))).toBe('(2,6):(1,2)');
    expect(text(coalesce(L('((2,2),(2,2),(2,2)):((1,2),(4,8),(16,32))'), [1, [1]]))).toBe(
      '(4,(2,2),(2,2)):(1,(4,8),(16,32))',
    );
    expect(() => coalesce(L('(2,2):(1,2)'), [1, 1, 1])).toThrow(refused);
  });

  test('filterZeros keeps the image', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        const filtered = filterZeros(layout);
        expect(new Set(values(filtered))).toEqual(new Set(values(layout)));
        expect(flatModes(filtered).filter(({ stride }) => stride === 0)).toHaveLength(
          filtered.shape === 1 ? 1 : 0,
        );
      }),
    );
  });
});

describe('composition', () => {
  const holds = (a: Layout, b: Layout, r: Layout): void => {
    expect(size(r)).toBe(size(b));
    // Past its end A goes on along the last of its coalesced modes.
    const extended = coalesce(a);
    const expected = values(b).map((i) => evaluate(i < size(a) ? a : extended, i));
    expect(values(r)).toEqual(expected);
  };

  test('of power-of-two layouts with compact ones is always defined, and is A(B(i))', () => {
    fc.assert(
      fc.property(
        fc
          .oneof(nestedLayouts, anyLayouts)
          .filter((a) => flatModes(a).every(({ extent }) => (extent & (extent - 1)) === 0)),
        compactLayouts([1, 2, 4, 8]),
        (a, b) => holds(a, b, composition(a, b)),
      ),
    );
  });

  test('of any layouts is A(B(i)), or is refused', () => {
    fc.assert(
      fc.property(layouts, layouts, (a, b) => {
        const r = defined(() => composition(a, b));
        if (r) holds(a, b, r);
      }),
      { numRuns: 1000 },
    );
  });

  test('keeps the modes of B', () => {
    expect(text(composition(L('20:2'), L('(5,4):(4,1)')))).toBe('(5,4):(8,2)');
    expect(text(composition(L('(10,2):(16,4)'), L('(5,4):(1,5)')))).toBe('(5,(2,2)):(16,(80,4))');
    expect(text(composition(L('(4,6,8,10):(2,3,5,7)'), L('6:12')))).toBe('(2,3):(9,5)');
    expect(text(composition(L('(4,6):(3,20)'), L('6:2')))).toBe('(2,3):(6,20)');
  });

  test('goes on past the end of A along its last mode', () => {
    expect(text(composition(L('8:3'), L('4:4')))).toBe('4:12');
  });

  test('a step that stays inside one mode need not divide it', () => {
    expect(text(composition(L('(6,2):(1,100)'), L('2:4')))).toBe('2:4');
  });

  test('modes of extent 1 and of stride 0', () => {
    expect(text(composition(L('(2,2):(1,10)'), L('(1,2):(7,1)')))).toBe('(1,2):(0,1)');
    expect(text(composition(L('(2,2):(1,10)'), L('(3,2):(0,2)')))).toBe('(3,2):(0,10)');
    expect(text(composition(L('(1,1):(5,6)'), L('3:2')))).toBe('3:0');
  });

  test('by mode: numbers, null, and modes beyond the tiler', () => {
    const a = L('(12,(4,8)):(59,(13,1))');
    expect(text(composition(a, [L('3:4'), L('8:2')]))).toBe('(3,(2,4)):(236,(26,1))');
    expect(text(composition(a, [3, 8]))).toBe('(3,(4,2)):(59,(13,1))');
    expect(text(composition(a, [null, 2]))).toBe('(12,2):(59,13)');
    expect(text(composition(a, [6]))).toBe('(6,(4,8)):(59,(13,1))');
    expect(text(composition(a, null))).toBe(text(a));
    expect(() => composition(a, [1, 1, 1])).toThrow(refused);
  });

  test('is refused with the numbers where strides or extents do not divide', () => {
    expect(() => composition(L('(6,2):(1,100)'), L('2:8'))).toThrow(
      expect.objectContaining({ ...invalid, actual: 'a step of 8 into an extent of 6' }),
    );
    expect(() => composition(L('(4,6,8):(2,3,5)'), L('6:1'))).toThrow(
      expect.objectContaining({ ...invalid, actual: '6 steps of 1 into an extent of 4' }),
    );
  });

  test('is refused where modes of B together carry between modes of A', () => {
    // Mode by mode 2:3 and 2:2 are fine, but A(3 + 2) = A(1, 1) = 11 is not 3 + 2.
    expect(() => composition(L('(4,2):(1,10)'), L('(2,2):(3,2)'))).toThrow(
      expect.objectContaining({
        ...invalid,
        actual: 'the modes of (2,2):(3,2) together reach 5 in an extent of 4',
      }),
    );
  });

  test('is associative where all parts are defined', () => {
    fc.assert(
      fc.property(compactLayouts([2, 4]), compactLayouts([2, 4]), compactLayouts([2, 4]), (a, b, c) => {
        const left = defined(() => composition(composition(a, b), c));
        const right = defined(() => composition(a, composition(b, c)));
        if (left && right && cosize(c) <= size(b)) expect(values(left)).toEqual(values(right));
      }),
    );
  });
});

describe('complement', () => {
  const sums = (layout: Layout, rest: Layout): number[] =>
    values(filterZeros(layout)).flatMap((a) => values(rest).map((b) => a + b));

  test('is increasing, meets each sum once and goes on to the cotarget', () => {
    fc.assert(
      fc.property(fc.oneof(nestedLayouts, paddedLayouts), fc.integer({ min: 1, max: 600 }), (layout, n) => {
        const rest = complement(layout, n);
        expect(values(rest)).toEqual([...new Set(ascending(values(rest)))]);
        const reached = sums(layout, rest);
        expect(new Set(reached).size).toBe(reached.length);
        const moving = flatModes(layout).filter(({ extent }) => extent > 1);
        const span = Math.max(1, ...moving.map(({ extent, stride }) => extent * stride));
        expect(Math.max(...values(rest)) + span).toBeGreaterThanOrEqual(n);
      }),
    );
  });

  test('with the layout, covers every integer where strides divide', () => {
    fc.assert(
      fc.property(nestedLayouts, fc.integer({ min: 1, max: 600 }), (layout, n) => {
        const reached = sums(layout, complement(layout, n));
        expect(ascending(reached)).toEqual(range(reached.length));
        expect(reached.length).toBeGreaterThanOrEqual(n);
      }),
    );
  });

  test('of a layout that overlaps itself is refused', () => {
    fc.assert(
      fc.property(anyLayouts, (layout) => {
        const filtered = filterZeros(layout);
        const rest = defined(() => complement(layout, 64));
        if (new Set(values(filtered)).size < size(filtered)) expect(rest).toBeUndefined();
        if (rest) expect(new Set(sums(layout, rest)).size).toBe(sums(layout, rest).length);
      }),
    );
  });

  test('examples', () => {
    expect(text(complement(L('4:1'), 24))).toBe('6:4');
    expect(text(complement(L('6:4'), 24))).toBe('4:1');
    expect(text(complement(L('(4,6):(1,4)'), 24))).toBe('1:0');
    expect(text(complement(L('4:2'), 24))).toBe('(2,3):(1,8)');
    expect(text(complement(L('(2,4):(1,6)'), [4, 6]))).toBe('3:2');
    expect(text(complement(L('(2,2):(1,6)'), 24))).toBe('(3,2):(2,12)');
    expect(text(complement(L('(32,32):(1,33)'), 4096))).toBe('4:1056');
    expect(() => complement(L('(4,2):(1,2)'), 24)).toThrow(refused);
  });
});

describe('inverses', () => {
  test('L(R(i)) = i, as far as L reaches without a gap', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        const inverse = rightInverse(layout);
        expect(values(inverse).map((i) => evaluate(layout, i))).toEqual(range(size(inverse)));
        if (isInjective(layout)) {
          const image = new Set(values(layout));
          expect(image.has(size(inverse))).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('of a compact layout both inverses are the inverse permutation', () => {
    fc.assert(
      fc.property(compactLayouts(), (layout) => {
        const inverse: number[] = [];
        values(layout).forEach((value, i) => (inverse[value] = i));
        expect(values(rightInverse(layout))).toEqual(inverse);
        expect(values(leftInverse(layout))).toEqual(inverse);
      }),
    );
  });

  test('R(L(i)) = i where strides divide, gaps or not', () => {
    fc.assert(
      fc.property(nestedLayouts, (layout) => {
        const inverse = leftInverse(layout);
        expect(values(layout).map((value) => evaluate(inverse, value))).toEqual(range(size(layout)));
      }),
    );
  });

  test('R(L(i)) = i, or it is refused', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        const inverse = defined(() => leftInverse(layout));
        if (!inverse) return;
        expect(values(layout).map((value) => evaluate(inverse, value))).toEqual(range(size(layout)));
      }),
      { numRuns: 500 },
    );
  });

  test('examples', () => {
    expect(text(rightInverse(L('(4,8):(8,1)')))).toBe('(8,4):(4,1)');
    expect(text(rightInverse(L('(4,8):(2,8)')))).toBe('1:0');
    expect(text(rightInverse(L('(2,4):(0,1)')))).toBe('4:2');
    expect(text(rightInverse(L('(4,2):(1,1)')))).toBe('4:1');
    expect(text(leftInverse(L('(4,8):(1,5)')))).toBe('(5,8):(1,4)');
    expect(text(leftInverse(L('4:2')))).toBe('(2,4):(0,1)');
    expect(text(leftInverse(L('1:0')))).toBe('1:0');
    expect(() => leftInverse(L('(4,2):(0,1)'))).toThrow(refused);
    expect(() => leftInverse(L('(2,2):(2,3)'))).toThrow(refused);
    expect(() => leftInverse(L('(4,2):(1,2)'))).toThrow(refused);
  });

  test('modes', () => {
    expect(modesOf(rightInverse(makeLayout([8, 8], [8, 1])))).toHaveLength(2);
  });
});
