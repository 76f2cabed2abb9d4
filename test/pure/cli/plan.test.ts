import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlanJson } from '../../../src/plan/index.js';
import { packagePath } from '../../../src/util/package-root.js';
import { makeFolder, OWN_SPEC, removeFolder, rose, roseJson } from './helpers.js';

let folder: string;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => removeFolder(folder));

const ids = ({ variants }: PlanJson): readonly string[] => variants.map(({ id }) => id);

describe('plan', () => {
  test('lists variants with reasons, and what is not covered', async () => {
    const { code, stdout } = await rose('plan', '--model', 'qwen3-8b', '--arch', 'sm100');
    expect(code).toBe(0);
    expect(stdout).toContain('qwen3-8b (qwen3, models/qwen3-8b/config.json)');
    expect(stdout).toMatch(/^ {2}rms_norm\.hidden4096\.bf16\.sm100\.decode +input norm of the first layer$/m);
    expect(stdout).toMatch(/not yet covered\n(.*\n)* {2}attention +\S/);
  });

  test('text and JSON name the same variants', async () => {
    const args = ['plan', '--model', 'qwen3-0.6b', '--arch', 'sm90'];
    const { stdout } = await rose(...args);
    const plan = await roseJson<PlanJson>(...args);
    expect(plan.variants.length).toBeGreaterThan(0);
    for (const id of ids(plan)) expect(stdout).toContain(`  ${id} `);
  });

  test('defaults are Hopper and Blackwell, both phases', async () => {
    const plan = await roseJson<PlanJson>('plan', '--model', 'qwen3-8b');
    expect(plan).toMatchObject({ archs: ['sm90', 'sm100'], phases: ['prefill', 'decode'] });
  });

  test('options narrow it', async () => {
    const plan = await roseJson<PlanJson>(
      ...['plan', '--model', 'qwen3-8b', '--arch', 'sm90', '--phase', 'decode'],
      ...['--kernel', 'rms_norm', '--kernel', 'swiglu', '--dtype', 'f16', '--no-dependent-launch'],
    );
    expect(ids(plan)).toEqual([
      'rms_norm.hidden4096.f16.no-pdl.sm90.decode',
      'swiglu.inter12288.f16.no-pdl.sm90.decode',
    ]);
    expect(plan.variants.every(({ pdl }) => !pdl)).toBe(true);
  });

  test('what an architecture lacks is unsupported, with the reason', async () => {
    const plan = await roseJson<PlanJson>(
      'plan',
      '--model',
      'qwen3-8b',
      '--arch',
      'sm80',
      '--kv-dtype',
      'fp8',
    );
    expect(plan.unsupported.length).toBeGreaterThan(0);
    for (const { because } of plan.unsupported) expect(because).toContain('sm80 has no fp8 conversions');
  });

  test('a formula that no schedule carries for one size is unsupported, and the rest is planned', async () => {
    const config = JSON.parse(readFileSync(packagePath('models/qwen3-0.6b/config.json'), 'utf8')) as object;
    const file = join(folder, 'config.json');
    writeFileSync(file, JSON.stringify({ ...config, vocab_size: 5_000_000 }));
    const args = ['--model', file, '--arch', 'sm90', '--phase', 'decode'];
    const plan = await roseJson<PlanJson>('plan', ...args);
    expect(ids(plan)).toContain('rms_norm.hidden1024.bf16.sm90.decode');
    const sampled = plan.unsupported.find(({ kernel }) => kernel === 'sample_top_k_top_p');
    expect(sampled?.because).toContain(
      'a row of 5000000 elements of vocab; expected rows of at most 4194304',
    );
    const { shards } = await roseJson<{ shards: { variants: string[] }[] }>(
      'matrix',
      ...args,
      '--shards',
      '1',
    );
    expect(shards[0]!.variants).toEqual(ids(plan));
  });
});

describe('specs of the user', () => {
  const own = (): string => {
    const file = join(folder, 'halve.yaml');
    writeFileSync(file, OWN_SPEC);
    return file;
  };

  test('one that no recipe names takes its dimensions from the model', async () => {
    const args = ['plan', '--model', 'qwen3-8b', '--arch', 'sm90', '--spec', own()];
    const plan = await roseJson<PlanJson>(...args);
    expect(ids(plan)).toEqual(
      expect.arrayContaining([
        'halve.hidden4096.bf16.sm90.prefill',
        'halve.hidden4096.bf16.sm90.decode',
        'rms_norm.hidden4096.bf16.sm90.decode',
      ]),
    );
    const alone = await roseJson<PlanJson>(...args, '--kernel', 'halve', '--dim', 'hidden=640');
    expect(ids(alone)).toEqual(['halve.hidden640.bf16.sm90.prefill', 'halve.hidden640.bf16.sm90.decode']);
  });

  test('one of a library name takes its place', async () => {
    const file = join(folder, 'own.yaml');
    writeFileSync(file, OWN_SPEC.replace('kernel: halve', 'kernel: swiglu').replaceAll('hidden', 'inter'));
    const plan = await roseJson<PlanJson>('plan', '--model', 'qwen3-8b', '--arch', 'sm90', '--spec', file);
    expect(ids(plan).filter((id) => id.startsWith('swiglu.'))).toHaveLength(2);
    const { stdout } = await rose(
      ...[
        'explain',
        'swiglu.inter12288.bf16.sm90.decode',
        '--model',
        'qwen3-8b',
        '--spec',
        file,
        '--only',
        'spec',
      ],
    );
    expect(stdout).toContain('Halves each row.');
  });

  test.each([
    ['hidden', '--dim names no dimension'],
    ['=8', '--dim names no dimension'],
    ['hidden=0', 'the size in --dim is no number'],
    ['width=8', 'halve has no dimension width'],
  ])('--dim %s is refused', async (dim, says) => {
    const { code, stderr } = await rose('plan', '--model', 'qwen3-8b', '--spec', own(), '--dim', dim);
    expect(stderr).toContain(says);
    expect(code).toBe(2);
  });

  test('a dimension that nothing gives is asked for', async () => {
    const file = join(folder, 'own.yaml');
    writeFileSync(file, OWN_SPEC.replaceAll('hidden', 'span'));
    const { code, stderr } = await rose('plan', '--model', 'qwen3-8b', '--spec', file);
    expect(stderr).toContain('add --dim span=');
    expect(code).toBe(2);
  });

  test('an error in it is shown with its line', async () => {
    const file = join(folder, 'own.yaml');
    writeFileSync(file, OWN_SPEC.replace('f32(x)', 'f32(y)'));
    const { code, stderr } = await rose('plan', '--model', 'qwen3-8b', '--spec', file);
    expect(stderr).toContain('own.yaml:9:15');
    expect(stderr).toContain('9 |   out = T(f32(y) * 0.5)');
    expect(code).toBe(1);
  });
});

describe('kernels that are asked for by name', () => {
  const asked = (...args: readonly string[]): Promise<PlanJson> =>
    roseJson<PlanJson>('plan', '--model', 'qwen3-0.6b', '--arch', 'sm90', '--phase', 'decode', ...args);

  test('one that the plan lacks takes its sizes from the model and from --dim', async () => {
    const plan = await asked(
      ...['--kernel', 'sample_temperature', '--kernel', 'topk', '--dim', 'cols=512', '--dim', 'k=8'],
      ...['--type', 'T=f32', '--flag', 'smallest=true', '--flag', 'masked=true'],
    );
    expect(ids(plan)).toEqual([
      'sample_temperature.vocab151936.bf16.masked.sm90.decode',
      'topk.cols512.k8.f32.smallest.sm90.decode',
    ]);
    expect(plan.variants[1]!.reasons).toEqual([
      'asked for with cols = 512, k = 8, smallest = true, T = f32: specs/topk.yaml',
    ]);
  });

  test('one that the plan has is made in another form too, and in no form twice', async () => {
    const norm = ['--kernel', 'rms_norm'];
    const own = 'rms_norm.hidden1024.bf16.sm90.decode';
    expect(ids(await asked(...norm))).toEqual([own]);
    expect(ids(await asked(...norm, '--dim', 'hidden=1024'))).toEqual([own]);
    expect(ids(await asked(...norm, '--dim', 'hidden=640', '--type', 'T=f16'))).toEqual([
      own,
      'rms_norm.hidden640.f16.sm90.decode',
    ]);
    const spec = ['--spec', packagePath('specs/sample_top_k_top_p.yaml'), '--kernel', 'sample_top_k_top_p'];
    const form = ['--flag', 'penalised=true', '--flag', 'biased=false', '--flag', 'masked=true'];
    const whole = ids(await asked(...spec));
    expect(ids(await asked(...spec, ...form))).toEqual([
      ...whole,
      'sample_top_k_top_p.vocab151936.f32.penalised.masked.sm90.decode',
    ]);
  });

  test('one that the plan makes for one phase is made for that one, or for another where that alone is asked for', async () => {
    const moe = ['plan', '--model', 'qwen3-30b-a3b', '--arch', 'sm90', '--kernel', 'moe_dispatch'];
    const phases = async (...args: readonly string[]): Promise<readonly string[]> =>
      (await roseJson<PlanJson>(...moe, ...args)).variants.map(({ phase }) => phase);
    expect(await phases('--dim', 'experts=64')).toEqual(['decode', 'decode']);
    expect(await phases('--phase', 'prefill')).toEqual(['prefill']);
  });

  test('a computed dimension may be said as what it comes to', async () => {
    const plan = await asked('--kernel', 'argsort', '--dim', 'cols=64', '--dim', 'ranks=64');
    expect(ids(plan)).toEqual(['argsort.cols64.bf16.sm90.decode']);
  });

  test('sizes that the spec cannot have, and those that no schedule carries, are unsupported', async () => {
    const { unsupported, variants } = await asked(
      ...[
        '--kernel',
        'rms_norm_quant_fp8_block',
        '--dim',
        'hidden=100',
        '--kernel',
        'argsort',
        '--dim',
        'cols=8193',
      ],
    );
    expect(variants).toEqual([]);
    expect(unsupported.map(({ because }) => because)).toEqual([
      expect.stringContaining('blocks of 128 do not fill hidden'),
      expect.stringContaining('expected at most 8192 elements in a row that is sorted whole'),
    ]);
  });

  test('explain and matrix know them', async () => {
    const form = ['--model', 'qwen3-0.6b', '--kernel', 'softmax', '--dim', 'cols=100', '--type', 'T=f32'];
    const { stdout } = await rose('explain', 'softmax.cols100.f32.sm90.decode', ...form, '--only', 'module');
    expect(stdout).toContain('@cute.kernel');
    const { shards } = await roseJson<{ shards: { variants: string[] }[] }>(
      ...['matrix', ...form, '--arch', 'sm90', '--shards', '1'],
    );
    expect(shards[0]!.variants).toHaveLength(2);
  });
});
