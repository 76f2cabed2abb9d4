import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bindKernel, parseSpec } from '../../../src/spec/index.js';
import { raised } from '../../support/raised.js';

const specOf = (value: string, shape = 'words') =>
  parseSpec(
    `kernel: probe
doc: Probes a computed dimension.
dims: { rows: dynamic, vocab: static, per: static, words: "${value}" }
tensors:
  x: { shape: [rows, vocab, per], dtype: f32 }
  mask: { shape: [rows, ${shape}], dtype: f32 }
  out: { shape: [rows, vocab], dtype: f32, access: out }
  total: { shape: [rows], dtype: f32, access: out }
formula: |
  out = sum[per](x)
  total = sum[words](mask)
`,
    'probe.yaml',
  );
const words = (value: string, vocab: number, by = 32): unknown =>
  bindKernel(specOf(value), { dims: { vocab, per: by }, types: {}, flags: {} }).extents['words'];

describe('computed dimensions', () => {
  test('ceil_div rounds up, and nests', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 31 - 1 }),
        fc.integer({ min: 1, max: 5000 }),
        (vocab, by) => {
          expect(words('ceil_div(vocab, per)', vocab, by)).toBe(
            Number((BigInt(vocab) + BigInt(by) - 1n) / BigInt(by)),
          );
        },
      ),
    );
    expect(words('2 * ceil_div(ceil_div(vocab + 1, 32), 4) + 1', 1000)).toBe(17);
    expect(words('ceil_div(1000 - vocab, 32) + 5', 1100)).toBe(2);
  });

  test.each([
    ['no arguments', 'ceil_div()', 'ceil_div of 0 arguments'],
    ['one argument', 'ceil_div(vocab)', 'ceil_div of 1 arguments'],
    ['three arguments', 'ceil_div(vocab, 2, 3)', 'ceil_div of 3 arguments'],
    ['a mode', 'ceil_div.rn(vocab, 32)', 'ceil_div.rn of 2 arguments'],
    ['another function', 'floor(vocab, 32)', 'floor of 2 arguments'],
    ['a remainder', 'ceil_div(vocab, 32) % 2', '%'],
  ])('%s: refused', (_what, value, actual) => {
    const error = raised(() => specOf(value));
    expect([error.code, error.actual]).toEqual(['SPEC_DIM', actual]);
  });

  test('ceil_div of a dimension known at launch, or of none: refused', () => {
    expect(raised(() => specOf('ceil_div(rows, 32)')).message).toContain('rows, which is dynamic');
    expect(raised(() => specOf('ceil_div(vocab, word)')).code).toBe('SPEC_DIM');
  });

  test('a divisor below 1, a size below 1: refused once bound', () => {
    expect(raised(() => words('ceil_div(vocab, per - 32)', 100)).actual).toBe('ceil_div(100, 0)');
    expect(raised(() => words('ceil_div(vocab, 1 - per)', 100)).message).toBe(
      'ceil_div(vocab, 1 - per) divides by less than 1',
    );
    expect(raised(() => words('ceil_div(vocab - 100, 32)', 100)).actual).toBe('0');
  });

  test('a shape names it, and has none of its own', () => {
    expect(raised(() => specOf('4', "'ceil_div(vocab, 32)'")).code).toBe('SPEC_LAYOUT');
  });
});
