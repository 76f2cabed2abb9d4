import { describe, expect, test } from '@jest/globals';
import { artifactKey, specKey, variantKey } from '../../../src/build/index.js';
import { parseSpec } from '../../../src/spec/index.js';
import { SAMPLES } from '../../support/sample-specs.js';
import { bindingsOf, variantOf } from '../../support/variants.js';

const spec = parseSpec(SAMPLES.INT8_ROWS, 'int8_rows.yaml');
const variant = variantOf(spec, bindingsOf(spec)[0]!);

describe('keys', () => {
  test('every field that code generation reads changes the key', () => {
    const edits: readonly (readonly [string, string, string])[] = [
      ['kernel', 'kernel: int8_rows', 'kernel: int8_row'],
      ['doc', 'with a scale each', 'with one scale each'],
      ['dims', 'tokens: dynamic, hidden: static', 'tokens: dynamic, hidden: 256'],
      ['types', '[bf16, f16, f32]', '[bf16, f16]'],
      ['strides', ', strides: [dynamic, 1]', ''],
      ['align', 'dtype: i8, access', 'dtype: i8, align: 8, access'],
      ['constant of the formula', '127.0', '126.0'],
      ['rounding', 'i8.rn.sat', 'i8.rz.sat'],
    ];
    const keys = edits.map(([, from, to]) => {
      const text = SAMPLES.INT8_ROWS.replaceAll(from, to);
      expect(text).not.toBe(SAMPLES.INT8_ROWS);
      return variantKey(variant, parseSpec(text, 'int8_rows.yaml'));
    });
    expect(new Set([variantKey(variant, spec), ...keys]).size).toBe(edits.length + 1);
  });

  test('every choice of the variant changes the key', () => {
    const choices = [
      variant,
      { ...variant, arch: 'sm100' },
      { ...variant, phase: 'decode' as const },
      { ...variant, pdl: false },
      { ...variant, schedule: { threads: 64 } },
      { ...variant, binding: bindingsOf(spec, { hidden: 512 })[0]! },
      { ...variant, binding: bindingsOf(spec)[1]! },
    ];
    expect(new Set(choices.map((choice) => specKey(choice, spec))).size).toBe(choices.length);
  });

  test('nothing else does: file name, white space, comments and the reasons of a plan', () => {
    const moved = parseSpec(
      SAMPLES.INT8_ROWS.replace('formula: |', '# a comment\nformula: |'),
      'elsewhere/other.yaml',
    );
    expect(variantKey({ ...variant, reasons: ['another'] }, moved)).toBe(variantKey(variant, spec));
  });

  test('an artifact is known by the bytes of its module, its name, its target and the toolchain', () => {
    const keys = [
      artifactKey('module', 'name', 'sm90', 'lock'),
      artifactKey('module ', 'name', 'sm90', 'lock'),
      artifactKey('module', 'other', 'sm90', 'lock'),
      artifactKey('module', 'name', 'sm100', 'lock'),
      artifactKey('module', 'name', 'sm90', 'other'),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(artifactKey('module', 'name', 'sm_90a', 'lock')).toBe(keys[0]);
  });
});
