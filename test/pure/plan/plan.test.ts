import { readdir, readFile } from 'node:fs/promises';
import fc from 'fast-check';
import {
  formatPlan,
  loadModel,
  planJson,
  variantId,
  withRejections,
  type Plan,
} from '../../../src/plan/index.js';
import type { Binding, DimDecl, Dtype } from '../../../src/spec/index.js';
import { packagePath } from '../../../src/util/package-root.js';
import { librarySpecs, modelOf, planFor, roseError, SMALL } from './helpers.js';

const ids = ({ variants }: Pick<Plan, 'variants'>): readonly string[] => variants.map(({ id }) => id);

test('the order in which targets are asked for changes nothing', async () => {
  const model = await modelOf(SMALL);
  const specs = await librarySpecs();
  const one = await planFor(model, { archs: ['sm90', 'sm100'], phases: ['prefill', 'decode'] });
  const other = await planFor(model, {
    archs: ['sm_100a', 'sm90', 'sm90a'],
    phases: ['decode', 'prefill', 'decode'],
    specs: [...specs].reverse(),
  });
  expect(other).toEqual(one);
  expect(ids(one).map((id) => id.split('.').at(-2))).toEqual([
    ...Array(14).fill('sm90'),
    ...Array(14).fill('sm100'),
  ]);
});

test('dependent launch is planned where there is any, and can be switched off', async () => {
  const model = await modelOf(SMALL);
  const on = await planFor(model, { archs: ['sm89', 'sm90'] });
  for (const { arch, pdl } of on.variants) expect(pdl).toBe(arch === 'sm90');
  const off = await planFor(model, { archs: ['sm89', 'sm90'], pdl: false });
  expect(off.variants.every(({ pdl }) => !pdl)).toBe(true);
  const shared = ids(off).filter((id) => ids(on).includes(id));
  expect(shared).toEqual(ids(on).filter((id) => id.includes('.sm89.')));
});

test('without fp8 conversions, fp8 variants are unsupported with the reason', async () => {
  const whole = await planFor(await modelOf(SMALL), {
    archs: ['sm86', 'sm89'],
    quant: 'fp8',
    kvDtype: 'fp8',
  });
  const fp8 = whole.variants.filter(({ arch }) => arch === 'sm89').map(({ kernel }) => kernel);
  const old = whole.variants.filter(({ arch }) => arch === 'sm86').map(({ kernel }) => kernel);
  const unsupported = whole.unsupported.map(({ kernel }) => kernel);
  expect([...new Set(unsupported)].sort()).toEqual([
    'add_rms_norm_quant_fp8',
    'qk_norm_rope_cache',
    'quant_fp8',
    'rms_norm_quant_fp8',
    'swiglu_quant_fp8',
  ]);
  expect([...old, ...unsupported].sort()).toEqual([...fp8].sort());
  for (const { arch, because } of whole.unsupported) {
    expect(arch).toBe('sm86');
    expect(because).toMatch(/sm86 has no fp8 conversions.* is e4m3/);
  }
});

test('int8 is a pass of its own and runs everywhere', async () => {
  const whole = await planFor(await modelOf(SMALL), { archs: ['sm80'], quant: 'int8', phases: ['decode'] });
  expect(whole.unsupported).toEqual([]);
  expect(
    ids(whole)
      .filter((id) => id.startsWith('quant_int8'))
      .sort(),
  ).toEqual(['quant_int8.hidden256.bf16.sm80.decode', 'quant_int8.hidden512.bf16.sm80.decode']);
  expect(ids(whole)).toContain('rms_norm.hidden256.bf16.sm80.decode');
});

test.each<[string, object, string, boolean]>([
  ['fp8 a token', { quant_method: 'fp8', activation_scheme: 'dynamic' }, 'fp8', false],
  ['fp8 blocks', { quant_method: 'fp8', weight_block_size: [128, 128] }, 'fp8_block', false],
  ['other blocks', { quant_method: 'fp8', weight_block_size: [64, 64] }, 'none', true],
  ['fp8 with fixed scales', { quant_method: 'fp8', activation_scheme: 'static' }, 'none', true],
  ['weights alone', { quant_method: 'awq', bits: 4 }, 'none', false],
  ['an unknown method', { quant_method: 'modelopt' }, 'none', true],
  ['compressed fp8', compressed({ type: 'float', strategy: 'token' }), 'fp8', false],
  [
    'compressed fp8 groups',
    compressed({ type: 'float', strategy: 'group', group_size: 128 }),
    'fp8_block',
    false,
  ],
  ['compressed int8', compressed({ type: 'int', strategy: 'token' }), 'int8', false],
  ['compressed static', compressed({ type: 'float', strategy: 'tensor', dynamic: false }), 'none', true],
  [
    'compressed weights alone',
    { quant_method: 'compressed-tensors', config_groups: { a: { input_activations: null } } },
    'none',
    false,
  ],
])('a checkpoint with %s', async (_what, quantization_config, quant, gap) => {
  const model = await modelOf({ ...SMALL, quantization_config });
  const whole = await planFor(model);
  expect(whole.quant).toBe(quant);
  expect(whole.notCovered.some(({ op }) => op === 'activation quantisation')).toBe(gap);
  expect((await planFor(model, { quant: 'none' })).quant).toBe('none');
});

function compressed(inputs: object): object {
  const group = { input_activations: { num_bits: 8, dynamic: true, ...inputs } };
  return { quant_method: 'compressed-tensors', config_groups: { group_0: group } };
}

test('rows that blocks do not fill are a gap with the numbers, not an error', async () => {
  const whole = await planFor(await modelOf({ ...SMALL, intermediate_size: 320 }), { quant: 'fp8-block' });
  const gap = whole.notCovered.find(({ op }) => op === 'swiglu_quant_fp8_block');
  expect(gap?.reason).toContain('SwiGLU of the MLP');
  expect(gap?.reason).toContain('320');
  expect(whole.variants.map(({ kernel }) => kernel)).not.toContain('swiglu_quant_fp8_block');
});

test('an fp8 cache is planned on request alone', async () => {
  const model = await modelOf(SMALL);
  const cache = async (kvDtype?: string) =>
    (await planFor(model, kvDtype === undefined ? {} : { kvDtype })).variants.find(({ kernel }) =>
      kernel.includes('cache'),
    )?.binding;
  expect(await cache()).toMatchObject({ types: { C: 'bf16' }, flags: { quantised: false } });
  expect(await cache('fp8')).toMatchObject({ types: { C: 'e4m3' }, flags: { quantised: true } });
});

test.each<[string, Parameters<typeof planFor>[1], string]>([
  ['no architecture', { archs: [] }, 'USAGE'],
  ['an unknown architecture', { archs: ['sm42'] }, 'TARGET_UNKNOWN'],
  ['no phase', { phases: [] }, 'USAGE'],
  ['an unknown phase', { phases: ['train' as 'decode'] }, 'USAGE'],
  ['an unknown quantisation', { quant: 'fp4' }, 'USAGE'],
  ['an unknown cache dtype', { kvDtype: 'i8' }, 'USAGE'],
  ['a dtype that a kernel does not take', { dtype: 'f32' }, 'SPEC_DTYPE'],
  ['a page of no tokens', { pageSize: 0 }, 'USAGE'],
])('%s is refused', async (_what, options, code) => {
  const model = await modelOf(SMALL);
  expect(await roseError(() => planFor(model, options))).toMatchObject({ code });
});

test('a phase that the model does not have is refused', async () => {
  const model = await loadModel('all-minilm-l6-v2');
  expect(await roseError(() => planFor(model, { phases: ['decode'] }))).toMatchObject({
    code: 'USAGE',
    expected: 'prefill',
  });
});

test('what a later stage rejects moves to unsupported, and nothing else', async () => {
  const whole = await planFor(await modelOf(SMALL));
  const [first] = whole.variants;
  const after = withRejections(whole, new Map([[first!.id, 'no schedule fits']]));
  expect(after.variants).toEqual(whole.variants.slice(1));
  expect(after.unsupported).toEqual([{ ...first, because: 'no schedule fits' }]);
  expect(() => withRejections(whole, new Map([['no.such', 'x']]))).toThrow('no.such');
});

test('two variants have one id only if they are the same', () => {
  const name = fc.constantFrom('a', 'A', 'a1', 'aB', 'no', 'pdl', 'sm90', 'bf16');
  const names = fc.uniqueArray(name, { maxLength: 3 });
  const shape = fc.record({ dims: names, types: names, flags: names });
  const at = { file: 'x' };
  const choice = shape.chain(({ dims, types, flags }) => {
    const spec = {
      name: 'k',
      dims: dims.map((dim): DimDecl => ({ kind: 'static', name: dim, span: at })),
      types: types.map((type) => ({ name: type, choices: [], span: at })),
      flags: flags.map((flag) => ({ name: flag, choices: [], span: at })),
    };
    const each = <T>(keys: readonly string[], values: fc.Arbitrary<T>) =>
      fc.record(Object.fromEntries(keys.map((key) => [key, values])));
    const binding = fc.record({
      dims: each(dims, fc.constantFrom(1, 2, 12, 121)),
      types: each(types, fc.constantFrom<Dtype>('bf16', 'f16', 'f32')),
      flags: each(flags, fc.boolean()),
    }) as fc.Arbitrary<Binding>;
    const variant = fc.record({
      spec: fc.constant(spec),
      binding,
      arch: fc.constantFrom('sm90', 'sm100'),
      phase: fc.constantFrom('prefill' as const, 'decode' as const),
      withoutPdl: fc.boolean(),
    });
    return fc.tuple(variant, variant);
  });
  fc.assert(
    fc.property(choice, ([a, b]) => {
      const same = JSON.stringify(a) === JSON.stringify(b);
      expect(variantId(a) === variantId(b)).toBe(same);
      expect(variantId(a)).toMatch(/^[a-z0-9_.-]+$/);
    }),
    { numRuns: 2000 },
  );
});

test('a long id is cut and stays its own', () => {
  const at = { file: 'x' };
  const long = Array.from({ length: 6 }, (_, i) => `${'d'.repeat(46)}${i}`);
  const id = (last: number): string =>
    variantId({
      spec: {
        name: 'k',
        dims: long.map((name) => ({ kind: 'static', name, span: at })),
        types: [],
        flags: [],
      },
      binding: {
        dims: Object.fromEntries(long.map((name, i) => [name, i === 5 ? last : 1])),
        types: {},
        flags: {},
      },
      arch: 'sm90',
      phase: 'decode',
      withoutPdl: false,
    });
  expect(id(1).length).toBe(200);
  expect(id(1)).not.toBe(id(2));
});

test('the table is aligned, with a line for each reason', async () => {
  const model = await modelOf({ ...SMALL, quantization_config: { quant_method: 'modelopt' } }, 'small');
  const whole = await planFor(model, { archs: ['sm86'], phases: ['decode'], kvDtype: 'fp8' });
  expect(formatPlan(whole)).toBe(
    [
      'small (qwen3, config.json)',
      'sm86; decode; bf16, KV cache e4m3, not quantised',
      '',
      '5 variants',
      '  embedding.hidden256.bf16.i32.sm86.decode  token embedding',
      '  rms_norm.hidden256.bf16.sm86.decode       input norm of the first layer',
      '  add_rms_norm.hidden256.bf16.sm86.decode   post-attention norm of 2 layers',
      '                                            input norm of layers 2 to 2',
      '                                            final norm',
      '  slot_mapping.page16.sm86.decode           where the keys and values of each token go in the paged cache',
      '  swiglu.inter512.bf16.sm86.decode          SwiGLU of the MLP',
      '',
      '1 unsupported',
      '  qk_norm_rope_cache.page16.q_heads4.k_heads2.half32.bf16.e4m3.f32.norm.quantised.sm86.decode  sm86 has no fp8 conversions (sm89 and later do), and k_cache is e4m3',
      '',
      '3 not yet covered',
      '  GEMM                     the matrix products of 2 layers and the output head are contractions',
      '  attention                scores, softmax and weighted sum over the paged KV cache are contractions',
      '  activation quantisation  the checkpoint\'s quantisation "modelopt" is not known',
      '',
    ].join('\n'),
  );
});

test('the JSON form holds the whole plan', async () => {
  const whole = await planFor(await modelOf(SMALL));
  expect(JSON.parse(JSON.stringify(planJson(whole)))).toEqual({ schema: 1, ...whole });
});

test('no kernel of the library is named by the planner', async () => {
  const folder = packagePath('src/plan');
  const texts = await Promise.all(
    (await readdir(folder)).map((file) => readFile(`${folder}/${file}`, 'utf8')),
  );
  const compound = (await librarySpecs()).map(({ name }) => name).filter((name) => name.includes('_'));
  expect(compound.length).toBeGreaterThan(5);
  for (const name of compound) expect(texts.filter((text) => text.includes(name))).toEqual([]);
});
