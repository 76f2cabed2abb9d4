/** What the planned variants of published models must be, from their papers and configs. */

import { join } from 'node:path';
import { ARCHITECTURES } from '../../../src/device/arch.js';
import { Facts } from '../../../src/plan/facts.js';
import { knownModels, loadModel, type Model, type Plan } from '../../../src/plan/index.js';
import { CONFIGS, planFor } from './helpers.js';

const planOf = async (name: string, options: Parameters<typeof planFor>[1] = {}): Promise<Plan> =>
  planFor(await loadModel(name), options);
const fixture = (name: string): string => join(CONFIGS, name);
const FIXTURES = ['llama-3.1-8b', 'mistral-7b-v0.3', 'gemma-3-4b', 'bert-base', 'deepseek-v3'].map(fixture);

/** What reads the output head, and what lays a ragged batch out: the same for every decoder. */
const SAMPLING = ['greedy', 'sample_top_k_top_p', 'count_tokens', 'top_logprobs', 'token_logprob'];
const BATCHING = ['ragged_offsets', 'ragged_expand', 'slot_mapping'];
const SHARED = [...SAMPLING, ...BATCHING];

/** Kernel and static dimensions of the variants for one architecture and phase, without what all decoders share. */
function kernels({ variants }: Plan, phase = 'prefill'): readonly string[] {
  return variants
    .filter(({ kernel, phase: own }) => own === phase && !SHARED.includes(kernel))
    .map(({ id }) => id.split('.').slice(0, -2).join('.'));
}

const gaps = ({ notCovered }: Plan): readonly string[] => notCovered.map(({ op }) => op);

test('qwen3-8b: one variant each of five kernels, in both phases', async () => {
  const whole = await planOf('qwen3-8b');
  const expected = [
    'embedding.hidden4096.bf16.i32',
    'rms_norm.hidden4096.bf16',
    'add_rms_norm.hidden4096.bf16',
    'qk_norm_rope_cache.page16.q_heads32.k_heads8.half64.bf16.bf16.f32.norm',
    'swiglu.inter12288.bf16',
  ];
  expect(kernels(whole, 'prefill')).toEqual(expected);
  expect(kernels(whole, 'decode')).toEqual(expected);
  expect(gaps(whole)).toEqual(['GEMM', 'attention']);
  const added = whole.variants.find(({ kernel }) => kernel === 'add_rms_norm');
  expect(added?.reasons).toEqual([
    'post-attention norm of 36 layers',
    'input norm of layers 2 to 36',
    'final norm',
  ]);
  expect(whole).toMatchObject({ dtype: 'bf16', kvDtype: 'bf16', quant: 'none' });
});

test.each([
  ['qwen3-0.6b', 1024, 16, 8, 3072, 0],
  ['qwen3-1.7b', 2048, 16, 8, 6144, 0],
  ['qwen3-4b', 2560, 32, 8, 9728, 0],
  ['qwen3-14b', 5120, 40, 8, 17408, 0],
  ['qwen3-32b', 5120, 64, 8, 25600, 0],
  ['qwen3-30b-a3b', 2048, 32, 4, 768, 128],
  ['qwen3-235b-a22b', 4096, 64, 4, 1536, 128],
])(
  '%s: hidden %d, %d + %d heads of 128, SwiGLU of %d',
  async (name, hidden, heads, kvHeads, inter, experts) => {
    const dims = `top_k8.experts${experts}.total${experts}.pad16`;
    const routed = `moe_route.experts${experts}.top_k8.bf16.softmax.renormalise`;
    const combined = [
      `moe_combine.top_k8.hidden${hidden}.bf16`,
      `moe_combine_rms_norm.top_k8.hidden${hidden}.bf16`,
    ];
    const moved = {
      prefill: [`moe_permute.${dims}`, `moe_move.top_k8.hidden${hidden}.bf16`],
      decode: [`moe_dispatch.${dims}.hidden${hidden}.bf16`],
    };
    for (const phase of ['prefill', 'decode'] as const)
      expect(kernels(await planOf(name), phase)).toEqual([
        `embedding.hidden${hidden}.bf16.i32`,
        `rms_norm.hidden${hidden}.bf16`,
        `add_rms_norm.hidden${hidden}.bf16`,
        `qk_norm_rope_cache.page16.q_heads${heads}.k_heads${kvHeads}.half64.bf16.bf16.f32.norm`,
        ...(experts === 0 ? [] : [routed, ...moved[phase], ...combined]),
        `swiglu.inter${inter}.bf16`,
      ]);
  },
);

test('models that generate draw from all of their vocabulary, and say how likely it was', async () => {
  for (const [name, vocab] of [
    ['qwen3-8b', 151936],
    ['kimi-k2', 163840],
  ] as const) {
    const drawn = (await planOf(name)).variants.filter(({ kernel }) => SAMPLING.includes(kernel));
    for (const { kernel, binding } of drawn)
      expect([binding.dims['vocab'], binding.types['L']]).toEqual([
        vocab,
        kernel === 'count_tokens' ? undefined : 'f32',
      ]);
    const filtered = `sample_top_k_top_p.vocab${vocab}.f32`;
    expect(drawn.map(({ id }) => id)).toEqual([
      `greedy.vocab${vocab}.f32.sm90.prefill`,
      `greedy.vocab${vocab}.f32.sm90.decode`,
      `${filtered}.sm90.prefill`,
      `${filtered}.sm90.decode`,
      `${filtered}.masked.sm90.decode`,
      `${filtered}.penalised.biased.masked.sm90.decode`,
      `count_tokens.vocab${vocab}.sm90.decode`,
      `top_logprobs.vocab${vocab}.n20.f32.sm90.decode`,
      `token_logprob.vocab${vocab}.f32.sm90.prefill`,
      `token_logprob.vocab${vocab}.f32.sm90.decode`,
    ]);
  }
  expect(
    (await planOf('qwen3-embedding-0.6b')).variants.some(({ kernel }) => SAMPLING.includes(kernel)),
  ).toBe(false);
});

test('decoders lay ragged batches out, and find the slots of their tokens where they keep a cache', async () => {
  const laid = async (name: string) =>
    (await planOf(name)).variants.flatMap(({ kernel, id }) => (BATCHING.includes(kernel) ? [id] : []));
  const ragged = ['ragged_offsets.batch256.sm90.prefill', 'ragged_expand.batch256.sm90.prefill'];
  expect(await laid('qwen3-embedding-0.6b')).toEqual(ragged);
  expect(await laid(fixture('deepseek-v3'))).toEqual([
    ...ragged,
    'slot_mapping.page16.sm90.prefill',
    'slot_mapping.page16.sm90.decode',
  ]);
  expect(await laid('all-minilm-l6-v2')).toEqual([]);
});

test('models with experts list what routes, moves and combines their rows', async () => {
  const moe = ['grouped GEMM'];
  const own = ['moe_dispatch', 'moe_permute', 'moe_move', 'moe_combine'];
  for (const name of ['qwen3-30b-a3b', 'qwen3-next-80b-a3b', 'kimi-k2', fixture('deepseek-v3')]) {
    expect(gaps(await planOf(name))).toEqual(expect.arrayContaining(moe));
    // DeepSeek-V3 chooses from some groups of experts.
    const grouped = name === fixture('deepseek-v3');
    const planned = (kernel: string) => whole.variants.some((variant) => variant.kernel.startsWith(kernel));
    const whole = await planOf(name);
    expect(whole.variants.some(({ kernel }) => kernel === 'moe_route')).toBe(!grouped);
    expect(planned('moe_route_grouped')).toBe(grouped);
    for (const kernel of own) expect([kernel, planned(kernel)]).toEqual([kernel, true]);
  }
  for (const name of ['qwen3-8b', fixture('llama-3.1-8b')]) {
    for (const gap of moe) expect(gaps(await planOf(name))).not.toContain(gap);
  }
});

test('qwen3-next: offset norms, the gated norm of its delta net, no fused QK kernel for a quarter of each head', async () => {
  const whole = await planOf('qwen3-next-80b-a3b');
  expect(kernels(whole, 'prefill')).toEqual([
    'embedding.hidden2048.bf16.i32',
    'rms_norm.hidden2048.bf16.unit_offset',
    'add_rms_norm.hidden2048.bf16.unit_offset',
    'moe_route.experts512.top_k10.bf16.softmax.renormalise',
    'moe_permute.top_k10.experts512.total512.pad16',
    'moe_move.top_k10.hidden2048.bf16',
    'moe_combine.top_k10.hidden2048.bf16.shared.gated',
    'moe_combine_rms_norm.top_k10.hidden2048.bf16.shared.gated.unit_offset',
    'swiglu.inter512.bf16',
    'rms_norm.hidden128.bf16.gated',
  ]);
  expect(gaps(whole)).toEqual(
    expect.arrayContaining([
      'rotary embedding and KV cache write',
      'QK norm',
      'Gated DeltaNet',
      'attention output gate',
    ]),
  );
  const gated = whole.variants.find(({ kernel, binding }) => kernel === 'rms_norm' && binding.flags['gated']);
  expect(gated?.reasons).toEqual(['gated norm of 32 heads in 36 Gated DeltaNet layers']);
  const shared = whole.variants.find(({ kernel }) => kernel === 'swiglu');
  expect(shared?.reasons).toEqual(['SwiGLU of 512 experts, 10 rows a token', 'SwiGLU of the shared expert']);
});

test.each([
  ['qwen3-embedding-0.6b', 1024],
  ['qwen3-embedding-4b', 2560],
  ['qwen3-embedding-8b', 4096],
])('%s pools the last token of %d and is never decoded', async (name, hidden) => {
  const whole = await planOf(name);
  expect(kernels(whole)).toContain(`last_token_pool_l2.hidden${hidden}.bf16.f32`);
  expect(whole.phases).toEqual(['prefill']);
  expect(kernels(whole, 'decode')).toEqual([]);
  expect(gaps(whole)).not.toContain('sampling');
});

test('all-minilm-l6-v2 pools the mean, in f16, and lists what BERT adds up', async () => {
  const whole = await planOf('all-minilm-l6-v2');
  expect(kernels(whole)).toEqual([
    'embedding.hidden384.f16.i32',
    'mean_pool_l2.hidden384.f16.f32',
    'layer_norm.hidden384.f16.bias',
    'gelu_bias.inter1536.f16',
  ]);
  expect(gaps(whole)).toEqual(
    expect.arrayContaining(['attention', 'sum of embeddings', 'residual addition']),
  );
  expect(gaps(whole)).not.toContain('task head');
});

test('bert-base ends in a task head that its config does not describe', async () => {
  const whole = await planOf(fixture('bert-base'));
  expect(kernels(whole)).toEqual([
    'embedding.hidden768.bf16.i32',
    'layer_norm.hidden768.bf16.bias',
    'gelu_bias.inter3072.bf16',
  ]);
  expect(gaps(whole)).toContain('task head');
});

test.each([
  ['llama-3.1-8b', 14336],
  ['mistral-7b-v0.3', 14336],
])('%s: rotary embedding without QK norm', async (name, inter) => {
  expect(kernels(await planOf(fixture(name)))).toEqual([
    'embedding.hidden4096.bf16.i32',
    'rms_norm.hidden4096.bf16',
    'add_rms_norm.hidden4096.bf16',
    'qk_norm_rope_cache.page16.q_heads32.k_heads8.half64.bf16.bf16.f32',
    `swiglu.inter${inter}.bf16`,
  ]);
});

test('gemma-3-4b: unwrapped, with the defaults that its config leaves out', async () => {
  const whole = await planOf(fixture('gemma-3-4b'));
  expect(kernels(whole)).toEqual([
    'embedding.hidden2560.bf16.i32',
    'rms_norm.hidden2560.bf16.unit_offset',
    'add_rms_norm.hidden2560.bf16.unit_offset',
  ]);
  const drawn = whole.variants.filter(({ kernel }) => kernel === 'sample_top_k_top_p');
  expect(drawn.map(({ binding }) => binding.dims['vocab'])).toEqual([262208, 262208, 262208, 262208]);
  expect(gaps(whole)).toEqual(
    expect.arrayContaining([
      'vision or audio towers',
      'gated MLP activation',
      'embedding scale',
      'sliding-window attention',
    ]),
  );
  const alone = whole.variants.find(({ kernel }) => kernel === 'rms_norm');
  expect(alone?.reasons).toEqual([
    'input norm of the first layer',
    'post-attention norm of 34 layers',
    'post-feedforward norm of 34 layers',
  ]);
});

test.each([
  ['kimi-k2', 8192],
  [fixture('deepseek-v3'), 16384],
])('%s: its fp8 checkpoint asks for 128-element blocks', async (name, attention) => {
  const whole = await planOf(name);
  expect(whole.quant).toBe('fp8_block');
  const local = name === 'kimi-k2' ? 384 : 256;
  const dims = `top_k8.experts${local}.total${local}.pad128`;
  const moved = {
    prefill: [`moe_permute.${dims}`, 'moe_move_quant_fp8_block.top_k8.hidden7168.bf16'],
    decode: [`moe_dispatch_quant_fp8_block.${dims}.hidden7168.bf16`],
  };
  const latent = 'quant_fp8_block.hidden512.bf16';
  for (const phase of ['prefill', 'decode'] as const)
    expect(kernels(whole, phase)).toEqual([
      'embedding.hidden7168.bf16.i32',
      'rms_norm_quant_fp8_block.hidden7168.bf16',
      'add_rms_norm.hidden7168.bf16',
      'add_rms_norm_quant_fp8_block.hidden7168.bf16',
      'quant_fp8_block.hidden7168.bf16',
      `quant_fp8_block.hidden${attention}.bf16`,
      'swiglu_quant_fp8_block.inter18432.bf16',
      ...(name === 'kimi-k2'
        ? ['moe_route.experts384.top_k8.bf16.biased.renormalise']
        : ['moe_route_grouped.experts256.groups8.kept4.top_k8.bf16']),
      ...moved[phase],
      'moe_combine.top_k8.hidden7168.bf16.shared',
      'swiglu_quant_fp8_block.inter2048.bf16',
      'rms_norm_quant_fp8_block.hidden1536.bf16',
      'rms_norm.hidden512.bf16',
      // The latent is expanded in prefill alone.
      ...(phase === 'prefill' ? [latent] : []),
    ]);
  expect(gaps(whole)).toContain('multi-head latent attention');
});

test('deepseek-v3 has a prediction layer to spare, kimi-k2 has none', async () => {
  expect(gaps(await planOf(fixture('deepseek-v3')))).toContain('multi-token prediction');
  expect(gaps(await planOf('kimi-k2'))).not.toContain('multi-token prediction');
});

test('everything a recipe needs is a variant, unsupported or not covered, whatever is asked', async () => {
  const names = [...(await knownModels()), ...FIXTURES];
  const archs = ARCHITECTURES.map(({ name }) => name);
  for (const model of await Promise.all(names.map(loadModel))) {
    for (const quant of ['none', 'fp8', 'fp8-block', 'int8']) {
      for (const kvDtype of ['auto', 'fp8']) {
        const whole = await planFor(model, { archs, quant, kvDtype, dtype: 'bf16' });
        expect(unanswered(model, whole)).toEqual([]);
        const ids = [...whole.variants, ...whole.unsupported].map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        for (const id of ids) expect(id).toMatch(/^[a-z0-9_.-]+$/);
      }
    }
  }
}, 60_000);

/** Reasons of needs that hold for the model and that the plan does not mention. */
function unanswered(model: Model, whole: Plan): readonly string[] {
  const facts = new Facts(model, {
    dtype: whole.dtype,
    kv_dtype: whole.kvDtype,
    page: whole.page,
    quant: whole.quant,
    pooling: model.pooling?.mode ?? 'none',
    normalize: model.pooling?.normalize ?? false,
    multimodal: model.config.wrapper !== undefined,
  });
  const planned = [...whole.variants, ...whole.unsupported].flatMap(({ kernel, reasons }) =>
    reasons.map((reason) => `${kernel}: ${reason}`),
  );
  return model.recipe.needs
    .filter(({ when }) => !when || facts.truth(when))
    .map((need) => ({ kernel: facts.text(need.kernel), reason: facts.text(need.reason) }))
    .filter(
      ({ kernel, reason }) =>
        !planned.includes(`${kernel}: ${reason}`) &&
        !whole.notCovered.some((gap) => gap.op === kernel && gap.reason.startsWith(reason)),
    )
    .map(({ kernel, reason }) => `${kernel}: ${reason}`);
}
