import { describe, expect, test } from '@jest/globals';
import { bindKernel, parseSpec, type KernelSpec } from '../../../src/spec/index.js';
import { RoseError } from '../../../src/util/errors.js';
import { raised } from '../../support/raised.js';

const ROWS = '{ rows: dynamic, n: static, k: static }';
const X = 'x: { shape: [rows, n], dtype: f32 }';
const AT = 'at: { shape: [rows, k], dtype: i32, access: out }';
const OUT = 'out: { shape: [rows, k], dtype: f32, access: out }';

const text = (formula: readonly string[], tensors = [X, AT], dims = ROWS): string =>
  `kernel: probe
doc: Probes selections.
dims: ${dims}
tensors:
${tensors.map((tensor) => `  ${tensor}`).join('\n')}
formula: |
${formula.map((line) => `  ${line}`).join('\n')}
`;

const bound = (spec: KernelSpec, n: number, k: number) =>
  bindKernel(spec, { dims: { n, k }, types: {}, flags: {} });

describe('a selection', () => {
  test('varies over its own dimension in the place of that it selects from', () => {
    const spec = parseSpec(text(['at = top[n -> k](x)']), 'probe.yaml');
    const [statement] = bound(spec, 8, 3).sections[0]!.statements;
    expect(statement!.value).toMatchObject({
      kind: 'top',
      fn: 'top',
      dim: 'n',
      slots: 'k',
      dtype: 'i32',
      axes: ['rows', 'k'],
    });
  });

  test('says where computed values are read, itself or by the name of a local', () => {
    const formula = ['p = x * 2.0', 'chosen = bottom[n -> k](p)', 'out = p[n: chosen]', 'at = chosen'];
    const spec = parseSpec(text(formula, [X, AT, OUT]), 'probe.yaml');
    const value = bound(spec, 8, 3).sections[0]!.statements[2]!.value;
    expect(value).toMatchObject({ kind: 'pick', dim: 'n', axes: ['rows', 'k'], dtype: 'f32' });
  });

  test('takes all elements where k = n, and no more than there are', () => {
    const spec = parseSpec(text(['at = top[n -> k](x)']), 'probe.yaml');
    expect(() => bound(spec, 8, 8)).not.toThrow();
    const error = raised(() => bound(spec, 8, 9));
    expect(error.code).toBe('FORMULA_TYPE');
    expect(error.actual).toBe('k = 9 of n = 8');
    expect(error.place).toMatchObject({ file: 'probe.yaml', text: '  at = top[n -> k](x)' });
  });

  test.each([
    ['a dimension that is not there', ['at = top[m -> k](x)'], 'FORMULA_NAME', 'no dimension m'],
    ['no result dimension', ['at = top[n](x)'], 'FORMULA_SYNTAX', 'does not parse at ]'],
    ['no dimensions', ['at = top(x)'], 'FORMULA_TYPE', 'top lacks its dimensions'],
    ['integers', ['at = top[n -> k](index(n))'], 'FORMULA_TYPE', 'top is defined on f32 alone'],
    ['a value without the dimension', ['at = top[k -> n](x)'], 'FORMULA_TYPE', 'does not vary over k'],
    ['the dimension itself', ['at = top[n -> n](x)'], 'FORMULA_TYPE', 'varies over n already'],
    [
      'a dynamic dimension',
      ['at = top[rows -> k](x)'],
      'FORMULA_UNSUPPORTED',
      'rows is known only at launch',
    ],
    ['its name for a local', ['top = x', 'at = top[n -> k](x)'], 'SPEC_NAME', 'cannot be called top'],
  ])('of %s is refused', (_what, formula, code, message) => {
    const error = raised(() => parseSpec(text(formula), 'probe.yaml'));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
    expect(error.place?.text).toBe(`  ${formula[0]!}`);
  });

  test('does not let a computed value be read at other data', () => {
    const tensors = [X, OUT, 'ids: { shape: [rows, k], dtype: i32 }'];
    const error = raised(() => parseSpec(text(['p = x * 2.0', 'out = p[n: ids]'], tensors), 'probe.yaml'));
    expect(error.code).toBe('FORMULA_UNSUPPORTED');
    expect(error.next).toContain('top[...]');
  });

  test('of a tensor updated in place reads elements that other threads write', () => {
    const tensors = ['x: { shape: [rows, n], dtype: f32, access: inout }', OUT];
    const formula = ['p = x * 2.0', 'x = p', 'out = p[n: top[n -> k](p)]'];
    const error = raised(() => parseSpec(text(formula, tensors), 'probe.yaml'));
    expect(error).toBeInstanceOf(RoseError);
    expect([error.code, error.actual]).toEqual([
      'FORMULA_UNSUPPORTED',
      'the positions that a selection gives',
    ]);
  });
});
