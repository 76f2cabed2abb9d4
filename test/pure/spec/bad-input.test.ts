import { describe, expect, test } from '@jest/globals';
import { bindKernel, parseSpec } from '../../../src/spec/index.js';
import { RoseError } from '../../../src/util/errors.js';

const GOOD = `kernel: scale
doc: Scales rows.
dims: { tokens: dynamic, hidden: static }
types: { T: [bf16, f16] }
params: { factor: f32 }
tensors:
  x: { shape: [tokens, hidden], dtype: T }
  out: { shape: [tokens, hidden], dtype: T, access: out }
formula: |
  out = T(f32(x) * factor)
`;

function failure(text: string): RoseError {
  try {
    parseSpec(text, 'scale.yaml');
  } catch (error) {
    if (error instanceof RoseError) return error;
    throw error;
  }
  throw new Error('the spec was accepted');
}

describe('a wrong spec', () => {
  test('the good one is good', () => {
    expect(parseSpec(GOOD, 'scale.yaml').name).toBe('scale');
  });

  test.each([
    ['a misspelt field', GOOD.replace('params:', 'parms:'), 'SPEC_SCHEMA', 5, 'params'],
    ['an unknown dtype', GOOD.replace('[bf16, f16]', '[bf15, f16]'), 'SPEC_DTYPE', 4, 'bf16'],
    [
      'a dimension that does not exist',
      GOOD.replace('[tokens, hidden], dtype: T }', '[tokens, hiden], dtype: T }'),
      'SPEC_DIM',
      7,
      'hidden',
    ],
    ['an ill-typed formula', GOOD.replace('f32(x) * factor', 'x * factor'), 'FORMULA_TYPE', 10, 'f32(x)'],
    [
      'usual values the wrong way round',
      GOOD.replace('dtype: T }', 'dtype: T, usual: [2, 1] }'),
      'SPEC_SCHEMA',
      7,
      'the least first',
    ],
    [
      'a constant whose size is known at launch alone',
      GOOD.replace('dtype: T }', 'dtype: T, constant: true }'),
      'SPEC_LAYOUT',
      7,
      'static dimensions',
    ],
    [
      'a constant that the kernel writes',
      GOOD.replace('access: out }', 'access: out, constant: true }'),
      'SPEC_LAYOUT',
      8,
      'access: in',
    ],
    ['an unknown name', GOOD.replace('* factor', '* factr'), 'FORMULA_NAME', 10, 'factor'],
    [
      'a formula that does not parse',
      GOOD.replace('f32(x) * factor', 'f32(x) * * factor'),
      'FORMULA_SYNTAX',
      10,
      '',
    ],
    [
      'an output never written',
      GOOD.replace('access: out }', 'access: out }\n  other: { shape: [tokens], dtype: f32, access: out }'),
      'FORMULA_TYPE',
      9,
      '',
    ],
    [
      'a tensor never used',
      GOOD.replace('  out:', '  spare: { shape: [tokens], dtype: f32 }\n  out:'),
      'FORMULA_TYPE',
      8,
      '',
    ],
    ['a write to an input', GOOD.replace('out = T', 'x = T'), 'FORMULA_TYPE', 10, ''],
    ['a name with quotes', GOOD.replace('kernel: scale', `kernel: 'a"b'`), 'SPEC_SCHEMA', 1, ''],
    ['a reserved name', GOOD.replaceAll('factor', 'lambda'), 'SPEC_NAME', 5, ''],
    ['text that is no YAML', GOOD.replace('tensors:', 'tensors: ]'), 'SPEC_SYNTAX', 6, ''],
  ] as const)('%s', (_what, text, code, line, hint) => {
    const error = failure(text);
    expect([error.code, error.place?.line]).toEqual([code, line]);
    expect(error.place?.column).toBeGreaterThan(0);
    expect(error.place?.text).toBe(text.split('\n')[line - 1]);
    expect(error.next.length).toBeGreaterThan(0);
    expect(error.format()).toContain(hint);
  });

  test('a layout that overlaps itself is refused when it is bound', () => {
    const text = GOOD.replace(
      '[tokens, hidden], dtype: T }',
      '[tokens, hidden], dtype: T, strides: [hidden - 1, 1] }',
    );
    const spec = parseSpec(text, 'scale.yaml');
    expect(() => bindKernel(spec, { dims: { hidden: 64 }, types: { T: 'bf16' }, flags: {} })).toThrow(
      /overlaps itself/,
    );
  });

  test('a binding of what does not exist, or of nothing, is refused', () => {
    const spec = parseSpec(GOOD, 'scale.yaml');
    const bind = (dims: Record<string, number>) => () =>
      bindKernel(spec, { dims, types: { T: 'bf16' }, flags: {} });
    expect(bind({ hiden: 64 })).toThrow(/no dimension hiden/);
    expect(bind({})).toThrow(/not bound/);
    expect(bind({ hidden: 0 })).toThrow(/no legal extent/);
  });

  test('an index that leaves its dimension is refused', () => {
    const text = `kernel: half
doc: Reads the wrong half.
dims: { tokens: dynamic, two: 2, n: static }
tensors:
  x: { shape: [tokens, two*n], dtype: f32 }
  out: { shape: [tokens, n], dtype: f32, access: out }
formula: |
  out = x[two: 2]
`;
    expect(failure(text).message).toMatch(/leaves two/);
  });
});
