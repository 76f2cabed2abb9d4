import { describe, expect, test } from '@jest/globals';
import { bindKernel, parseSpec, type KernelSpec } from '../../../src/spec/index.js';
import { raised } from '../../support/raised.js';

const probe = (formula: readonly string[], outputs = ['at: { shape: [rows], dtype: i32, access: out }']) =>
  parseSpec(
    `kernel: probe
doc: Probes functions of a row.
dims: { rows: dynamic, n: static }
tensors:
  x: { shape: [rows, n], dtype: f32 }
  k: { shape: [rows], dtype: i32 }
  p: { shape: [rows], dtype: f32 }
  s: { shape: [rows], dtype: i64 }
  w: { shape: [rows, n], dtype: i32 }
${outputs.map((output) => `  ${output}`).join('\n')}
formula: |
${formula.map((line) => `  ${line}`).join('\n')}
`,
    'probe.yaml',
  );

/** Every input has a use, whatever is probed. */
const USED = 'rest = f32(k) + p + f32(i32(s)) + sum[n](x + f32(w))';
const REST = 'r: { shape: [rows], dtype: f32, access: out }';
const AT = 'at: { shape: [rows], dtype: i32, access: out }';
const Y = 'y: { shape: [rows, n], dtype: f32, access: out }';

const valueOf = (spec: KernelSpec) =>
  bindKernel(spec, { dims: { n: 8 }, types: {}, flags: {} }).sections[0]!.statements[0]!.value;

describe('a function of a row', () => {
  test('gives a position for each row, a choice for each element, a number for each position', () => {
    const of = (formula: string, output: string) =>
      valueOf(probe([formula, USED, 'r = rest'], [output, REST]));
    expect(of('at = argmax[n](x)', AT)).toMatchObject({
      kind: 'arg',
      fn: 'argmax',
      dtype: 'i32',
      axes: ['rows'],
    });
    expect(of('y = select(largest[n](x, k), x, -inf)', Y)).toMatchObject({
      condition: { kind: 'leading', dtype: 'bool', axes: ['rows', 'n'] },
      otherwise: { kind: 'literal', value: -Infinity },
    });
    expect(of('y = select(nucleus[n](x, exp(x), p), x, 0.0)', Y)).toMatchObject({
      condition: { kind: 'leading', weight: { kind: 'unary' }, need: { tensor: 'p' } },
    });
    expect(of('y = uniform[n](s, s)', Y)).toMatchObject({ dtype: 'f32', axes: ['rows', 'n'] });
  });

  test.each([
    ['no dimension', 'at = argmax(x)', 'FORMULA_TYPE', 'argmax lacks its dimension'],
    ['a dimension that is not there', 'at = argmax[m](x)', 'FORMULA_NAME', 'no dimension m'],
    ['a dynamic one', 'at = argmax[rows](x)', 'FORMULA_UNSUPPORTED', 'known only at launch'],
    ['a value without it', 'at = argmax[n](p)', 'FORMULA_TYPE', 'does not vary over n'],
    ['integers', 'at = argmax[n](w)', 'FORMULA_TYPE', 'argmax takes f32'],
    ['too few arguments', 'at = argmax[n](select(largest[n](x), x, 0.0))', 'FORMULA_TYPE', 'wrong number'],
    [
      'a count for each element',
      'at = argmax[n](select(largest[n](x, w), x, 0.0))',
      'FORMULA_TYPE',
      'w varies over n',
    ],
    [
      'a share that is an integer',
      'at = argmax[n](select(nucleus[n](x, x, k), x, 0.0))',
      'FORMULA_TYPE',
      'takes f32',
    ],
    ['a seed of i32', 'at = argmax[n](uniform[n](k, s))', 'FORMULA_TYPE', 'uniform takes i64'],
  ])('is refused with %s', (_what, formula, code, message) => {
    const error = raised(() => {
      valueOf(probe([formula, USED, 'r = rest'], [AT, REST]));
    });
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.place?.file).toBe('probe.yaml');
  });
});

describe('bits', () => {
  test('bind as in Python: shifts, &, ^, |, then comparisons', () => {
    const spec = probe(['y = select(1 | 2 ^ w & k << 1 + 1 == 3, x, 0.0)', USED, 'r = rest'], [Y, REST]);
    expect(valueOf(spec)).toMatchObject({
      condition: {
        kind: 'compare',
        left: {
          op: '|',
          right: { op: '^', right: { op: '&', right: { op: '<<', right: { op: '+' } } } },
        },
      },
    });
  });

  test('are those of integers', () => {
    const error = raised(() => valueOf(probe(['y = x & x', USED, 'r = rest'], [Y, REST])));
    expect([error.code, error.message]).toEqual(['FORMULA_TYPE', '& is defined on integers alone']);
  });
});
