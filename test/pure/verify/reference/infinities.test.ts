import { describe, expect, test } from '@jest/globals';
import { kernel, OUT, row, run, X } from './probe.js';

const Y = 'y: { shape: [rows, cols], dtype: f32 }';
const NONE = [0, 0, 0, 0];

describe('an infinity that was there from the start is sure', () => {
  const x = [Infinity, -Infinity, Infinity, -Infinity];
  const y = [5, -5, 1e-30, 1e30];
  test.each([
    ['x + h', x],
    ['h - x', [-Infinity, Infinity, -Infinity, Infinity]],
    ['x * h', [Infinity, Infinity, Infinity, -Infinity]],
    ['x / h', [Infinity, Infinity, Infinity, -Infinity]],
    ['h / x', [0, 0, 0, -0]],
    ['max(x, h)', [Infinity, -5 * Math.fround(1.1), Infinity, 1e30 * Math.fround(1.1)]],
    ['h / (x - x)', [NaN, NaN, NaN, NaN]],
  ])('%s', (value, values) => {
    const result = row(`${X}, ${Y}, ${OUT}`, `h = y * 1.1\nout = ${value}`, { x, y });
    expect(result.values).toEqual(values);
    // A finite one is off by as much as h.
    result.error.forEach((off, i) =>
      expect(off > 0).toBe(Math.abs(values[i]!) > 0 && Number.isFinite(values[i]!)),
    );
  });

  test.each([
    ['sqrt', [Infinity, 4, 9, 0], [Infinity, 2, 3, 0]],
    ['exp', [Infinity, 0, 0, 0], [Infinity, 1, 1, 1]],
    ['log', [0, Infinity, 1, 1], [-Infinity, Infinity, 0, 0]],
    ['rsqrt', [0, 1, 4, 1], [Infinity, 1, 0.5, 1]],
  ])('%s', (f, x, values) => {
    const result = row(`${X}, ${OUT}`, `out = ${f}(x)`, { x });
    expect(result.values).toEqual(values);
    result.values.forEach((value, i) => {
      if (!Number.isFinite(value)) expect(result.error[i]).toBe(0);
    });
  });
});

describe('what an infinity makes of what is not sure is not sure', () => {
  // 1.1 - 1.1 * 1 in float64 is 0, and f32 may have it above or below.
  const h = 'h = y * 1.1 - 1.1';
  test.each(['x * h', 'x / h', 'h / (x - x + h)'])('%s', (value) => {
    const tensors = `${X}, ${Y}, ${OUT}`;
    const { error } = row(tensors, `${h}\nout = ${value}`, { x: [Infinity, 1, 2, 3], y: [1, 2, 3, 4] });
    expect(error[0]).toBe(value.startsWith('h') ? 0 : Infinity);
    expect(Math.max(...error.slice(1))).toBeLessThan(1e-3);
  });
});

describe('a row with an infinity', () => {
  const most = 'most: { shape: [rows], dtype: f32, access: out }';
  const reduced = (formula: string, x: readonly number[]): readonly (number | undefined)[] => {
    const { values, error } = run(kernel(`${X}, ${most}`, formula), { rows: 1 }, { x }).get('most')!;
    return [values[0], error[0]];
  };

  test.each(['sum', 'mean'])('has a sure %s', (op) => {
    const formula = `most = ${op}[cols](x / 3.0)`;
    expect(reduced(formula, [1, Infinity, -2, 7])).toEqual([Infinity, 0]);
    expect(reduced(formula, [1, -Infinity, -2, -Infinity])).toEqual([-Infinity, 0]);
    expect(reduced(formula, [1, -Infinity, -2, Infinity])).toEqual([NaN, 0]);
    expect(reduced(formula, [1, Infinity, NaN, 7])).toEqual([NaN, 0]);
  });

  test('has a sure maximum and minimum', () => {
    expect(reduced('most = max[cols](x / 3.0)', [1, Infinity, -2, 7])).toEqual([Infinity, 0]);
    expect(reduced('most = min[cols](x / 3.0)', [1, -Infinity, -2, 7])).toEqual([-Infinity, 0]);
  });

  test('has no sure sum beside numbers that may overflow to the other infinity first', () => {
    expect(reduced('most = sum[cols](x)', [-3e38, Infinity, -3e38, 7])).toEqual([Infinity, Infinity]);
  });

  test('leaves the bounds of its other elements finite: a normalised row is 0 there', () => {
    const formula = 'out = x * rsqrt(mean[cols](x * x) + 0.5)';
    const { values, error } = row(`${X}, ${OUT}`, formula, { x: [3, Infinity, -5, 1e-3] });
    expect(values).toEqual([0, NaN, -0, 0]);
    expect(error).toEqual(NONE);
  });

  test('scaled by its largest magnitude is 0 beside it', () => {
    const formula = 'out = x / (max[cols](abs(x * 1.1)) / 448.0)';
    const { values, error } = row(`${X}, ${OUT}`, formula, { x: [3, -Infinity, 5, 0] });
    expect(values).toEqual([0, NaN, 0, 0]);
    expect(error).toEqual(NONE);
  });
});

describe('a product that overflows, in a sum that may be rounded together with it', () => {
  const tensors = `${X}, ${Y}, ${OUT}`;
  const y = [1.2, 1.2, 1.2, -1.2];
  test.each(['x * y + z', 'p = x * y\nout = z + p', 'z - x * (-y)'])('%s', (formula) => {
    const text = (formula.includes('out') ? formula : `out = ${formula}`).replace('z', '(-x / y)');
    const { values, error } = row(tensors, text, { x: [3e38, -3e38, Infinity, 3e38], y });
    // 3.6e38 - 2.5e38 is no infinity; an infinite factor leaves no doubt.
    expect(values).toEqual([Infinity, -Infinity, NaN, -Infinity]);
    expect(error).toEqual([Infinity, Infinity, 0, Infinity]);
  });

  test('is infinite beside ordinary numbers', () => {
    const x = [3e38, -3e38, 3e38, -3e38];
    expect(row(tensors, 'out = x * y + y', { x, y }).error).toEqual(NONE);
  });

  test('so with the sum of a row', () => {
    const sum = (x: readonly number[]): readonly number[] =>
      row(tensors, 'out = y + sum[cols](x * y)', { x, y }).error;
    expect(sum([3e38, 1, 2, 3])).toEqual(NONE);
    expect(sum([3e38, 1, 2, -3e38])).toEqual(NONE);
    expect(sum([3e38, 1e38, 2, 3])).toEqual(Array(4).fill(Infinity));
    expect(sum([3e38, -3e38, 2, 3])).toEqual(Array(4).fill(Infinity));
    expect(sum([3e38, -Infinity, 2, 3])).toEqual(Array(4).fill(Infinity));
    expect(sum([3e38, Infinity, 2, 3])).toEqual(NONE);
  });
});
