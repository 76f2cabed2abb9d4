import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { packagePath } from '../../../src/util/package-root.js';
import { rose, spawnRose } from './helpers.js';

const COMMANDS = ['build', 'plan', 'explain', 'matrix', 'merge', 'doctor', 'new', 'cache'];

/** A kernel by name, for the model's sizes. */
const ASKING = ['plan', '--model', 'qwen3-0.6b', '--arch', 'sm90', '--phase', 'decode', '--kernel'] as const;

describe('help', () => {
  test('lists every command and the exit codes', async () => {
    const { code, stdout } = await rose('--help');
    expect(code).toBe(0);
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    expect(stdout).toContain('Exit codes: 0 done, 1 failed, 2 wrong usage, 3');
  });

  test.each(COMMANDS)('of %s ends with an example', async (command) => {
    const { code, stdout } = await rose(command, '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`Examples?:\\n(.*\\n)*.*rose-gen ${command}`));
  });

  test.each(COMMANDS.filter((command) => command !== 'cache'))(
    '%s has --json and --verbose',
    async (command) => {
      const { stdout } = await rose(command, '--help');
      expect(stdout).toContain('--json');
      expect(stdout).toContain('--verbose');
    },
  );

  test('--version is that of the package', async () => {
    const { version } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as { version: string };
    expect(await rose('--version')).toMatchObject({ code: 0, stdout: `${version}\n` });
  });
});

describe('wrong usage ends with 2 and says what is meant', () => {
  test.each([
    [['bild'], 'Did you mean build?'],
    [['plan', '--modle', 'qwen3-8b'], 'Did you mean --model?'],
    [['cache', 'tirm'], 'did you mean trim?'],
    [['plan'], 'add --model'],
    [['plan', '--model', 'qwen3-8b', '--phase', 'decoding'], 'prefill or decode'],
    [['plan', '--model', 'qwen3-8b', '--page-size', '0'], 'a whole number from 1'],
    [['plan', '--model', 'qwen3-8b', '--quant', 'int4'], 'fp8-block'],
    [['build', '--model', 'qwen3-8b', '--jobs', 'two', '--out', 'nowhere'], '--jobs is no number'],
    [['build', '--model', 'qwen3-8b', '--shard', '5/4', '--out', 'nowhere'], 'there is no shard 5 of 4'],
    [['matrix', '--model', 'qwen3-8b'], 'add --shards'],
    [['matrix', '--model', 'qwen3-8b', '--shards', '2', '--format', 'githb'], 'did you mean github?'],
    [['merge', 'a', 'b'], 'add --out'],
    [['merge', '--out', 'x'], "missing required argument 'folders'"],
    [['explain', 'x', '--only', 'irr'], 'did you mean ir?'],
    [[...ASKING, 'topk'], 'add --dim cols=SIZE --dim k=SIZE'],
    [[...ASKING, 'topk', '--dim', 'rows=8'], 'rows of topk is known only at launch'],
    [[...ASKING, 'topk', '--dim', 'colls=8'], 'did you mean cols?'],
    [[...ASKING, 'argsort', '--dim', 'cols=64', '--dim', 'ranks=60'], 'ranks = 64'],
    [[...ASKING, 'sample_temperature', '--flag', 'penalized=true'], 'did you mean penalised?'],
    [[...ASKING, 'sample_temperature', '--flag', 'masked=yes'], 'masked of sample_temperature cannot be yes'],
    [[...ASKING, 'sample_temperature', '--flag', 'masked'], 'write --flag masked=true, for instance'],
    [[...ASKING, 'rms_norm', '--type', 'L=bf16'], 'rms_norm has no type variable L'],
    [[...ASKING, 'sample_temperature', '--type', 'L=bf61'], 'write --type L=bf16'],
    [[...ASKING, 'rms_norm', '--dim', 'hidden=64', '--dim', 'hidden=65'], 'hidden is given twice'],
    [['plan', '--model', 'qwen3-0.6b', '--flag', 'masked=true'], 'add --kernel NAME or --spec FILE'],
    [['cache', 'trim'], '--max-bytes or --older-than'],
    [['cache', 'trim', '--max-bytes', '2x'], '--max-bytes is no amount'],
    [['cache', 'trim', '--older-than', '30'], 'write --older-than 30d'],
  ])('%j', async (args, says) => {
    const { code, stderr } = await rose(...args);
    expect(stderr).toContain(says);
    expect(code).toBe(2);
  });

  test('no command prints the help', async () => {
    const { code, stderr } = await rose();
    expect(stderr).toContain('Usage: rose-gen');
    expect(code).toBe(2);
  });
});

describe('failures end with 1', () => {
  test('an unknown architecture', async () => {
    const { code, stderr } = await rose('plan', '--model', 'qwen3-8b', '--arch', 'sm91');
    expect(stderr).toContain('error[TARGET_UNKNOWN]');
    expect(code).toBe(1);
  });

  test('an unknown model, with the closest that is known', async () => {
    const { code, stderr } = await rose('plan', '--model', 'qwen3-8');
    expect(stderr).toMatch(/error\[MODEL_UNKNOWN\](.*\n)*.*did you mean qwen3-8b\?/);
    expect(code).toBe(1);
  });

  test('a spec that is not there, before anything is built', async () => {
    const { code, stderr } = await rose(
      'build',
      '--model',
      'qwen3-8b',
      '--spec',
      'no-such.yaml',
      '--out',
      'nowhere',
    );
    expect(stderr).toContain('error[SPEC_SYNTAX]: the spec cannot be read: no-such.yaml');
    expect(code).toBe(1);
  });

  test('a kernel that there is not', async () => {
    expect((await rose('plan', '--model', 'qwen3-8b', '--kernel', 'rms_nrm')).stderr).toContain(
      'did you mean rms_norm?',
    );
  });

  test('--json gives the error as JSON on standard output', async () => {
    const { code, stdout, stderr } = await rose('plan', '--model', 'qwen3-8b', '--arch', 'sm91', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'TARGET_UNKNOWN', next: expect.any(String) } });
    expect(stderr).toContain('error[TARGET_UNKNOWN]');
  });
});

describe('as a process', () => {
  test('the exit code is that of the command', async () => {
    expect((await spawnRose(['--help'])).code).toBe(0);
    expect((await spawnRose(['bild'])).code).toBe(2);
  });

  test.each([
    [{ FORCE_COLOR: '1', NO_COLOR: '', CI: '' }, true],
    [{ FORCE_COLOR: '', NO_COLOR: '', CI: '' }, false],
    [{ FORCE_COLOR: '', NO_COLOR: '', CI: '1' }, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1', CI: '' }, false],
  ])('colour with %j in a pipe: %s', async (env, coloured) => {
    const { stderr } = await spawnRose(['plan', '--model', 'nothing-like-it'], { env });
    expect(stderr).toContain('[MODEL_UNKNOWN]');
    expect(stderr.includes('\u001b[')).toBe(coloured);
  });
});
