import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { knownModels, knownModelTypes, loadModel } from '../../../src/plan/index.js';
import { modelOf, planFor, roseError, SMALL } from './helpers.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rose-model-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(path: string, content: unknown): Promise<string> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  return file;
}

test('the models and types of the library', async () => {
  expect(await knownModels()).toEqual([
    'all-minilm-l6-v2',
    'kimi-k2',
    'qwen3-0.6b',
    'qwen3-1.7b',
    'qwen3-14b',
    'qwen3-235b-a22b',
    'qwen3-30b-a3b',
    'qwen3-32b',
    'qwen3-4b',
    'qwen3-8b',
    'qwen3-embedding-0.6b',
    'qwen3-embedding-4b',
    'qwen3-embedding-8b',
    'qwen3-next-80b-a3b',
  ]);
  const types = [
    'qwen3',
    'qwen3_moe',
    'qwen3_next',
    'llama',
    'mistral',
    'gemma3',
    'deepseek_v3',
    'kimi_k2',
    'bert',
  ];
  expect(await knownModelTypes()).toEqual(expect.arrayContaining(types));
});

test('every model of the library loads, by its name in any case', async () => {
  for (const name of await knownModels()) {
    const model = await loadModel(name.toUpperCase());
    expect(model.name).toBe(name);
    expect(model.recipe.needs.length).toBeGreaterThan(0);
  }
});

test('a path is a config.json or the folder that holds one', async () => {
  const file = await write('my-model/config.json', SMALL);
  const byFile = await loadModel(file);
  const byFolder = await loadModel(dirname(file));
  expect(byFile.name).toBe('my-model');
  expect(byFolder.name).toBe('my-model');
  expect((await planFor(byFolder)).variants).toEqual((await planFor(byFile)).variants);
});

test('fields that nothing reads are no error', async () => {
  const model = await modelOf({ ...SMALL, auto_map: { AutoConfig: 'x.Y' }, novel_field: [1, { a: null }] });
  expect((await planFor(model)).variants).toEqual((await planFor(await modelOf(SMALL))).variants);
});

test('an unknown name is answered with the closest', async () => {
  expect(await roseError(() => loadModel('qwen3-8'))).toMatchObject({
    code: 'MODEL_UNKNOWN',
    next: 'did you mean qwen3-8b?',
    expected: expect.stringContaining('kimi-k2'),
  });
  expect(await roseError(() => loadModel('Qwen/Qwen3-8B'))).toMatchObject({ next: 'did you mean qwen3-8b?' });
  for (const odd of ['', 'a\0b', '../..', 'x'.repeat(5000), 'types', 'models/types']) {
    expect(await roseError(() => loadModel(odd))).toMatchObject({ code: 'MODEL_UNKNOWN' });
  }
});

test('an unknown model type is answered with those that are known', async () => {
  const file = await write('gpt/config.json', { ...SMALL, model_type: 'qwen3_mo' });
  const error = await roseError(() => loadModel(file));
  expect(error).toMatchObject({
    code: 'MODEL_UNKNOWN',
    place: { file, line: 2, column: 17 },
    next: 'did you mean qwen3_moe?',
  });
  for (const type of await knownModelTypes()) expect(error.expected).toContain(type);
  for (const odd of ['_decoder', '../types/qwen3', 'constructor']) {
    expect(await roseError(() => modelOf({ ...SMALL, model_type: odd }))).toMatchObject({
      code: 'MODEL_UNKNOWN',
    });
  }
});

test('a folder without a config, and a config that is none', async () => {
  await mkdir(join(folder, 'empty'));
  expect(await roseError(() => loadModel(join(folder, 'empty')))).toMatchObject({ code: 'MODEL_UNKNOWN' });
  const list = await write('list/config.json', '[1]');
  expect(await roseError(() => loadModel(list))).toMatchObject({ code: 'MODEL_CONFIG', actual: 'a list' });
  const none = await write('none/config.json', '{}');
  expect(await roseError(() => loadModel(none))).toMatchObject({
    code: 'MODEL_CONFIG',
    message: 'the config has no model_type',
  });
  const weights = await write('weights/config.json', `{"a": "${'x'.repeat(9 * 2 ** 20)}"}`);
  expect(await roseError(() => loadModel(weights))).toMatchObject({
    code: 'MODEL_CONFIG',
    place: { file: weights },
  });
});

const without = (name: string): object =>
  Object.fromEntries(Object.entries(SMALL).filter(([key]) => key !== name));

test.each<[string, object, string, object]>([
  ['a missing field', without('hidden_size'), 'the config has no hidden_size', { file: 'config.json' }],
  ['a null field', { ...SMALL, hidden_size: null }, 'hidden_size is not', { line: 3, column: 18 }],
  ['a text', { ...SMALL, hidden_size: '256' }, 'hidden_size is not', { line: 3, column: 18 }],
  ['a fraction', { ...SMALL, intermediate_size: 0.5 }, 'intermediate_size is not', { line: 4 }],
  ['a negative', { ...SMALL, num_hidden_layers: -1 }, 'num_hidden_layers is not', { line: 5 }],
  ['zero', { ...SMALL, num_attention_heads: 0 }, 'num_attention_heads is not', { line: 6 }],
  ['a huge number', { ...SMALL, hidden_size: 1e300 }, 'hidden_size is not', { line: 3 }],
  ['a list', { ...SMALL, head_dim: [64] }, 'head_dim is not', { line: 8 }],
  ['heads that do not divide', { ...SMALL, num_key_value_heads: 3 }, 'no multiple of', { line: 7 }],
  ['an odd head', { ...SMALL, head_dim: 63 }, 'is odd', { line: 8 }],
  [
    'a hidden size that heads do not divide',
    { ...without('head_dim'), model_type: 'llama', hidden_size: 250 },
    'hidden_size / num_attention_heads is not a whole number',
    { line: 3, column: 18 },
  ],
])('%s is refused where it stands', async (_what, config, message, place) => {
  const model = await modelOf(config);
  const error = await roseError(() => planFor(model));
  expect(error).toMatchObject({ code: 'MODEL_CONFIG', place });
  expect(error.message).toContain(message);
  expect(error.next).not.toBe('');
});

test('a dtype that is none is refused, and may be chosen instead', async () => {
  const model = await modelOf({ ...SMALL, torch_dtype: 'int4' });
  expect(await roseError(() => planFor(model))).toMatchObject({ code: 'MODEL_CONFIG', place: { line: 9 } });
  expect((await planFor(model, { dtype: 'f16' })).dtype).toBe('f16');
});

test.each([
  ['bfloat16', 'bf16'],
  ['float16', 'f16'],
  ['torch.float16', 'f16'],
  ['float32', 'bf16'],
  [null, 'bf16'],
])('a %s checkpoint is served in %s', async (given, dtype) => {
  expect((await planFor(await modelOf({ ...SMALL, torch_dtype: given }))).dtype).toBe(dtype);
  expect((await planFor(await modelOf({ ...without('torch_dtype'), dtype: given }))).dtype).toBe(dtype);
});

describe('a sentence-transformers folder', () => {
  const modules = [
    { idx: 0, path: '', type: 'sentence_transformers.models.Transformer' },
    { idx: 1, path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
    { idx: 2, path: '2_Normalize', type: 'sentence_transformers.models.Normalize' },
  ];

  async function folderWith(name: string, pooling: unknown, listed: unknown = modules): Promise<string> {
    await write(`${name}/modules.json`, listed);
    await write(`${name}/1_Pooling/config.json`, pooling);
    return dirname(await write(`${name}/config.json`, SMALL));
  }

  test.each([
    ['last', { pooling_mode_lasttoken: true, pooling_mode_mean_tokens: false }],
    ['mean', { pooling_mode_mean_tokens: true }],
    ['cls', { pooling_mode_cls_token: true }],
    ['max', { pooling_mode_max_tokens: true }],
    ['other', { pooling_mode_mean_tokens: true, pooling_mode_cls_token: true }],
    ['other', { pooling_mode_mean_sqrt_len_tokens: true }],
    ['other', []],
  ] as const)('pools by %s', async (mode, config) => {
    const model = await loadModel(await folderWith(`pool-${mode}`, config));
    expect(model.pooling).toEqual({ mode, normalize: true, extra: [] });
  });

  test('what no kernel pools is listed', async () => {
    const cls = await planFor(await loadModel(await folderWith('cls', { pooling_mode_cls_token: true })));
    expect(cls.notCovered).toContainEqual({ op: 'pooling', reason: 'cls pooling of each text' });
    const raw = await folderWith('raw', { pooling_mode_mean_tokens: true }, modules.slice(0, 2));
    const plain = await planFor(await loadModel(raw));
    expect(plain.notCovered.map(({ op }) => op)).toContain('pooling');
    const dense = [...modules, { idx: 3, path: '3_Dense', type: 'sentence_transformers.models.Dense' }];
    const extra = await loadModel(await folderWith('dense', { pooling_mode_mean_tokens: true }, dense));
    expect((await planFor(extra)).notCovered.map(({ op }) => op)).toContain('Dense');
  });

  test('broken files are refused, and no path leaves the folder', async () => {
    const broken = await folderWith('broken', '{"pooling_mode_mean_tokens": tru}');
    expect(await roseError(() => loadModel(broken))).toMatchObject({
      code: 'MODEL_CONFIG',
      place: { line: 1 },
    });
    const outside = [{ path: '../../secrets', type: 'sentence_transformers.models.Pooling' }];
    const escape = await folderWith('escape', {}, outside);
    expect(await roseError(() => loadModel(escape))).toMatchObject({
      code: 'MODEL_CONFIG',
      actual: '../../secrets',
    });
  });
});
