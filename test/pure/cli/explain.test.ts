import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { architecture } from '../../../src/device/arch.js';
import { passes } from '../../../src/passes/index.js';
import { makeFolder, removeFolder, rose, roseJson, spawnRose } from './helpers.js';

const ID = 'rms_norm.hidden4096.bf16.sm90.decode';

interface Explanation {
  readonly spec: string;
  readonly schedule: { readonly threads: number; readonly reasons: readonly string[] };
  readonly ir: readonly { readonly pass: string; readonly text: string }[];
  readonly module: string;
}

let folder: string;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => removeFolder(folder));

/** As on a machine with no Python and no toolchain. */
const bare = (): Record<string, string> => ({
  ROSE_GEN_CACHE_DIR: folder,
  ROSE_GEN_PYTHON: `${folder}/no-such-python`,
});

describe('explain', () => {
  test('shows the spec and the schedule with its reasons', async () => {
    expect((await rose('explain', ID, '--only', 'spec')).stdout).toContain('kernel: rms_norm');
    const { schedule } = await roseJson<Explanation>('explain', ID, '--only', 'schedule');
    expect(schedule.threads % architecture('sm90').warpSize).toBe(0);
    expect(schedule.reasons.length).toBeGreaterThan(0);
  });

  test('shows the IR before and after each pass', async () => {
    const { ir } = await roseJson<Explanation>('explain', ID, '--only', 'ir');
    const target = { arch: 'sm90', phase: 'decode', dependentLaunch: true } as const;
    expect(ir.map(({ pass }) => pass)).toEqual(['input', ...passes(target).map(({ name }) => name)]);
    expect(await rose('explain', ID, '--pass', 'all')).toEqual(await rose('explain', ID, '--only', 'ir'));
  });

  test('shows the IR after one pass', async () => {
    const { ir } = await roseJson<Explanation>('explain', ID, '--only', 'ir');
    const { stdout } = await rose('explain', ID, '--pass', 'assign-axes');
    const { text } = ir.find(({ pass }) => pass === 'assign-axes')!;
    expect(stdout.trimEnd()).toBe(`-- after assign-axes\n${text}`.trimEnd());
  });

  test('shows the module', async () => {
    const { stdout } = await rose('explain', ID, '--only', 'module');
    expect(stdout).toContain(`# ${ID}: rendered by rose-gen`);
  });

  test('takes what the id says of architecture and dependent launch', async () => {
    const id = 'rms_norm.hidden4096.bf16.no-pdl.sm120.decode';
    const { stdout } = await rose('explain', id, '--only', 'module');
    expect(stdout).toContain('sm120');
    expect(stdout).not.toContain('griddepcontrol');
    expect((await rose('explain', ID, '--only', 'module')).stdout).toContain('griddepcontrol_wait');
  });

  test('an unknown variant is refused with the closest that there is', async () => {
    const { code, stderr } = await rose('explain', ID.replace('4096', '4097'), '--model', 'qwen3-8b');
    expect(stderr).toContain(`did you mean ${ID}?`);
    expect(code).toBe(1);
  });

  test('one that its architecture cannot run is refused with the reason', async () => {
    const id = 'qk_norm_rope_cache.page16.q_heads32.k_heads8.half64.bf16.e4m3.f32.norm.quantised.sm80.decode';
    const { code, stderr } = await rose('explain', id, '--model', 'qwen3-8b', '--kv-dtype', 'fp8');
    expect(stderr).toContain('error[TARGET_UNSUPPORTED]');
    expect(stderr).toContain('sm80 has no fp8 conversions');
    expect(code).toBe(1);
  });
});

describe('explain without a toolchain', () => {
  test('shows what needs none, and says why the rest is missing', async () => {
    const { code, stdout, stderr } = await spawnRose(['explain', ID], { env: bare() });
    expect(code).toBe(0);
    for (const part of ['spec', 'schedule', 'ir', 'module']) expect(stdout).toContain(`==== ${part} ====`);
    expect(stdout).not.toContain('==== ptx ====');
    expect(stderr).toContain('no PTX and no resources:');
  });

  test('ends with 3 where PTX was asked for', async () => {
    const { code, stderr } = await spawnRose(['explain', ID, '--only', 'ptx'], { env: bare() });
    expect(stderr).toContain('error[TOOLCHAIN_PYTHON]');
    expect(code).toBe(3);
  });
});

describe('build without Python', () => {
  test('ends with 3, the next step, and no output', async () => {
    const args = [
      'build',
      '--model',
      'qwen3-0.6b',
      '--arch',
      'sm90',
      '--phase',
      'decode',
      '--out',
      `${folder}/out`,
    ];
    const { code, stderr } = await spawnRose(args, { env: bare() });
    expect(stderr).toContain('error[TOOLCHAIN_PYTHON]');
    expect(stderr).toContain('next:');
    expect(code).toBe(3);
  });
});
