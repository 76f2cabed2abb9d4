/** `doctor`, `new` and `cache`: commands about this machine and this folder. */

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlanJson } from '../../../src/plan/index.js';
import { loadSpec } from '../../../src/spec/index.js';
import { openLocalStore } from '../../../src/store/index.js';
import type { Diagnosis } from '../../../src/toolchain/index.js';
import { sha256 } from '../../../src/util/hash.js';
import { makeFolder, removeFolder, rose, roseJson, spawnRose } from './helpers.js';

let folder: string;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => removeFolder(folder));

describe('doctor', () => {
  const bare = (): { env: Record<string, string> } => ({
    env: { ROSE_GEN_CACHE_DIR: folder, ROSE_GEN_PYTHON: join(folder, 'no-such-python') },
  });

  test('says what is missing and the fix, and ends with 3', async () => {
    const { code, stdout } = await spawnRose(['doctor', '--json'], bare());
    const python = (JSON.parse(stdout) as Diagnosis[]).find(({ id }) => id === 'python');
    expect(python?.status).toBe('missing');
    expect(python?.fix).toBeTruthy();
    expect(code).toBe(3);
  });

  test('says that there are no macOS wheels', async () => {
    const { stdout } = await spawnRose(['doctor'], bare());
    expect(stdout).toMatch(/wheels for Linux and Windows, none for macOS/);
    expect(stdout).toMatch(/^missing {2}python .*\n {20}fix: /m);
  });
});

describe('new', () => {
  test('writes a spec that parses, plans and renders', async () => {
    expect(await spawnRose(['new', 'soft_cap'], { cwd: folder })).toMatchObject({ code: 0 });
    const file = join(folder, 'soft_cap.yaml');
    expect((await loadSpec(file)).name).toBe('soft_cap');
    const plan = await roseJson<PlanJson>(
      ...['plan', '--model', 'qwen3-8b', '--arch', 'sm90', '--spec', file, '--kernel', 'soft_cap'],
    );
    expect(plan.variants.map(({ id }) => id)).toContain('soft_cap.hidden4096.bf16.sm90.decode');
    expect(plan.unsupported).toEqual([]);
  });

  test('its first line leads an editor to the schema', async () => {
    await spawnRose(['new', 'soft_cap'], { cwd: folder });
    const [first = ''] = readFileSync(join(folder, 'soft_cap.yaml'), 'utf8').split('\n');
    const path = /\$schema=(.*)$/.exec(first)?.[1];
    const schema = JSON.parse(readFileSync(join(folder, path!), 'utf8')) as { properties: object };
    expect(schema.properties).toHaveProperty('formula');
  });

  test('overwrites nothing', async () => {
    writeFileSync(join(folder, 'soft_cap.yaml'), 'mine');
    const { code, stderr } = await spawnRose(['new', 'soft_cap'], { cwd: folder });
    expect(stderr).toContain('soft_cap.yaml is there already');
    expect(code).toBe(1);
    expect(readFileSync(join(folder, 'soft_cap.yaml'), 'utf8')).toBe('mine');
  });

  test.each(['../up', 'a/b', 'Soft', 'class', 'a b', '', 'x: y', 'a\nb', '"'])(
    'refuses the name %j and writes nothing',
    async (name) => {
      const { code, stderr } = await spawnRose(['new', name], { cwd: folder });
      expect(stderr).toMatch(/error\[SPEC_(NAME|SCHEMA)\]/);
      expect(code).toBe(1);
      expect(readdirSync(folder)).toEqual([]);
      expect(existsSync(join(folder, '..', 'up.yaml'))).toBe(false);
    },
  );
});

describe('cache', () => {
  const key = sha256('key');

  async function fill(): Promise<void> {
    const store = await openLocalStore(folder);
    await store.put(key, { files: { ptx: Buffer.from('ptx'), cubin: Buffer.from('cubin') }, info: null });
  }

  test('shows what the store holds, also without a subcommand', async () => {
    await fill();
    expect(await roseJson('cache', 'show', '--store', folder)).toMatchObject({
      dir: folder,
      entries: 1,
      blobs: 2,
    });
    expect((await rose('cache', '--store', folder)).stdout).toContain('1 artifacts, 2 files');
  });

  test('trims by size and keeps what fits', async () => {
    await fill();
    const kept = await roseJson(
      'cache',
      'trim',
      '--store',
      folder,
      '--max-bytes',
      '1g',
      '--older-than',
      '30d',
    );
    expect(kept).toMatchObject({ removedEntries: 0 });
    const trimmed = await roseJson('cache', 'trim', '--store', folder, '--max-bytes', '0');
    expect(trimmed).toMatchObject({ removedEntries: 1, removedBlobs: 2 });
  });

  test('verify removes a damaged artifact and ends with 1', async () => {
    await fill();
    expect((await rose('cache', 'verify', '--store', folder)).code).toBe(0);
    const blob = sha256('cubin');
    writeFileSync(join(folder, 'cas', blob.slice(0, 2), blob), 'cubim');
    const { code, stdout } = await rose('cache', 'verify', '--store', folder);
    expect(stdout).toContain('1 artifacts checked, 1 damaged and removed');
    expect(code).toBe(1);
    expect((await rose('cache', 'verify', '--store', folder)).code).toBe(0);
  });
});
