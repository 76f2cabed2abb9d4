import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bindKernel, loadSpec } from '../../../../src/spec/index.js';
import { packagePath } from '../../../../src/util/package-root.js';
import { grid } from '../../../../src/verify/reference/grid.js';
import { problemsOf } from '../../../../src/verify/index.js';
import { planned } from '../subjects.js';
import { evaluateReference } from '../../../../src/verify/reference/index.js';
import { applyBinary } from '../../../../src/verify/reference/binary.js';
import { reduceAxis } from '../../../../src/verify/reference/reduce.js';
import { argAlong, leadingAlong, philox } from '../../../../src/verify/reference/rows.js';

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
    const { bound, variant } = planned(
      spec,
      { dims: { vocab: 256 }, types: { L: 'bf16' }, flags },
      'rows',
    );
    const { problem } = problemsOf(bound, variant).find(({ name }) => name.endsWith('peaked'))!;
    const { error } = evaluateReference(bound, problem).get('token')!;
    const unsure = error.filter((off) => off > 0).length;
    expect(error.length).toBe(64);
    // Those with settings of any size whatever: a third of all.
    expect(unsure).toBeLessThan(64 / 2);
  });
});

/** Draws of one row of 8 tokens, 10^5 in all, under settings that leave some of them. */
const DRAWS = 100_000;
const BATCH = 12_500;
const TOKENS = 8;
const LOGITS = Array.from({ length: TOKENS }, (_, i) => Math.fround(2 * Math.sin(3 * i) + (i % 5) / 4));

interface Settings {
  readonly temperature: number;
  readonly top_k: number;
  readonly top_p: number;
  readonly min_p: number;
}

/** Probability of each token, from the definitions of the filters. */
function distribution({ temperature, top_k, top_p, min_p }: Settings): readonly number[] {
  const most = Math.max(...LOGITS);
  const weights = LOGITS.map((x) => Math.exp((x - most) / temperature));
  const order = LOGITS.map((_, i) => i).sort((a, b) => LOGITS[b]! - LOGITS[a]! || a - b);
  const first = order.slice(0, top_k > 0 ? top_k : order.length);
  const sum = (tokens: readonly number[]) => tokens.reduce((total, i) => total + weights[i]!, 0);
  const likely = top_p < 1 ? first.filter((_, n) => sum(first.slice(0, n)) < top_p * sum(first)) : first;
  const kept = likely.filter((i) => weights[i]! >= min_p);
  return LOGITS.map((_, i) => (kept.includes(i) ? weights[i]! / sum(kept) : 0));
}

describe('draws', () => {
  const base: Settings = { temperature: 1, top_k: 0, top_p: 1, min_p: 0 };
  test.each([
    ['temperature', { ...base, temperature: 0.7 }],
    ['top-k', { ...base, top_k: 4 }],
    ['top-p', { ...base, top_p: 0.8 }],
    ['min-p and the others', { temperature: 1.5, top_k: 6, top_p: 0.95, min_p: 0.1 }],
  ])(
    'have the distribution of %s, and the seed reproduces them',
    async (_what, settings) => {
      const spec = await loadSpec(packagePath('specs/sample_top_k_top_p.yaml'));
      const plain = { penalised: false, biased: false, masked: false };
      const bound = bindKernel(spec, {
        dims: { vocab: TOKENS },
        types: { L: 'f32' },
        flags: plain,
      });
      const draw = (first: number, count = BATCH) => {
        const column = (value: number) => new Float64Array(count).fill(value);
        const inputs = new Map(
          Object.entries({
            logits: Float64Array.from({ length: count * TOKENS }, (_, i) => LOGITS[i % TOKENS]!),
            ...Object.fromEntries(
              Object.entries(settings).map(([name, value]) => [name, column(Math.fround(value))]),
            ),
            seed: Float64Array.from({ length: count }, (_, i) => first + i),
            offset: column(5),
          }),
        );
        const problem = { extents: { rows: count, vocab: TOKENS, words: 1 }, params: {}, inputs };
        return evaluateReference(bound, problem).get('token')!;
      };
      const seen = new Float64Array(TOKENS);
      let doubtful = 0;
      for (let first = 0; first < DRAWS; first += BATCH) {
        const { values, error } = draw(first);
        for (const token of values) seen[token]! += 1;
        for (const each of error) if (each > 0) doubtful += 1;
      }
      expect(draw(7, 100).values).toEqual(draw(0, 107).values.subarray(7));
      const wanted = distribution(settings);
      const left = wanted.flatMap((p, i) => (p > 0 ? [i] : []));
      expect(seen.reduce((sum, count, i) => sum + (wanted[i] === 0 ? count : 0), 0)).toBe(0);
      const chi = left.reduce(
        (sum, i) => sum + (seen[i]! - DRAWS * wanted[i]!) ** 2 / (DRAWS * wanted[i]!),
        0,
      );
      const degrees = left.length - 1;
      // Five standard deviations of the chi-square distribution.
      expect(chi).toBeLessThan(degrees + 5 * Math.sqrt(2 * degrees));
      expect(doubtful).toBeLessThan(DRAWS / 1000);
    },
    120_000,
  );
});
