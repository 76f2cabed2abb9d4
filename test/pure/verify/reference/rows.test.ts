import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadSpec } from '../../../../src/spec/index.js';
import { packagePath } from '../../../../src/util/package-root.js';
import { grid } from '../../../../src/verify/reference/grid.js';
import { problemsOf } from '../../../../src/verify/index.js';
import { planned } from '../subjects.js';
import { evaluateReference } from '../../../../src/verify/reference/index.js';
import { applyBinary } from '../../../../src/verify/reference/binary.js';
import { reduceAxis } from '../../../../src/verify/reference/reduce.js';
import { argAlong, leadingAlong, leadingOfBlocks, philox } from '../../../../src/verify/reference/rows.js';

const row = (values: readonly number[], error?: readonly number[]) =>
  grid(['n'], [values.length], Float64Array.from(values), error && Float64Array.from(error));
const one = (value: number) => grid([], [], Float64Array.of(value));
const leading = (values: readonly number[], need: number, weights?: readonly number[]) => {
  const extentOf = () => values.length;
  return [...leadingAlong(row(values), 'n', weights && row(weights), one(need), extentOf).values];
};

describe('functions of a row in the reference', () => {
  test('Philox 4x32-10 gives the known answers of its authors', () => {
    const hex = (words: readonly number[]) =>
      words.map((word) => word.toString(16).padStart(8, '0')).join(' ');
    const ones = 0xffffffff;
    expect(hex(philox([0, 0, 0, 0], [0, 0]))).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8');
    expect(hex(philox([ones, ones, ones, ones], [ones, ones]))).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd');
    expect(hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]))).toBe(
      'd16cfe09 94fdcceb 5001e420 24126ea1',
    );
  });

  test('the leading elements of each block', () => {
    const values = [1, 3, 3, 3, NaN, -1, 0, -0, -2, 5, 5, 5];
    const extentOf = (axis: string) => (axis === 'n' ? 12 : 4);
    const of = (need: number) => leadingOfBlocks(row(values), 'n', 3, one(need), extentOf);
    expect([...of(2).values]).toEqual([0, 1, 1, 1, 1, 0, 1, 1, 0, 1, 1, 0]);
    expect([...of(1).values]).toEqual([0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0]);
    expect(of(1).axes).toEqual(['n']);
    const near = leadingOfBlocks(row([1, 1.05, 9, 1], [0.1, 0.1, 0.1, 0.1]), 'n', 2, one(1), (axis) =>
      axis === 'n' ? 4 : 2,
    );
    expect([...near.error!]).toEqual([1, 1, 0, 0]);
  });

  test('the largest: NaN above every number, -0 as 0, of equal ones the first', () => {
    const at = (values: readonly number[]) => argAlong('argmax', row(values), 'n').values[0];
    expect([at([1, 3, 3]), at([-0, 0]), at([Infinity, NaN]), at([-Infinity, -Infinity])]).toEqual([
      1, 0, 1, 0,
    ]);
    expect(argAlong('argmin', row([2, 1, 1, NaN]), 'n').values[0]).toBe(1);
    const doubt = (error: readonly number[]) => argAlong('argmax', row([4, 4.1], error), 'n').error![0];
    expect([doubt([0, 0]), doubt([0.01, 0.01]), doubt([0.1, 0])]).toEqual([0, 0, Infinity]);
  });

  test('the first k are those of a stable sort', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: -1, max: 22 }),
        (values, k) => {
          const order = values.map((_, i) => i).sort((a, b) => values[b]! - values[a]! || a - b);
          const wanted = values.map((_, i) => (order.indexOf(i) < k ? 1 : 0));
          expect(leading(values, k)).toEqual(wanted);
        },
      ),
    );
  });

  test('a nucleus is the shortest run that reaches its share', () => {
    const weights = [0.5, 0.25, 0.125, 0.125];
    const of = (share: number) => leading([4, 3, 2, 1], share, weights);
    expect(of(0.5)).toEqual([1, 0, 0, 0]);
    expect(of(0.500001)).toEqual([1, 1, 0, 0]);
    expect(of(0)).toEqual([1, 0, 0, 0]);
    expect(of(0.9)).toEqual([1, 1, 1, 1]);
    expect(of(NaN)).toEqual([1, 1, 1, 1]);
    expect(leading([1, 1, 1, 1], 0.5, [0.25, 0.25, 0.25, 0.25])).toEqual([1, 1, 0, 0]);
    expect(leading([1, 2], 0.5, [0, 0])).toEqual([1, 1]);
  });
});

describe('what is sure', () => {
  test('sums of whole numbers, where f32 holds them', () => {
    const off = (values: readonly number[], error?: readonly number[]) =>
      reduceAxis('sum', row(values, error), 'n', undefined, false).error?.[0] ?? 0;
    expect([off([1, 0, 1, 1]), off([2 ** 23, -3, 2 ** 22])]).toEqual([0, 0]);
    expect(off([1, 0.5, 1])).toBeGreaterThan(0);
    expect(off([2 ** 24, 1, 1])).toBeGreaterThan(0);
    expect(off([1, 1], [0, 0.25])).toBeGreaterThan(0);
  });

  test('one side that surely decides leaves nothing to the other', () => {
    const [a, b] = [Float64Array.of(0, 0, 1, 1), Float64Array.of(0, 1, 0, 1)];
    const of = (op: '&&' | '||', ea: readonly number[], eb: readonly number[]) => {
      const { values, error } = applyBinary(op, 'bool', {
        a,
        b,
        ea: Float64Array.from(ea),
        eb: Float64Array.from(eb),
      });
      return [[...values], [...error!].map((each) => each > 0)];
    };
    const [sure, unsure] = [
      [0, 0, 0, 0],
      [1, 1, 1, 1],
    ];
    expect(of('&&', sure, sure)).toEqual([
      [0, 0, 0, 1],
      [false, false, false, false],
    ]);
    expect(of('&&', sure, unsure)).toEqual([
      [0, 0, 0, 1],
      [false, false, true, true],
    ]);
    expect(of('||', unsure, sure)).toEqual([
      [0, 1, 1, 1],
      [true, false, true, false],
    ]);
    expect(of('||', unsure, unsure)[1]).toEqual([true, true, true, true]);
  });

  test.each(['penalised', 'biased', 'masked'])('most draws from %s logits', async (flag) => {
    const spec = await loadSpec(packagePath('specs/sample_top_k_top_p.yaml'));
    const flags = { penalised: false, biased: false, masked: false, [flag]: true };
    const { bound, variant } = planned(spec, { dims: { vocab: 256 }, types: { L: 'bf16' }, flags }, 'rows');
    const { problem } = problemsOf(bound, variant).find(({ name }) => name.endsWith('peaked'))!;
    const { error } = evaluateReference(bound, problem).get('token')!;
    const unsure = error.filter((off) => off > 0).length;
    expect(error.length).toBe(64);
    // Those with settings of any size whatever: a third of all.
    expect(unsure).toBeLessThan(64 / 2);
  });
});
