import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { serializeManifest, type Manifest, type VariantEntry } from '../../../src/device/manifest.js';
import { readManifest } from '../../../src/device/manifest-read.js';
import { sha256 } from '../../../src/util/hash.js';
import { sampleManifest, sampleVariant } from '../../support/sample-manifest.js';
import { makeFolder, removeFolder, rose, roseJson } from './helpers.js';

let folder: string;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => removeFolder(folder));

/** A variant whose files are texts of their own. */
function variant(id: string): VariantEntry {
  const file = (kind: string) => {
    const text = `${kind} of ${id}`;
    return { path: `${kind}/${id}.${kind}`, sha256: sha256(text), bytes: text.length };
  };
  return sampleVariant({ id, files: { module: file('modules'), ptx: file('ptx'), cubin: file('cubin') } });
}

/** A folder as `build` leaves it. */
function shard(name: string, manifest: Manifest, costs: Readonly<Record<string, number>> = {}): string {
  const out = join(folder, name);
  for (const { id, files } of manifest.variants) {
    for (const { path } of Object.values(files)) {
      mkdirSync(dirname(join(out, path)), { recursive: true });
      writeFileSync(join(out, path), `${path.split('/')[0]} of ${id}`);
    }
  }
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'manifest.json'), serializeManifest(manifest));
  writeFileSync(join(out, 'costs.json'), JSON.stringify(costs));
  return out;
}

describe('merge', () => {
  test('gives the manifest of the whole, with every file and the compile costs', async () => {
    const a = shard('a', sampleManifest([variant('one')]), { one: 0.25 });
    const b = shard('b', sampleManifest([variant('two'), variant('three')]), { two: 0.5 });
    const out = join(folder, 'out');
    expect(await roseJson('merge', a, b, '--out', out)).toEqual({ outDir: out, variants: 3 });
    const whole = sampleManifest(['one', 'two', 'three'].map(variant));
    expect(readFileSync(join(out, 'manifest.json'), 'utf8')).toBe(serializeManifest(whole));
    for (const { files } of (await readManifest(join(out, 'manifest.json'))).variants) {
      for (const file of Object.values(files)) {
        expect(sha256(readFileSync(join(out, file.path)))).toBe(file.sha256);
      }
    }
    expect(JSON.parse(readFileSync(join(out, 'costs.json'), 'utf8'))).toEqual({ one: 0.25, two: 0.5 });
    expect(existsSync(join(out, 'bindings.ts'))).toBe(true);
  });

  test('files of variants that are gone do not stay', async () => {
    const out = join(folder, 'out');
    expect((await rose('merge', shard('a', sampleManifest([variant('one')])), '--out', out)).code).toBe(0);
    expect((await rose('merge', shard('b', sampleManifest([variant('two')])), '--out', out)).code).toBe(0);
    expect(existsSync(join(out, 'ptx/one.ptx'))).toBe(false);
    expect(existsSync(join(out, 'ptx/two.ptx'))).toBe(true);
  });

  test('a gap in the plan is refused, and nothing is written', async () => {
    const out = join(folder, 'out');
    const a = shard('a', sampleManifest([variant('rms_norm.hidden4096.bf16.sm90.decode')]));
    const { code, stderr } = await rose(
      ...['merge', a, '--out', out, '--model', 'qwen3-8b', '--arch', 'sm90', '--kernel', 'rms_norm'],
    );
    expect(stderr).toContain('error[MERGE_CONFLICT]: the shards leave a gap');
    expect(stderr).toContain('missing rms_norm.hidden4096.bf16.sm90.prefill');
    expect(code).toBe(1);
    expect(existsSync(out)).toBe(false);
  });

  test('with all of the plan there is no gap', async () => {
    const ids = ['prefill', 'decode'].map((phase) => `rms_norm.hidden4096.bf16.sm90.${phase}`);
    const shards = ids.map((id) => shard(id, sampleManifest([variant(id)])));
    const { code, stdout } = await rose(
      ...['merge', ...shards, '--out', join(folder, 'out'), '--model', 'qwen3-8b'],
      ...['--arch', 'sm90', '--kernel', 'rms_norm'],
    );
    expect(stdout).toContain('merged 2 builds: 2 variants');
    expect(code).toBe(0);
  });

  test('a damaged or missing file is refused, and nothing is written', async () => {
    const out = join(folder, 'out');
    const a = shard('a', sampleManifest([variant('one')]));
    const b = shard('b', sampleManifest([variant('two')]));
    writeFileSync(join(b, 'cubin/two.cubin'), 'something else');
    const { code, stderr } = await rose('merge', a, b, '--out', out);
    expect(stderr).toContain(`is not what the manifest of ${b} says`);
    expect(code).toBe(1);
    expect(existsSync(out)).toBe(false);
  });

  test('the same variant built differently is refused', async () => {
    const a = shard('a', sampleManifest([variant('one')]));
    const b = shard('b', sampleManifest([{ ...variant('one'), artifactKey: sha256('another') }]));
    const { code, stderr } = await rose('merge', a, b, '--out', join(folder, 'out'));
    expect(stderr).toContain('they differ in artifactKey');
    expect(code).toBe(1);
  });
});
