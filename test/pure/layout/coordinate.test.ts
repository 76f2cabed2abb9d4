import fc from 'fast-check';
import {
  compactStride,
  compactStrideRight,
  compatible,
  congruent,
  crd2crd,
  crd2idx,
  depth,
  equalTuples,
  flatten,
  formatTuple,
  idx2crd,
  product,
  rank,
  unflatten,
} from '../../../src/layout/index.js';
import { ceilDivide, exact, floorDivide, gcd, multiply } from '../../../src/layout/integer.js';
import { invalid, range, shapes } from './arbitraries.js';

describe('exact integers', () => {
  test('a result beyond 2^53 - 1 is an error, the largest one is not', () => {
    expect(multiply(6361, 69431 * 20394401)).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => multiply(2 ** 26, 2 ** 27)).toThrow(expect.objectContaining(invalid));
    expect(() => exact(0.5, 'x')).toThrow(expect.objectContaining({ ...invalid, actual: '0.5' }));
  });

  test('division is exact near 2^53, where dividing first would round', () => {
    expect(floorDivide(2 ** 53 - 1, 2)).toBe(2 ** 52 - 1);
    expect(ceilDivide(2 ** 53 - 1, 2)).toBe(2 ** 52);
    const wide = fc.maxSafeNat();
    fc.assert(
      fc.property(wide, fc.integer({ min: 1, max: 2 ** 53 - 1 }), (a, b) => {
        expect(BigInt(floorDivide(a, b))).toBe(BigInt(a) / BigInt(b));
        expect(BigInt(ceilDivide(a, b))).toBe((BigInt(a) + BigInt(b) - 1n) / BigInt(b));
      }),
    );
  });

  test('gcd', () => {
    expect([gcd(12, 18), gcd(0, 5), gcd(7, 0)]).toEqual([6, 5, 7]);
  });
});

describe('nested tuples', () => {
  test('rank, depth, product, flatten', () => {
    const shape = [4, [2, [3, 5]]];
    expect([rank(shape), depth(shape), product(shape)]).toEqual([2, 3, 120]);
    expect([rank(7), depth(7), product(7)]).toEqual([1, 0, 7]);
    expect(flatten(shape)).toEqual([4, 2, 3, 5]);
    expect(formatTuple([4, [null, [3]]])).toBe('(4,(_,(3)))');
  });

  test('unflatten undoes flatten', () => {
    fc.assert(
      fc.property(shapes(), (shape) => {
        expect(unflatten(flatten(shape), shape)).toEqual(shape);
      }),
    );
  });

  test('4 and (4) are neither congruent nor equal', () => {
    expect(congruent(4, [4])).toBe(false);
    expect(equalTuples([4], 4)).toBe(false);
    expect(equalTuples([4, [2]], [4, [2]])).toBe(true);
    expect(equalTuples([4, [2]], [4, [3]])).toBe(false);
    expect(congruent([1, [2, 3]], [9, [9, 9]])).toBe(true);
  });

  test('compatible: equal sizes, and coordinates of the coarse shape fit the fine one', () => {
    expect(compatible(24, [4, 6])).toBe(true);
    expect(compatible([4, 6], [[2, 2], 6])).toBe(true);
    expect(compatible([[2, 2], 6], [4, 6])).toBe(false);
    expect(compatible([2, 12], [4, 6])).toBe(false);
    expect(compatible(24, [[2, 3], 5])).toBe(false);
    expect(compatible([24], 24)).toBe(false);
  });
});

describe('coordinates', () => {
  test('compact strides', () => {
    expect(compactStride([4, [2, 3]])).toEqual([1, [4, 8]]);
    expect(compactStrideRight([4, [2, 3]])).toEqual([6, [3, 1]]);
  });

  test('idx2crd counts colexicographically', () => {
    fc.assert(
      fc.property(shapes(), (shape) => {
        const extents = flatten(shape);
        const counter = extents.map(() => 0);
        for (const index of range(product(shape))) {
          expect(flatten(idx2crd(index, shape))).toEqual(counter);
          // An odometer whose leftmost wheel turns fastest.
          for (let wheel = 0; wheel < counter.length; wheel++) {
            counter[wheel] = (counter[wheel]! + 1) % extents[wheel]!;
            if (counter[wheel] !== 0) break;
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  test('crd2idx undoes idx2crd, and crd2crd goes to another shape of that size', () => {
    fc.assert(
      fc.property(shapes(), (shape) => {
        for (const index of range(product(shape))) {
          const coordinate = idx2crd(index, shape);
          expect(crd2idx(coordinate, shape)).toBe(index);
          expect(crd2crd(coordinate, shape, product(shape))).toBe(index);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('a number may stand for any tuple, and goes on past the end along the last mode', () => {
    expect(crd2idx([1, 5], [2, [4, 2]], [1, [10, 100]])).toBe(1 + 10 + 100);
    expect(crd2idx(11, [2, [4, 2]], [1, [10, 100]])).toBe(1 + 10 + 100);
    expect(crd2idx(19, [2, [4, 2]], [1, [10, 100]])).toBe(1 + 10 + 200);
  });

  test('what does not fit is refused', () => {
    const refused = expect.objectContaining(invalid);
    expect(() => crd2idx([1, 2], 8)).toThrow(refused);
    expect(() => crd2idx([1, 2, 3], [4, 4])).toThrow(refused);
    expect(() => crd2idx(-1, [4, 4])).toThrow(refused);
    expect(() => crd2idx(1.5, 4)).toThrow(refused);
    expect(() => crd2idx(1, [4, 4], [1, [4]])).toThrow(refused);
    expect(() => idx2crd(16, [4, 4])).toThrow(refused);
    expect(() => idx2crd([1, 4], [4, 4])).toThrow(refused);
    expect(() => idx2crd([1, [0, 0]], [4, 4])).toThrow(refused);
  });
});
