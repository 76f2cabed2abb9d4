import { describe, expect, test } from '@jest/globals';
import type { PlanJson } from '../../../src/plan/index.js';
import { ofShard, select } from '../../../src/cli/selection.js';
import { rose, roseJson } from './helpers.js';

interface Shards {
  readonly shards: readonly { readonly shard: string; readonly variants: readonly string[] }[];
}

const MODEL = ['--model', 'qwen3-30b-a3b', '--arch', 'sm80,sm90,sm100', '--kv-dtype', 'fp8'];

describe('matrix', () => {
  test.each([1, 2, 3, 7, 100])('%d shards hold every variant of the plan once', async (n) => {
    const { shards } = await roseJson<Shards>('matrix', ...MODEL, '--shards', String(n));
    const plan = await roseJson<PlanJson>('plan', ...MODEL);
    expect(shards).toHaveLength(n);
    expect(shards.flatMap(({ variants }) => variants).sort()).toEqual(
      plan.variants.map(({ id }) => id).sort(),
    );
  });

  test('build --shard takes the same ones', async () => {
    const { shards } = await roseJson<Shards>(
      'matrix',
      '--model',
      'qwen3-8b',
      '--kernel',
      'rms_norm',
      '--shards',
      '2',
    );
    const { plan } = await select({ model: 'qwen3-8b', kernel: ['rms_norm'] });
    for (const { shard, variants } of shards) {
      expect((await ofShard(plan, shard)).map(({ id }) => id)).toEqual(variants);
    }
  });

  test('github: one line that GitHub Actions reads as a matrix', async () => {
    const { stdout } = await rose('matrix', ...MODEL, '--shards', '3', '--format', 'github');
    expect(stdout.trimEnd()).not.toContain('\n');
    const { include } = JSON.parse(stdout) as {
      include: { shard: string; index: number; variants: number }[];
    };
    expect(include.map(({ shard, index }) => [shard, index])).toEqual([
      ['1/3', 1],
      ['2/3', 2],
      ['3/3', 3],
    ]);
  });

  test('gitlab: a hidden job with a parallel matrix', async () => {
    const { stdout } = await rose('matrix', ...MODEL, '--shards', '2', '--format', 'gitlab');
    const { parse } = await import('yaml');
    expect(parse(stdout)).toEqual({
      '.rose-gen-shards': { parallel: { matrix: [{ ROSE_GEN_SHARD: ['1/2', '2/2'] }] } },
    });
  });
});
