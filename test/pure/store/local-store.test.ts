import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Artifact } from '../../../src/store/artifact.js';
import { getOrBuild } from '../../../src/store/get-or-build.js';
import { LocalStore, type StoreNotice } from '../../../src/store/local-store.js';
import { storeStats, trimStore, verifyStore } from '../../../src/store/maintenance.js';
import { openLocalStore } from '../../../src/store/open-store.js';
import { sha256 } from '../../../src/util/hash.js';

let dir: string;
let notices: StoreNotice[];
let store: LocalStore;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rose-gen-test-'));
  notices = [];
  store = new LocalStore(join(dir, 'store'), { onNotice: (notice) => notices.push(notice) });
});
afterEach(() => {
  chmodSync(dir, 0o755);
  rmSync(dir, { recursive: true, force: true });
});

const key = sha256('a key');
function artifact(text = 'kernel'): Artifact {
  return {
    files: { ptx: Buffer.from(`// ${text}`), cubin: Buffer.from([0, 1, 255, 10]) },
    info: { registers: 39, text },
  };
}
const blob = (name: 'ptx' | 'cubin', text?: string): string =>
  store.blobPath(sha256(artifact(text).files[name]!));

describe('LocalStore', () => {
  test('gives back what was put, and nothing for another key', async () => {
    const entry = await store.put(key, artifact());
    expect(await store.get(key)).toEqual(artifact());
    expect(await store.lookup(key)).toEqual(entry);
    expect(entry.files['cubin']).toEqual({ sha256: sha256(Buffer.from([0, 1, 255, 10])), bytes: 4 });
    expect(await store.get(sha256('another'))).toBeUndefined();
    expect(await store.lookup(sha256('another'))).toBeUndefined();
    expect(notices).toEqual([]);
  });

  test('keeps equal bytes once, under their hash', async () => {
    await store.put(key, artifact('one'));
    await store.put(sha256('b'), artifact('two'));
    expect(await storeStats(store)).toMatchObject({ entries: 2, blobs: 3, leftovers: 0 });
    expect(sha256(readFileSync(blob('cubin')))).toBe(sha256(artifact().files['cubin']!));
  });

  test('writes the same bytes for the same artifact', async () => {
    await store.put(key, artifact());
    const first = readFileSync(store.entryPath(key));
    const { info, files } = artifact();
    await store.put(key, { info, files: { cubin: files['cubin']!, ptx: files['ptx']! } });
    expect(readFileSync(store.entryPath(key))).toEqual(first);
  });

  test.each(['', 'short', '../../../etc/passwd', `${sha256('x')}/..`, sha256('x').toUpperCase()])(
    'refuses the key %p',
    async (bad) => {
      const refused = expect.objectContaining({ code: 'STORE_IO' });
      await expect(store.get(bad)).rejects.toEqual(refused);
      await expect(store.put(bad, artifact())).rejects.toEqual(refused);
      await expect(store.withKeyLock(bad, () => Promise.resolve())).rejects.toEqual(refused);
    },
  );
});

describe('damage', () => {
  const harm: Record<string, () => void> = {
    'an entry that was cut off': () => truncateSync(store.entryPath(key), 40),
    'an empty entry': () => truncateSync(store.entryPath(key), 0),
    'an entry with a changed number': () =>
      writeFileSync(store.entryPath(key), readFileSync(store.entryPath(key), 'utf8').replace('39', '93')),
    'an entry of another key': () => writeFileSync(store.entryPath(key), otherEntry()),
    'a blob that was cut off': () => truncateSync(blob('ptx'), 3),
    'a blob that grew': () => appendFileSync(blob('ptx'), 'x'),
    'a blob that is gone': () => rmSync(blob('cubin')),
  };
  let other = '';
  const otherEntry = (): string => other;

  beforeEach(async () => {
    await store.put(sha256('other'), artifact());
    other = readFileSync(store.entryPath(sha256('other')), 'utf8');
    await store.put(key, artifact());
  });

  test.each(Object.keys(harm))(
    '%s is noticed by lookup and get, and mended by the next put',
    async (what) => {
      for (const find of [() => store.lookup(key), () => store.get(key)]) {
        harm[what]!();
        expect(await find()).toBeUndefined();
        expect(notices.splice(0)).toEqual([expect.objectContaining({ kind: 'damaged' })]);
        expect(existsSync(store.entryPath(key))).toBe(false);
        await store.put(key, artifact());
        expect(await store.get(key)).toEqual(artifact());
      }
    },
  );

  test('a changed byte in a blob of the right size is never handed out', async () => {
    const bytes = readFileSync(blob('cubin'));
    bytes[2]! ^= 1;
    writeFileSync(blob('cubin'), bytes);
    expect(await store.get(key)).toBeUndefined();
    expect(existsSync(blob('cubin'))).toBe(false);
    await store.put(key, artifact());
    expect(await store.get(key)).toEqual(artifact());
  });

  test('verifyStore finds every damaged entry', async () => {
    expect(await verifyStore(store)).toEqual({ checked: 2, damaged: [] });
    truncateSync(store.entryPath(key), 40);
    expect(await verifyStore(store)).toEqual({ checked: 2, damaged: [key] });
    expect(await verifyStore(store)).toEqual({ checked: 1, damaged: [] });
  });
});

describe('getOrBuild', () => {
  test('builds once, also for many who ask at the same time', async () => {
    let builds = 0;
    const build = async (): Promise<Artifact> => {
      builds += 1;
      return Promise.resolve(artifact());
    };
    const answers = await Promise.all(Array.from({ length: 8 }, () => getOrBuild(store, key, build)));
    expect(builds).toBe(1);
    expect(answers.filter(({ built }) => built)).toHaveLength(1);
    for (const answer of answers) expect(answer.artifact).toEqual(artifact());
  });

  test('a build that fails leaves the key free', async () => {
    await expect(getOrBuild(store, key, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect((await getOrBuild(store, key, () => Promise.resolve(artifact()))).built).toBe(true);
  });

  test('a wait can be interrupted', async () => {
    const interrupt = new AbortController();
    await store.withKeyLock(key, async () => {
      const waiting = store.withKeyLock(key, () => Promise.resolve(), {
        signal: interrupt.signal,
        onWait: () => interrupt.abort(),
      });
      await expect(waiting).rejects.toEqual(expect.objectContaining({ code: 'CANCELLED' }));
    });
  });
});

describe('trimStore', () => {
  const HOUR = 3_600_000;
  const age = (path: string, hours: number): void => {
    const then = Date.now() / 1000 - hours * 3600;
    utimesSync(path, then, then);
  };
  const keys = ['old', 'middle', 'new'].map(sha256);

  beforeEach(async () => {
    for (const [i, each] of keys.entries()) {
      await store.put(each, artifact(`text ${i}`));
      age(store.entryPath(each), 30 - 10 * i);
    }
  });

  test('by age: entries go with the blobs that nobody else names', async () => {
    const report = await trimStore(store, { olderThanMs: 25 * HOUR });
    expect(report).toMatchObject({ removedEntries: 1, removedBlobs: 1 });
    expect(await store.get(keys[0]!)).toBeUndefined();
    expect(await store.get(keys[1]!)).toEqual(artifact('text 1')); // the cubin is shared
    expect(await storeStats(store)).toMatchObject({ entries: 2, blobs: 3 });
  });

  test('by size: the one unused for longest goes first', async () => {
    const before = await storeStats(store);
    const report = await trimStore(store, { maxBytes: before.bytes - 1 });
    expect(report.removedEntries).toBe(1);
    expect((await storeStats(store)).bytes).toBe(before.bytes - report.freedBytes);
    expect(await store.lookup(keys[0]!)).toBeUndefined();
    expect(await store.lookup(keys[2]!)).toBeDefined();
    expect(await trimStore(store, { maxBytes: 0 })).toMatchObject({ removedEntries: 2 });
    expect(await storeStats(store)).toMatchObject({ entries: 0, blobs: 0, bytes: 0 });
  });

  test('a hit renews an entry', async () => {
    await store.get(keys[0]!);
    expect(Date.now() - statSync(store.entryPath(keys[0]!)).mtimeMs).toBeLessThan(HOUR);
    expect(await trimStore(store, { olderThanMs: 15 * HOUR })).toMatchObject({ removedEntries: 1 });
    expect(await store.get(keys[0]!)).toBeDefined();
  });

  test('what a killed writer left goes once it is old, a build under way is left alone', async () => {
    const young = store.blobPath(sha256('blob of a build under way'));
    writeFileSync(`${blob('cubin')}.12345`, 'half');
    writeFileSync(`${store.entryPath(keys[2]!)}.12345`, 'half');
    age(`${blob('cubin')}.12345`, 2);
    await store.put(sha256('x'), { files: { ptx: Buffer.from('blob of a build under way') }, info: null });
    rmSync(store.entryPath(sha256('x')));
    expect(await storeStats(store)).toMatchObject({ leftovers: 2 });
    await trimStore(store, {});
    expect(await storeStats(store)).toMatchObject({ entries: 3, leftovers: 1 });
    expect(existsSync(young)).toBe(true);
    age(young, 2);
    expect(await trimStore(store, {})).toMatchObject({ removedBlobs: 1 });
  });
});

describe('a folder that does not serve', () => {
  test('a file where a folder should be', async () => {
    writeFileSync(join(dir, 'file'), '');
    const refused = expect.objectContaining({
      code: 'STORE_IO',
      next: expect.stringContaining('a file stands') as unknown,
    });
    await expect(openLocalStore(join(dir, 'file', 'store'))).rejects.toEqual(refused);
    await expect(new LocalStore(join(dir, 'file')).put(key, artifact())).rejects.toEqual(refused);
  });

  test('a shard that is a file is an error of the store, not a crash', async () => {
    await store.put(key, artifact());
    rmSync(join(store.dir, 'ac'), { recursive: true });
    writeFileSync(join(store.dir, 'ac'), '');
    await expect(store.put(key, artifact())).rejects.toEqual(expect.objectContaining({ code: 'STORE_IO' }));
    await expect(store.get(key)).rejects.toEqual(expect.objectContaining({ code: 'STORE_IO' }));
  });
});
