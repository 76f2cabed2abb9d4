import fc from 'fast-check';
import {
  concat,
  cosize,
  equalLayouts,
  evaluate,
  flatten,
  formatAny,
  formatLayout,
  idx2crd,
  layoutTable,
  makeComposed,
  makeLayout,
  makeSwizzle,
  makeTvLayout,
  modeOf,
  modesOf,
  parseAnyLayout,
  parseLayout,
  parseTuple,
  rowMajor,
  size,
  sliceAndOffset,
  tvTable,
} from '../../../src/layout/index.js';
import { invalid, layouts, range, shapes, values } from './arbitraries.js';

const refused = expect.objectContaining(invalid);

describe('layouts', () => {
  test('evaluate at an index and at nested coordinates', () => {
    const layout = makeLayout([4, [2, 2]], [1, [4, 8]]);
    expect(evaluate(layout, [3, [1, 1]])).toBe(15);
    expect(evaluate(layout, [3, 2])).toBe(11);
    expect(evaluate(layout, 7)).toBe(7);
    expect([size(layout), cosize(layout)]).toEqual([16, 16]);
  });

  test('the inner product of coordinate and stride', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        const strides = flatten(layout.stride);
        range(size(layout)).forEach((i) => {
          const coordinate = idx2crd(i, layout.shape);
          const sum = flatten(coordinate).reduce((s, c, k) => s + c * strides[k]!, 0);
          expect(evaluate(layout, coordinate)).toBe(sum);
          expect(evaluate(layout, i)).toBe(sum);
        });
        expect(cosize(layout)).toBe(Math.max(...values(layout)) + 1);
      }),
    );
  });

  test('modes', () => {
    const layout = makeLayout([4, [2, 2]], [1, [4, 8]]);
    expect(modesOf(layout).map(formatLayout)).toEqual(['4:1', '(2,2):(4,8)']);
    expect(concat(modesOf(layout))).toEqual(layout);
    expect(() => modeOf(layout, 2)).toThrow(refused);
    expect(formatLayout(rowMajor([4, [2, 3]]))).toBe('(4,(2,3)):(6,(3,1))');
  });

  test('illegal layouts are refused', () => {
    expect(() => makeLayout([4, 2], [1])).toThrow(refused);
    expect(() => makeLayout([4, [2]], [1, 2])).toThrow(refused);
    expect(() => makeLayout([])).toThrow(refused);
    expect(() => makeLayout([4, []])).toThrow(refused);
    expect(() => makeLayout(0)).toThrow(refused);
    expect(() => makeLayout([4, 2.5])).toThrow(refused);
    expect(() => makeLayout(4, -1)).toThrow(refused);
    expect(() => makeLayout([2 ** 30, 2 ** 30], [1, 1])).toThrow(refused);
    expect(() => makeLayout(2 ** 30, 2 ** 30)).toThrow(refused);
    expect(cosize(makeLayout(2 ** 26 + 1, 2 ** 26))).toBe(2 ** 52 + 1);
  });
});

describe('slicing', () => {
  test('a coordinate with holes gives the layout of the holes and an offset', () => {
    const layout = makeLayout([2, [4, 2]], [1, [10, 100]]);
    const { layout: slice, offset } = sliceAndOffset(layout, [1, [null, 1]]);
    expect([formatLayout(slice), offset]).toEqual(['(4):(10)', 101]);
    expect(sliceAndOffset(layout, [1, 3])).toEqual({ layout: makeLayout(1, 0), offset: 31 });
    expect(() => sliceAndOffset(layout, [null, 1, 1])).toThrow(refused);
    expect(() => sliceAndOffset(layout, [[null], 1])).toThrow(refused);
  });

  test('slice + offset is the layout with the holes filled in', () => {
    const layout = makeLayout([[3, 2], 4, 5], [[7, 30], 100, 1]);
    const { layout: slice, offset } = sliceAndOffset(layout, [[null, 1], 2, null]);
    for (const i of range(3)) {
      for (const j of range(5)) {
        expect(offset + evaluate(slice, [i, j])).toBe(evaluate(layout, [[i, 1], 2, j]));
      }
    }
  });
});

describe('printing and parsing', () => {
  test('parse undoes print', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        expect(parseLayout(formatLayout(layout))).toEqual(layout);
        expect(equalLayouts(parseLayout(formatLayout(layout)), layout)).toBe(true);
        const composed = makeComposed(makeSwizzle(2, 1, -3), layout, 6);
        expect(parseAnyLayout(formatAny(composed))).toEqual(composed);
        expect(parseAnyLayout(formatAny(layout))).toEqual(layout);
      }),
    );
  });

  test('parse of a shape alone gives the compact layout', () => {
    fc.assert(
      fc.property(shapes(), (shape) => {
        expect(parseLayout(formatLayout(makeLayout(shape)).split(':')[0]!)).toEqual(makeLayout(shape));
      }),
    );
  });

  test('the texts that CuTe prints', () => {
    expect(formatLayout(makeLayout([4, [2, 2]], [1, [4, 8]]))).toBe('(4,(2,2)):(1,(4,8))');
    expect(formatLayout(makeLayout([4], [1]))).toBe('(4):(1)');
    const swizzled = makeComposed(makeSwizzle(3, 4, 3), makeLayout([8, 64], [64, 1]));
    expect(formatAny(swizzled)).toBe('S<3,4,3> o 0 o (8,64):(64,1)');
    expect(parseTuple(' ( 4, (2 ,2) ) ')).toEqual([4, [2, 2]]);
  });

  test.each([
    '',
    '(4,2',
    '4:',
    '(4,2):(1,x)',
    '(4,2):(1,4) 5',
    '()',
    '4.5',
    'S<3,4> o 0 o 8:1',
    'S<3,4,3> o 8:1',
    '9007199254740992:1',
  ])('%j is refused', (text) => {
    expect(() => parseAnyLayout(text)).toThrow(refused);
  });

  test('a layout as a table', () => {
    expect(layoutTable(makeLayout([2, [2, 2]], [2, [1, 10]]))).toBe(
      ['(2,(2,2)):(2,(1,10))', '    0  1  2  3', ' 0  0  1 10 11', ' 1  2  3 12 13'].join('\n'),
    );
    expect(layoutTable(makeComposed(makeSwizzle(1, 0, 1), makeLayout([2, 2], [2, 1])))).toBe(
      ['S<1,0,1> o 0 o (2,2):(2,1)', '  0 1', '0 0 1', '1 3 2'].join('\n'),
    );
    expect(() => layoutTable(makeLayout([2, 2, 2]))).toThrow(refused);
    expect(() => layoutTable(makeLayout([128, 128]))).toThrow(refused);
  });

  test('a thread-value layout as a table', () => {
    expect(tvTable(makeTvLayout(makeLayout([1, 2]), makeLayout([2, 2], [2, 1])))).toBe(
      [
        '(2,4) (2,(2,2)):(4,(2,1))',
        '        0    1    2    3',
        '   0 T0V0 T0V1 T1V0 T1V1',
        '   1 T0V2 T0V3 T1V2 T1V3',
      ].join('\n'),
    );
  });
});
