import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readManifest } from '../../../src/device/manifest-read.js';
import { serializeManifest, type Manifest, type VariantEntry } from '../../../src/device/manifest.js';
import { mergeManifests, type NamedManifest } from '../../../src/store/manifest-merge.js';
import { writeManifest } from '../../../src/store/manifest-write.js';
import { sampleManifest, sampleVariant } from '../../support/sample-manifest.js';

const variant = (id: string, change: Partial<VariantEntry> = {}): VariantEntry =>
  sampleVariant({ id, ...change });
const shard = (name: string, ...variants: VariantEntry[]): NamedManifest => ({
  name,
  manifest: sampleManifest(variants),
});
const conflict = (fields: object = {}): unknown =>
  expect.objectContaining({ code: 'MERGE_CONFLICT', ...fields });
const sm103 = { arch: 'sm103', guards: [] } as const;

describe('mergeManifests', () => {
  test('gives the manifest that one build of everything would have given', () => {
    const merged = mergeManifests(
      [shard('1', variant('c'), variant('a')), shard('2', variant('b'))],
      ['a', 'b', 'c'],
    );
    const whole = sampleManifest([variant('a'), variant('b'), variant('c')]);
    expect(serializeManifest(merged)).toBe(serializeManifest(whole));
  });

  test('unites architectures, and takes the driver that all of them need', () => {
    const merged = mergeManifests([shard('1', variant('a')), shard('2', variant('b', sm103))]);
    expect(merged.archs).toEqual(['sm103', 'sm90']);
    expect(merged.toolchain.minimumDriver).toBe('575.51.03');
  });

  test('the same variant in two shards is fine while they agree', () => {
    expect(mergeManifests([shard('1', variant('a')), shard('2', variant('a'))]).variants).toHaveLength(1);
    expect(() =>
      mergeManifests([shard('1', variant('a')), shard('2', variant('a', { entry: 'other' }))]),
    ).toThrow(conflict({ message: '1 and 2 have different builds of a', actual: 'they differ in entry' }));
  });

  test('refuses a gap and a stranger, by name', () => {
    const shards = [shard('1', variant('a')), shard('2', variant('b'))];
    expect(() => mergeManifests(shards, ['a', 'b', 'c', 'd'])).toThrow(conflict({ actual: 'missing c, d' }));
    expect(() => mergeManifests(shards, ['a'])).toThrow(conflict({ actual: 'b' }));
    const many = Array.from({ length: 30 }, (_, i) => `x${String(i).padStart(2, '0')}`);
    expect(() => mergeManifests(shards, many)).toThrow(
      conflict({ actual: expect.stringContaining('x09 and 20 more') as unknown }),
    );
    expect(() => mergeManifests([])).toThrow(conflict());
  });

  test.each<[string, Partial<Manifest>]>([
    ['generator.hash', { generator: { ...sampleManifest().generator, hash: '0'.repeat(64) } }],
    ['generator.version', { generator: { ...sampleManifest().generator, version: '9.9.9' } }],
    ['toolchain.lockHash', { toolchain: { ...sampleManifest().toolchain, lockHash: '0'.repeat(64) } }],
    ['toolchain.cudaFlavour', { toolchain: { ...sampleManifest().toolchain, cudaFlavour: 'cu13' } }],
  ])('refuses another %s', (field, change) => {
    const other = { name: '2', manifest: { ...sampleManifest([variant('b')]), ...change } };
    expect(() => mergeManifests([shard('1', variant('a')), other])).toThrow(
      conflict({ actual: expect.stringContaining(field) as unknown }),
    );
  });
});

describe('writeManifest', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'rose-gen-test-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test('writes what readManifest reads, in a folder it makes', async () => {
    const path = join(dir, 'out', 'manifest.json');
    await writeManifest(path, sampleManifest());
    expect(readFileSync(path, 'utf8')).toBe(serializeManifest(sampleManifest()));
    await expect(readManifest(path)).resolves.toEqual(sampleManifest());
  });

  test('a place that cannot be written is OUTPUT_IO', async () => {
    await writeManifest(join(dir, 'manifest.json'), sampleManifest());
    await expect(writeManifest(join(dir, 'manifest.json', 'x'), sampleManifest())).rejects.toEqual(
      expect.objectContaining({ code: 'OUTPUT_IO' }),
    );
  });
});
