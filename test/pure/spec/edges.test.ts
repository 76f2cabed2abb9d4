import { describe, expect, test } from '@jest/globals';
import { bindKernel, defineKernel, parseSpec, type KernelDefinition } from '../../../src/spec/index.js';
import { RoseError } from '../../../src/util/errors.js';
import { LEGAL, REFUSED } from '../../support/probe-specs.js';
import { bindingsOf } from '../../support/variants.js';

function raised(action: () => unknown): RoseError {
  try {
    action();
  } catch (error) {
    if (error instanceof RoseError) return error;
    throw error;
  }
  throw new Error('nothing was raised');
}

describe('edges of the language', () => {
  test.each(Object.entries(LEGAL))('%s is legal', (_what, text) => {
    const spec = parseSpec(text, 'probe.yaml');
    expect(bindKernel(spec, bindingsOf(spec)[0]!).sections).toHaveLength(spec.formulas.length);
  });

  test.each(REFUSED)('%s is refused', (_what, text, code, message, actual = '') => {
    const error = raised(() => parseSpec(text, 'probe.yaml'));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.actual).toContain(actual);
    expect(error.place?.text).toBe(text.split('\n')[error.place!.line! - 1]);
    expect([error.actual, error.expected, error.next]).not.toContain('');
  });

  test('a local never used is told the output that was meant, or which outputs there are', () => {
    const text = REFUSED.find(([what]) => what === 'a local that nothing uses')![1];
    expect(raised(() => parseSpec(text, 'probe.yaml')).next).toBe('did you mean out?');
    const far = raised(() => parseSpec(text.replace('outt', 'intermediate'), 'probe.yaml'));
    expect(far.expected).toContain('out');
  });
});

describe('defineKernel() of what is no plain data', () => {
  const ring: Record<string, unknown> = { kernel: 'a' };
  ring['self'] = ring;
  const deep: unknown = JSON.parse('['.repeat(5000) + ']'.repeat(5000));
  const shared = Array.from({ length: 14 }).reduce<unknown>((inner) => Array(20).fill(inner), 'x');
  const proxy = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('no');
      },
    },
  );
  const getter = {
    get kernel(): string {
      throw new Error('no');
    },
  };

  test.each([
    ['nothing', undefined, 'the definition is no plain data'],
    ['a ring', ring, 'self contains itself'],
    ['5,000 levels', deep, 'nested too deeply'],
    ['a few objects repeated without end', shared, 'too large'],
    ['a function', { kernel: () => 'a' }, 'kernel is no plain data'],
    ['a symbol', { kernel: Symbol('a') }, 'kernel is no plain data'],
    ['a bigint', { dims: { h: 1n } }, 'dims.h is no plain data'],
    ['a number that is none', { dims: { h: NaN } }, 'dims.h is no number'],
    ['a map of a class', new Map([['kernel', 'a']]), 'the definition is no plain data'],
    ['a getter', getter, 'kernel is no plain data'],
    ['a proxy that throws', proxy, 'the definition cannot be read'],
    ['a list with holes', { tensors: { x: { shape: Array(3) } } }, 'tensors.x.shape.0 is no plain data'],
  ] as const)('%s: SPEC_SCHEMA', (_what, value, message) => {
    const error = raised(() => defineKernel(value as unknown as KernelDefinition));
    expect(error.code).toBe('SPEC_SCHEMA');
    expect(error.message).toContain(message);
  });
});
