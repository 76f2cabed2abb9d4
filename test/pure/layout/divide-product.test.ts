import fc from 'fast-check';
import {
  type Layout,
  type Tiler,
  blockedProduct,
  composition,
  evaluate,
  filterZeros,
  flatDivide,
  flatProduct,
  formatLayout,
  logicalDivide,
  logicalProduct,
  makeLayout,
  modeOf,
  modesOf,
  parseLayout,
  rakedProduct,
  size,
  tiledDivide,
  tiledProduct,
  zippedDivide,
  zippedProduct,
} from '../../../src/layout/index.js';
import {
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

/** Layouts of two top-level modes, each a multiple of its tile: [layout, tile]. */
const tiledPairs = fc
  .tuple(...range(2).map(() => fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }))))
  .chain((modes) => {
    const shape = modes.map(([tile, count]) => tile * count);
    return fc
      .tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }))
      .map(([a, b]): [Layout, number[]] => [makeLayout(shape, [a, b]), modes.map(([tile]) => tile)]);
  });

describe('division', () => {
  test('tiles are where the tiler says, and together they are the layout', () => {
    fc.assert(
      fc.property(layouts, nestedLayouts, (layout, tile) => {
        const divided = defined(() => logicalDivide(layout, tile));
        if (!divided) return;
        expect(values(modeOf(divided, 0))).toEqual(values(composition(layout, tile)));
        expect(size(divided)).toBeGreaterThanOrEqual(size(layout));
        if (size(divided) === size(layout)) {
          expect(ascending(values(divided))).toEqual(ascending(values(layout)));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('by mode: element t of tile r is element t + tile * r of the layout', () => {
    fc.assert(
      fc.property(tiledPairs, ([layout, tile]) => {
        const [m, n] = tile as [number, number];
        const logical = logicalDivide(layout, tile);
        const zipped = zippedDivide(layout, tile);
        const tiled = tiledDivide(layout, tile);
        const flat = flatDivide(layout, tile);
        const [rows, columns] = modesOf(layout).map(size) as [number, number];
        for (const i of range(rows)) {
          for (const j of range(columns)) {
            const [ti, ri, tj, rj] = [i % m, Math.floor(i / m), j % n, Math.floor(j / n)];
            const found = [
              evaluate(logical, [
                [ti, ri],
                [tj, rj],
              ]),
              evaluate(zipped, [
                [ti, tj],
                [ri, rj],
              ]),
              evaluate(tiled, [[ti, tj], ri, rj]),
              evaluate(flat, [ti, tj, ri, rj]),
            ];
            expect(found).toEqual(Array(4).fill(evaluate(layout, [i, j])));
          }
        }
      }),
    );
  });

  test('a tile that does not divide hangs over the end', () => {
    expect(text(logicalDivide(L('10:1'), 4))).toBe('(4,3):(1,4)');
    expect(text(zippedDivide(L('(10,6):(1,10)'), [4, 4]))).toBe('((4,4),(3,2)):((1,10),(4,40))');
  });

  test('examples, with layouts as tilers, null and modes beyond the tiler', () => {
    expect(text(logicalDivide(L('(4,2,3):(2,1,8)'), L('4:2')))).toBe('((2,2),(2,3)):((4,1),(2,8))');
    const a = L('(9,(4,8)):(59,(13,1))');
    const tiler: Tiler = [L('3:3'), L('(2,4):(1,8)')];
    expect(text(logicalDivide(a, tiler))).toBe('((3,3),((2,4),(2,2))):((177,59),((13,2),(26,1)))');
    expect(text(zippedDivide(a, tiler))).toBe('((3,(2,4)),(3,(2,2))):((177,(13,2)),(59,(26,1)))');
    const b = L('(10,6,7):(1,10,100)');
    expect(text(zippedDivide(b, [5, 3]))).toBe('((5,3),(2,2,7)):((1,10),(5,30,100))');
    expect(text(tiledDivide(b, [5, 3]))).toBe('((5,3),2,2,7):((1,10),5,30,100)');
    expect(text(flatDivide(b, [5, 3]))).toBe('(5,3,2,2,7):(1,10,5,30,100)');
    expect(text(logicalDivide(L('(8,6):(1,8)'), [null, 3]))).toBe('(8,(3,2)):(1,(8,24))');
    expect(text(zippedDivide(L('(8,6):(1,8)'), [null, 3]))).toBe('((1,3),(8,2)):((0,8),(1,24))');
    expect(text(zippedDivide(L('8:1'), null))).toBe('(1,8):(0,1)');
    expect(text(tiledDivide(L('(8,6):(1,8)'), L('(2,2):(1,8)')))).toBe('((2,2),4,3):((1,8),2,16)');
  });

  test('is refused where a tile cuts across modes, or has too many', () => {
    expect(() => logicalDivide(L('(6,2):(1,10)'), 5)).toThrow(refused);
    expect(() => logicalDivide(L('16:1'), L('(4,2):(1,2)'))).toThrow(refused);
    expect(() => zippedDivide(L('(4,4):(1,4)'), [2, 2, 2])).toThrow(refused);
  });
});

describe('product', () => {
  test('blocks are the layout itself, moved so that none meet, in the order of the tiler', () => {
    fc.assert(
      fc.property(fc.oneof(nestedLayouts, paddedLayouts), nestedLayouts, (block, tiler) => {
        fc.pre(size(block) * size(tiler) <= 2000);
        const product = defined(() => logicalProduct(block, tiler));
        if (!product) return;
        expect(text(modeOf(product, 0))).toBe(text(block));
        const starts = values(modeOf(product, 1));
        expect(starts).toHaveLength(size(tiler));
        // Blocks start in the order of the tiler's values.
        const order = (numbers: readonly number[]): number[] =>
          range(numbers.length).sort((i, j) => numbers[i]! - numbers[j]!);
        expect(order(starts)).toEqual(order(values(tiler)));
        const all = starts.flatMap((start) => values(block).map((value) => start + value));
        expect(new Set(all).size).toBe(all.length);
      }),
      { numRuns: 300 },
    );
  });

  test('of a compact block: repeat k is the block moved by its size times tiler(k)', () => {
    fc.assert(
      fc.property(compactLayouts(), nestedLayouts, (block, tiler) => {
        const product = logicalProduct(block, tiler);
        const starts = values(tiler).map((k) => size(block) * k);
        expect(values(modeOf(product, 1))).toEqual(starts);
      }),
    );
  });

  test('zipped, tiled and flat are the logical product in other parentheses', () => {
    const block = L('(2,2):(1,2)');
    const tiler = L('(3,4):(1,3)');
    expect(text(logicalProduct(block, tiler))).toBe('((2,2),(3,4)):((1,2),(4,12))');
    expect(text(zippedProduct(block, tiler))).toBe('((2,2),(3,4)):((1,2),(4,12))');
    expect(text(tiledProduct(block, tiler))).toBe('((2,2),3,4):((1,2),4,12)');
    expect(text(flatProduct(block, tiler))).toBe('(2,2,3,4):(1,2,4,12)');
    expect(text(logicalProduct(block, [3, 4]))).toBe('((2,3),(2,(2,2))):((1,2),(2,(1,4)))');
    expect(text(zippedProduct(block, [3, 4]))).toBe('((2,2),(3,(2,2))):((1,2),(2,(1,4)))');
    expect(text(logicalProduct(L('(2,2):(4,1)'), 6))).toBe('((2,2),(2,3)):((4,1),(2,8))');
  });

  const matrices = fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), fc.boolean())
    .map(([m, n, rows]) => makeLayout([m, n], rows ? [n, 1] : [1, m]));

  test('blocked and raked: where each element of each block lies', () => {
    fc.assert(
      fc.property(matrices, matrices, (block, tiler) => {
        const blocked = blockedProduct(block, tiler);
        const raked = rakedProduct(block, tiler);
        const [m, n] = block.shape as [number, number];
        const [p, q] = tiler.shape as [number, number];
        expect(modesOf(blocked).map(size)).toEqual([m * p, n * q]);
        expect(modesOf(raked).map(size)).toEqual([m * p, n * q]);
        for (const [i, j] of range(m * n).map((e) => [e % m, Math.floor(e / m)] as const)) {
          for (const [k, l] of range(p * q).map((e) => [e % p, Math.floor(e / p)] as const)) {
            const expected = evaluate(block, [i, j]) + m * n * evaluate(tiler, [k, l]);
            const found = [
              evaluate(blocked, [i + m * k, j + n * l]),
              evaluate(raked, [k + p * i, l + q * j]),
            ];
            expect(found).toEqual([expected, expected]);
          }
        }
      }),
    );
  });

  test('blocked and raked: examples, ranks filled up, raked modes coalesced', () => {
    const block = L('(2,5):(5,1)');
    const tiler = L('(3,4):(1,3)');
    expect(text(blockedProduct(block, tiler))).toBe('((2,3),(5,4)):((5,10),(1,30))');
    expect(text(rakedProduct(block, tiler))).toBe('((3,2),(4,5)):((10,5),(30,1))');
    expect(text(blockedProduct(L('(2,2):(1,2)'), L('3:1')))).toBe('((2,3),(2,1)):((1,4),(2,0))');
    expect(text(rakedProduct(L('8:1'), L('(3,2):(1,3)')))).toBe('((3,8),2):((8,1),24)');
    expect(text(rakedProduct(L('4:1'), L('3:1')))).toBe('((3,4)):((4,1))');
    expect(text(rakedProduct(L('(1,6):(0,1)'), L('(4,1):(1,0)')))).toBe('(4,6):(6,1)');
  });

  test('of a padded block leaves the padding out; of one that overlaps itself is refused', () => {
    expect(text(logicalProduct(L('(32,32):(33,1)'), 4))).toBe('((32,32),4):((33,1),1056)');
    // Three repeats go into the gap of the first mode; the next begins above the whole block.
    expect(text(logicalProduct(L('(2,3):(3,8)'), 6))).toBe('((2,3),(3,2)):((3,8),(1,24))');
    expect(text(logicalProduct(L('(2,3):(3,8)'), L('2:3')))).toBe('((2,3),2):((3,8),24)');
    expect(() => logicalProduct(L('(4,2):(1,2)'), 4)).toThrow(refused);
  });

  test('a block with a mode of stride 0 repeats like the block without it', () => {
    const product = logicalProduct(L('(2,4):(0,1)'), 3);
    expect(values(modeOf(product, 1))).toEqual(
      values(modeOf(logicalProduct(filterZeros(L('(2,4):(0,1)')), 3), 1)),
    );
  });
});
