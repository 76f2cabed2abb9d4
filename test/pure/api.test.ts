/** The library as its users import it. */

import { expect, test } from '@jest/globals';
import {
  bindKernel,
  defineKernel,
  loadModel,
  loadSpecs,
  plan,
  renderVariant,
  RoseError,
  shard,
  type PlannedVariant,
} from '../../src/index.js';
import { packagePath } from '../../src/util/package-root.js';

const definition = {
  kernel: 'halve',
  doc: 'Halves each row.',
  dims: { tokens: 'dynamic', hidden: 'static' },
  types: { T: ['bf16', 'f16'] },
  tensors: {
    x: { shape: ['tokens', 'hidden'], dtype: 'T' },
    out: { shape: ['tokens', 'hidden'], dtype: 'T', access: 'out' },
  },
  formula: 'out = T(f32(x) * 0.5)',
} as const;

test('a kernel declared in TypeScript becomes a module', () => {
  const spec = defineKernel(definition);
  const binding = { dims: { hidden: 640 }, types: { T: 'f16' }, flags: {} } as const;
  expect(bindKernel(spec, binding).extents).toMatchObject({ tokens: 'dynamic', hidden: 640 });
  const variant: PlannedVariant = {
    id: 'halve.hidden640.f16.sm90.decode',
    kernel: 'halve',
    binding,
    arch: 'sm90',
    phase: 'decode',
    pdl: true,
    reasons: [],
  };
  const { module } = renderVariant(variant, spec);
  expect(module.text).toContain('Halves each row.');
  expect(module.text).toContain('@cute.kernel');
});

test('a model becomes a plan, and its parts', async () => {
  const specs = [...(await loadSpecs(packagePath('specs'))).values()];
  const whole = plan({ model: await loadModel('qwen3-8b'), archs: ['sm90'], specs });
  expect(whole.variants.length).toBeGreaterThan(0);
  expect(shard(whole, 3).flat()).toHaveLength(whole.variants.length);
});

test('a failure is a RoseError with a code and the next step', () => {
  const wrong = { ...definition, formula: 'out = T(f32(y) * 0.5)' };
  let raised: unknown;
  try {
    defineKernel(wrong);
  } catch (error) {
    raised = error;
  }
  expect(raised).toBeInstanceOf(RoseError);
  expect(raised).toMatchObject({ code: 'FORMULA_NAME', next: 'did you mean x?' });
});
