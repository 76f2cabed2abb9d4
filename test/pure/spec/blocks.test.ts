import { describe, expect, test } from '@jest/globals';
import { bindKernel, parseSpec, type KernelSpec } from '../../../src/spec/index.js';
import { raised } from '../../support/raised.js';

const probe = (formula: string) =>
  parseSpec(
    `kernel: probe
doc: Probes blocks.
dims: { rows: dynamic, n: static, block: static, k: static }
tensors:
  x: { shape: [rows, n], dtype: f32 }
  some: { shape: [rows], dtype: i32 }
  y: { shape: [rows, n], dtype: f32, access: out }
  at: { shape: [rows, k], dtype: i32, access: out }
formula: |
  used = f32(some) + f32(size(block))
  y = x + used
  at = ${formula}
`,
    'probe.yaml',
  );

const bound = (spec: KernelSpec, dims: Readonly<Record<string, number>> = {}) =>
  bindKernel(spec, { dims: { n: 24, block: 6, k: 2, ...dims }, types: {}, flags: {} });
const chosen = (formula: string) => {
  const statement = bound(probe(formula)).sections[0]!.statements.at(-1)!;
  return statement.value;
};

describe('blocks of a dimension', () => {
  test('are as long as a number or a static dimension says', () => {
    for (const length of ['6', 'block'])
      expect(chosen(`top[n -> k](x - max[n by ${length}](x))`)).toMatchObject({
        operand: { right: { kind: 'reduce', by: 6, axes: ['rows', 'n/6'] }, axes: ['rows', 'n'] },
      });
  });

  test('have leading elements, and lead themselves', () => {
    expect(chosen('top[n -> k](x, largest[n by block](x, some))')).toMatchObject({
      allowed: { kind: 'leading', dim: 'n', by: 6, dtype: 'bool', axes: ['rows', 'n'] },
    });
    const blocks = chosen('top[n -> k](x, largest[n/block](sum[n by block](x), 2))');
    expect(blocks).toMatchObject({ allowed: { blocks: true, by: 6, axes: ['rows', 'n/6'] } });
    expect(blocks.axes).toEqual(['rows', 'k']);
  });

  test.each([
    ['a length that is no dimension', 'top[n -> k](x - max[n by m](x))', 'FORMULA_NAME', 'no dimension m'],
    ['one known at launch', 'top[n -> k](x - max[n by rows](x))', 'FORMULA_TYPE', 'known only at launch'],
    [
      'blocks of rows',
      'top[n -> k](x, largest[rows by 4](x, 1))',
      'FORMULA_UNSUPPORTED',
      'known only at launch',
    ],
    [
      'the largest of elements as if they were blocks',
      'top[n -> k](x, largest[n/6](x, 1))',
      'FORMULA_TYPE',
      'does not vary over n/6',
    ],
    [
      'blocks of another length',
      'top[n -> k](x, largest[n/4](max[n by 6](x), 1))',
      'FORMULA_TYPE',
      'does not vary over n/4',
    ],
    [
      'another count for each block',
      'top[n -> k](x, largest[n by 6](x, i32.rz(max[n by 6](x))))',
      'FORMULA_TYPE',
      'varies over n',
    ],
    ['positions in blocks', 'argmax[n by 6](x)', 'FORMULA_UNSUPPORTED', 'argmax of blocks'],
    ['a number for a condition', 'top[n -> k](x, x)', 'FORMULA_TYPE', 'needs a condition'],
    ['a condition along the result', 'top[n -> k](x, index(k) > 0)', 'FORMULA_TYPE', 'varies over k already'],
    ['a condition too many', 'top[n -> k](x, x > 0.0, x)', 'FORMULA_SYNTAX', 'does not parse'],
    ['no length', 'top[n -> k](x, largest[n/](x, 1))', 'FORMULA_SYNTAX', 'does not parse'],
  ])('%s: refused', (_what, formula, code, message) => {
    const error = raised(() => probe(formula));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
    expect(error.place?.line).toBe(12);
  });

  test('fill their dimension with 2 or more elements each', () => {
    const spec = probe('top[n -> k](x, largest[n/block](sum[n by block](x), 2))');
    const error = raised(() => bound(spec, { block: 7 }));
    expect([error.code, error.actual, error.expected]).toEqual([
      'FORMULA_TYPE',
      'n = 24, remainder 3',
      'a multiple of 7',
    ]);
    const one = raised(() => bound(spec, { block: 1 }));
    expect([one.code, one.actual, one.next]).toEqual([
      'FORMULA_TYPE',
      'n by block = 1',
      'bind a larger block',
    ]);
  });
});
