import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

/** Bytes that the disk still takes. */
let room = Infinity;
const { default: realWrite } = await import('write-file-atomic');
jest.unstable_mockModule('write-file-atomic', () => ({
  default: async (path: string, data: string | Buffer, options: object): Promise<void> => {
    room -= data.length;
    if (room < 0)
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    await realWrite(path, data, options);
  },
}));
const { LocalStore } = await import('../../../src/store/local-store.js');
const { verifyStore } = await import('../../../src/store/maintenance.js');
const { recordCosts } = await import('../../../src/store/costs.js');
const { writeManifest } = await import('../../../src/store/manifest-write.js');
const { sha256 } = await import('../../../src/util/hash.js');
const { sampleManifest } = await import('../../support/sample-manifest.js');

let dir: string;
beforeEach(() => {
  room = Infinity;
  dir = mkdtempSync(join(tmpdir(), 'rose-gen-test-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const artifact = {
  files: { ptx: Buffer.alloc(1000, 1), cubin: Buffer.alloc(500, 2) },
  info: { registers: 1 },
};
const full = (code: string): unknown =>
  expect.objectContaining({ code, actual: expect.stringContaining('ENOSPC') as unknown });

test.each([0, 600, 1200, 1550])(
  'a disk with room for %i bytes: one clear error, and the store stays whole',
  async (bytes) => {
    const store = new LocalStore(dir);
    await store.put(sha256('before'), { files: { ptx: Buffer.from('before') }, info: null });
    room = bytes;
    await expect(store.put(sha256('key'), artifact)).rejects.toEqual(
      expect.objectContaining({
        code: 'STORE_IO',
        next: expect.stringContaining('free some space') as unknown,
      }),
    );
    expect(await store.get(sha256('key'))).toBeUndefined();
    expect(await verifyStore(store)).toEqual({ checked: 1, damaged: [] });
    room = Infinity;
    await store.put(sha256('key'), artifact);
    expect(await store.get(sha256('key'))).toEqual(artifact);
  },
);

test('manifests and costs say so too', async () => {
  room = 10;
  await expect(writeManifest(join(dir, 'out', 'manifest.json'), sampleManifest())).rejects.toEqual(
    full('OUTPUT_IO'),
  );
  await expect(recordCosts(join(dir, 'costs.json'), new Map([['a', 1]]))).rejects.toEqual(full('STORE_IO'));
});
