import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { kernel, OUT, row, run, X } from './probe.js';

describe('values', () => {
  test('reductions, broadcasting and a read at another position', () => {
    const bound = kernel(
      `${X}, ${OUT}, most: { shape: [rows], dtype: f32, access: out }`,
      'out = x[cols: 3 - cols] - mean[cols](x)\nmost = max[cols](x)',
    );
    const outputs = run(bound, { rows: 2 }, { x: [1, 2, 3, 4, 0, 0, 8, 0] });
    expect([...outputs.get('out')!.values]).toEqual([1.5, 0.5, -0.5, -1.5, -2, 6, -2, -2]);
    expect([...outputs.get('most')!.values]).toEqual([4, 8]);
  });

  test('blocks of a dimension broadcast over their own elements', () => {
    const bound = kernel(`${X}, ${OUT}`, 'out = x / max[cols by 2](x)');
    expect([...run(bound, { rows: 1 }, { x: [1, 2, 3, 12] }).get('out')!.values]).toEqual([0.5, 1, 0.25, 1]);
  });

  test('a gather out of range reads 0; a scatter out of range writes nothing', () => {
    const bound = kernel(
      `${X}, source: { shape: [rows], dtype: i32 }, target: { shape: [rows], dtype: i32 }, out: { shape: [places, cols], dtype: f32, access: out }`,
      'out[places: target] = x[rows: source] + 1.0',
      'rows: dynamic, places: dynamic, cols: static',
    );
    const outputs = run(
      bound,
      { rows: 3, places: 2 },
      { x: [...Array(12).keys()], source: [2, -1, 0], target: [1, 0, 7] },
    );
    expect([...outputs.get('out')!.values]).toEqual([1, 1, 1, 1, 9, 10, 11, 12]);
    expect([...outputs.get('out')!.written]).toEqual(Array(8).fill(1));
  });

  test('ranges: an empty one gives 0 for a mean and -inf for a maximum', () => {
    const bound = kernel(
      `${X}, offsets: { shape: [bags+1], dtype: i32 }, middle: { shape: [bags, cols], dtype: f32, access: out }, most: { shape: [bags, cols], dtype: f32, access: out }`,
      'middle = mean[rows in offsets](x)\nmost = max[rows in offsets](x)',
      'rows: dynamic, bags: dynamic, cols: static',
    );
    const outputs = run(bound, { rows: 3, bags: 2 }, { x: [...Array(12).keys()], offsets: [0, 3, 3] });
    expect([...outputs.get('middle')!.values]).toEqual([4, 5, 6, 7, 0, 0, 0, 0]);
    expect([...outputs.get('most')!.values].slice(4)).toEqual(Array(4).fill(-Infinity));
  });

  test('in a section of a cut dimension, its length and positions are those of the part', () => {
    const bound = kernel(
      'x: { shape: [rows, both], dtype: i32 }, out: { shape: [rows, both], dtype: i32, access: out }',
      {
        first: 'out = x + size(left) * 100 + index(left)',
        second: 'out = x + size(right) * 100 + index(right)',
      },
      'rows: dynamic, left: 2, right: 3, both: { sections: { first: left, second: right } }',
    );
    const { values, error } = run(bound, { rows: 2 }, { x: [10, 20, 30, 40, 50, 0, 0, 0, 0, 0] }).get('out')!;
    expect([...values]).toEqual([210, 221, 330, 341, 352, 200, 201, 300, 301, 302]);
    expect([...error]).toEqual(Array(10).fill(0));
  });

  test('in a section of a cut dimension, reductions and maps of positions stay in the part', () => {
    const bound = kernel(
      'x: { shape: [rows, both], dtype: f32 }, out: { shape: [rows, both], dtype: f32, access: out }',
      {
        first: 'out = x / max[left](x)',
        second: 'y = x * 2.0\nout = y[right: 2 - right] - max[right](x)',
      },
      'rows: dynamic, left: 2, right: 3, both: { sections: { first: left, second: right } }',
    );
    const { values } = run(bound, { rows: 1 }, { x: [1, 4, 3, 5, 16] }).get('out')!;
    expect([...values]).toEqual([0.25, 1, 16, -6, -10]);
  });

  test('what is not written keeps what it held', () => {
    const bound = kernel(
      `${X}, out: { shape: [rows, cols], dtype: f32, access: inout }`,
      'out = x where x > 2.0',
    );
    const outputs = run(bound, { rows: 1 }, { x: [1, 2, 3, 4], out: [9, 9, 9, 9] });
    expect([...outputs.get('out')!.values]).toEqual([9, 9, 3, 4]);
    expect([...outputs.get('out')!.written]).toEqual([0, 0, 1, 1]);
  });

  test('maxima of a dimension spread NaN, of two numbers they do not; f32 overflows', () => {
    const bound = kernel(
      `${X}, ${OUT}, most: { shape: [rows], dtype: f32, access: out }`,
      'out = max(x, 0.0) * 1.0e38\nmost = max[cols](x)',
    );
    const outputs = run(bound, { rows: 1 }, { x: [NaN, 2, 40, -1] });
    const large = Math.fround(1e38);
    expect([...outputs.get('out')!.values]).toEqual([0, 2 * large, Infinity, 0]);
    expect([...outputs.get('most')!.values]).toEqual([NaN]);
  });
});

describe('error bounds', () => {
  test('what is exact has none; a cast that nothing can tip over has none', () => {
    const bound = kernel(
      `x: { shape: [rows, cols], dtype: bf16 }, out: { shape: [rows, cols], dtype: bf16, access: out }`,
      'out = bf16(f32(x) * 2.0)',
    );
    expect([...run(bound, { rows: 1 }, { x: [1, 2, 3, 0.5] }).get('out')!.error]).toEqual([0, 0, 0, 0]);
  });

  test('a result next to a rounding boundary may be either neighbour', () => {
    const bound = kernel(
      `${X}, out: { shape: [rows, cols], dtype: bf16, access: out }`,
      'out = bf16(x * 1.00390625)',
    );
    // 1.00390625 is half way between two bf16.
    const [near, far] = [...run(bound, { rows: 1 }, { x: [1, 1.5, 0, 0] }).get('out')!.error];
    expect([near, far]).toEqual([2 ** -7, 0]);
  });

  test('a cast next to the overflow of its dtype may give either infinity or the largest number', () => {
    const { values, error } = row(
      `${X}, out: { shape: [rows, cols], dtype: f16, access: out }`,
      'out = f16(x * 1.0000001)',
      // From 65520 on, f16 is infinite.
      { x: [65519.996, -65519.996, 65500, 65600].map(Math.fround) },
    );
    expect(values).toEqual([Infinity, -Infinity, 65504, Infinity]);
    expect(error).toEqual([Infinity, Infinity, 0, 0]);
  });

  test('a sine is off by no more than 2, however unsure its argument', () => {
    const x = [4, 3e7, 3.3e7, 1e9];
    for (const f of ['sin', 'cos']) {
      // The product of the last ones is off by more than half a turn.
      const { error } = row(`${X}, ${OUT}`, `out = ${f}(x * 1.1)`, { x });
      expect(error[0]).toBeLessThan(1e-6);
      expect(error.slice(1)).toEqual([2, 2, 2]);
    }
  });

  test('a logarithm at the edge of its domain, and a reciprocal next to 0, may be anything', () => {
    // Two below 0 and one above it, all of them closer than f32 roundings reach.
    const x = [1 - 2 ** -24, 1, 1 + 2 ** -23, 2];
    const h = 'h = x * 1.1 + 0.1 - 1.2';
    for (const value of ['log(h)', '1.0 / h', 'rcp(h)', 'rsqrt(h)']) {
      const { error } = row(`${X}, ${OUT}`, `${h}\nout = ${value}`, { x });
      expect(error.slice(0, 3)).toEqual([Infinity, Infinity, Infinity]);
      expect(error[3]).toBeLessThan(1e-5);
    }
  });

  test('what compares with something unknown is unknown', () => {
    const formula = 'y = select(x * 1.1 > 1.1, x, 0.0 / (x - x))\nout = select(y > 100.0, 5.0, 7.0)';
    expect(row(`${X}, ${OUT}`, formula, { x: [1, 200, 3, 0.5] }).error).toEqual([2, 0, 0, 0]);
  });

  test('f32 arithmetic, emulated operation by operation, stays within the bound', () => {
    const bound = kernel(
      `${X}, y: { shape: [rows, cols], dtype: f32 }, ${OUT}`,
      'h = x * y + x\nout = h * rsqrt(mean[cols](h * h) + 0.5) - y / (abs(x) + 1.0)',
    );
    const f = Math.fround;
    const value = fc.float({ min: -100, max: 100, noNaN: true }).map((x) => (Math.abs(x) < 1e-20 ? 0 : x));
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 4, maxLength: 4 }),
        fc.array(value, { minLength: 4, maxLength: 4 }),
        (x, y) => {
          const h = x.map((each, i) => f(f(each * y[i]!) + each));
          const sum = h.reduce((total, each) => f(total + f(each * each)), 0);
          const scale = f(1 / Math.sqrt(f(f(sum * 0.25) + 0.5)));
          const { values, error } = run(bound, { rows: 1 }, { x, y }).get('out')!;
          h.forEach((each, i) => {
            const emulated = f(f(each * scale) - f(y[i]! / f(Math.abs(x[i]!) + 1)));
            expect(Math.abs(emulated - values[i]!)).toBeLessThanOrEqual(error[i]!);
            expect(error[i]!).toBeLessThan(1e-3);
          });
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('a choice near its threshold may be either arm', () => {
    const bound = kernel(`${X}, ${OUT}`, 'out = select(x * 1.1 > 1.1, 5.0, 7.0)');
    const { values, error } = run(bound, { rows: 1 }, { x: [1, 2, 0, 0.5] }).get('out')!;
    expect([...values].slice(1)).toEqual([5, 7, 7]);
    expect([...error]).toEqual([2, 0, 0, 0]);
  });
});
