/** Mutated configs: a plan or a RoseError that says where and what next, never anything else. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { plan } from '../../../src/plan/index.js';
import { RoseError } from '../../../src/util/errors.js';
import { packagePath } from '../../../src/util/package-root.js';
import { CONFIGS, librarySpecs, modelOf } from './helpers.js';

const SEEDS = [
  ...['qwen3-8b', 'qwen3-30b-a3b', 'qwen3-next-80b-a3b', 'kimi-k2', 'all-minilm-l6-v2'].map((name) =>
    packagePath(`models/${name}/config.json`),
  ),
  ...['llama-3.1-8b', 'mistral-7b-v0.3', 'gemma-3-4b'].map((name) => join(CONFIGS, name, 'config.json')),
];

const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    0,
    -1,
    1,
    3,
    0.5,
    127,
    128,
    1e9,
    1e300,
    '',
    '4096',
    'silu',
    true,
    [],
    [1, 'x'],
    {},
    { a: {} },
  ),
  fc.integer({ min: 1, max: 20_000 }),
  fc.constantFrom(
    'qwen3',
    'qwen3_moe',
    'qwen3_next',
    'llama',
    'gemma3',
    'deepseek_v3',
    'bert',
    'float16',
    'fp8',
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Changes fields of the config, drops some, and at times breaks the text itself. */
const mutation = fc.record({
  seed: fc.nat(SEEDS.length - 1),
  edits: fc.array(fc.record({ at: fc.nat(1000), value: odd, drop: fc.boolean() }), {
    minLength: 1,
    maxLength: 4,
  }),
  text: fc.option(
    fc.record({
      at: fc.nat(5000),
      insert: fc.constantFrom('', '{', '}', '"', ',', '\\', '\n', '\u0000', 'é'),
    }),
    {
      freq: 6,
      nil: undefined,
    },
  ),
  quant: fc.constantFrom(undefined, 'none', 'fp8', 'fp8-block', 'int8'),
});

test('2,000 mutated configs', async () => {
  const seeds = await Promise.all(SEEDS.map((file) => readFile(file, 'utf8')));
  const specs = await librarySpecs();
  const outcomes = { planned: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(mutation, async ({ seed, edits, text: edit, quant }) => {
      const config = JSON.parse(seeds[seed]!) as Record<string, unknown>;
      for (const { at, value, drop } of edits) {
        const inner = config['text_config'] as Record<string, unknown> | undefined;
        const target = typeof inner === 'object' && inner !== null && at % 2 === 0 ? inner : config;
        const keys = Object.keys(target);
        const key = keys[at % Math.max(1, keys.length)];
        if (key === undefined) continue;
        if (drop) Reflect.deleteProperty(target, key);
        else target[key] = value;
      }
      let text = JSON.stringify(config, null, 2);
      if (edit) text = text.slice(0, edit.at) + edit.insert + text.slice(edit.at + 1);
      try {
        const model = await modelOf(text);
        const whole = plan({ model, archs: ['sm80', 'sm100'], specs, ...(quant !== undefined && { quant }) });
        expect(whole.variants.length).toBeGreaterThan(0);
        outcomes.planned++;
      } catch (error) {
        if (!(error instanceof RoseError)) throw error;
        expect(['MODEL_CONFIG', 'MODEL_UNKNOWN']).toContain(error.code);
        expect(error.place?.file).toBe('config.json');
        expect(error.next).not.toBe('');
        expect(error.format()).toContain('next:');
        outcomes.refused++;
      }
    }),
    { numRuns: 2000 },
  );
  // Both kinds are met, or the mutations are too tame or too wild.
  expect(Math.min(outcomes.planned, outcomes.refused)).toBeGreaterThan(200);
}, 120_000);
