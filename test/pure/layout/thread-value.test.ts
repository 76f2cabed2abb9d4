import fc from 'fast-check';
import {
  type Owner,
  coversTile,
  evaluate,
  formatLayout,
  isPartition,
  makeLayout,
  makeTvLayout,
  modesOf,
  parseLayout,
  size,
  threadCount,
  tvCoordinate,
  tvInverse,
  tvLayout,
  tvOwner,
  valueCount,
} from '../../../src/layout/index.js';
import { compactLayouts, invalid, range, values } from './arbitraries.js';

const refused = expect.objectContaining(invalid);
const L = parseLayout;

/** Compact matrices, row- or column-major. */
const matrices = fc
  .tuple(fc.constantFrom(1, 2, 3, 4), fc.constantFrom(1, 2, 4, 5), fc.boolean())
  .map(([m, n, rows]) => makeLayout([m, n], rows ? [n, 1] : [1, m]));

describe('makeTvLayout', () => {
  test('gives thread (x / vm, y / vn) the block of values at (x, y)', () => {
    fc.assert(
      fc.property(matrices, matrices, (threads, vals) => {
        const tv = makeTvLayout(threads, vals);
        const [tm, tn] = threads.shape as [number, number];
        const [vm, vn] = vals.shape as [number, number];
        expect(tv.tile).toEqual([tm * vm, tn * vn]);
        expect([threadCount(tv), valueCount(tv)]).toEqual([tm * tn, vm * vn]);
        expect(isPartition(tv)).toBe(true);
        expect(coversTile(tv)).toBe(true);
        for (const x of range(tm * vm)) {
          for (const y of range(tn * vn)) {
            const owner: Owner = {
              thread: evaluate(threads, [Math.floor(x / vm), Math.floor(y / vn)]),
              value: evaluate(vals, [x % vm, y % vn]),
            };
            expect([tvOwner(tv, [x, y]), tvOwner(tv, x + tm * vm * y), tvCoordinate(tv, owner)]).toEqual([
              owner,
              owner,
              [x, y],
            ]);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('of nested compact layouts is a bijection onto the tile', () => {
    fc.assert(
      fc.property(compactLayouts([1, 2, 3, 4]), compactLayouts([1, 2, 4]), (threads, vals) => {
        fc.pre(modesOf(threads).length === modesOf(vals).length);
        const tv = makeTvLayout(threads, vals);
        expect(isPartition(tv)).toBe(true);
        expect(new Set(values(tv.layout)).size).toBe(size(tv.layout));
        range(Math.min(64, size(tv.layout))).forEach((i) => {
          const owner = { thread: i % threadCount(tv), value: Math.floor(i / threadCount(tv)) };
          expect(tvOwner(tv, tvCoordinate(tv, owner))).toEqual(owner);
        });
      }),
      { numRuns: 60 },
    );
  });

  test('examples that CuTe documents or prints', () => {
    const documented = makeTvLayout(L('(2,3):(3,1)'), L('(2,2):(2,1)'));
    expect(documented.tile).toEqual([4, 6]);
    expect(formatLayout(documented.layout)).toBe('((3,2),(2,2)):((8,2),(4,1))');
    const rows = makeTvLayout(L('(4,32):(32,1)'), L('(1,8):(0,1)'));
    expect(rows.tile).toEqual([4, 256]);
    expect(formatLayout(rows.layout)).toBe('((32,4),8):((32,1),4)');
    const flat = makeTvLayout(L('32:1'), L('8:1'));
    expect(flat.tile).toEqual([256]);
    expect(formatLayout(flat.layout)).toBe('(32,8):(8,1)');
  });

  test('threads or values that are not compact are refused', () => {
    expect(() => makeTvLayout(L('(4,32):(0,1)'), L('8:1'))).toThrow(refused);
    expect(() => makeTvLayout(L('32:1'), L('8:2'))).toThrow(refused);
  });
});

describe('thread-value layouts of one’s own', () => {
  test('two modes inside the tile', () => {
    expect(() => tvLayout([16], L('(4,2,2):(1,4,8)'))).toThrow(refused);
    expect(() => tvLayout([15], L('(4,4):(1,4)'))).toThrow(refused);
    expect(tvCoordinate(tvLayout([4, 4], L('(4,4):(4,1)')), { thread: 1, value: 2 })).toEqual([2, 1]);
  });

  test('partition and cover: a tile left over, replicated threads, overlapping windows', () => {
    const part = tvLayout([32], L('(4,4):(1,4)'));
    expect([isPartition(part), coversTile(part)]).toEqual([false, false]);
    const gaps = tvLayout([7], L('(4,2):(2,0)'));
    expect([isPartition(gaps), coversTile(gaps)]).toEqual([false, false]);
    const replicated = tvLayout([16], L('((4,2),4):((1,0),4)'));
    expect([isPartition(replicated), coversTile(replicated)]).toEqual([false, true]);
    const windows = tvLayout([10], L('(8,3):(1,1)'));
    expect([isPartition(windows), coversTile(windows)]).toEqual([false, true]);
  });

  test('the inverse names one of several owners, and is refused where there is none', () => {
    const replicated = tvLayout([16], L('((4,2),4):((1,0),4)'));
    const inverse = tvInverse(replicated);
    for (const i of range(16)) expect(evaluate(replicated.layout, evaluate(inverse, i))).toBe(i);
    expect(tvOwner(replicated, 6)).toEqual({ thread: 2, value: 1 });
    expect(() => tvInverse(tvLayout([32], L('(4,4):(1,4)')))).toThrow(refused);
    expect(() => tvOwner(tvLayout([4, 4], L('(4,4):(1,4)')), [4, 0])).toThrow(refused);
  });
});
