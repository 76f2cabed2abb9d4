import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bindKernel, parseSpec, type BoundKernel } from '../../../../src/spec/index.js';
import { evaluateReference } from '../../../../src/verify/reference/index.js';
import { bindingsOf } from '../../../support/variants.js';

function kernel(
  tensors: string,
  formula: string,
  dims = 'rows: dynamic, cols: static',
  more = '',
): BoundKernel {
  const text = `kernel: probe
doc: A probe.
dims: { ${dims} }
${more}tensors: { ${tensors} }
formula: |
${formula.replace(/^/gm, '  ')}
`;
  const spec = parseSpec(text, 'probe.yaml');
  return bindKernel(spec, bindingsOf(spec, { cols: 4 })[0]!);
}

const run = (
  bound: BoundKernel,
  extents: Record<string, number>,
  inputs: Record<string, readonly number[]>,
  params: Record<string, number> = {},
) =>
  evaluateReference(bound, {
    extents: { cols: 4, ...extents },
    params,
    inputs: new Map(Object.entries(inputs).map(([name, values]) => [name, Float64Array.from(values)])),
  });

const X = 'x: { shape: [rows, cols], dtype: f32 }';
const OUT = 'out: { shape: [rows, cols], dtype: f32, access: out }';

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
