import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
const { openBuilder } = await import('../../src/build/index.js');
const { readManifest } = await import('../../src/device/index.js');
const { parseSpec } = await import('../../src/spec/index.js');
const { sha256 } = await import('../../src/util/hash.js');
const { SAMPLES } = await import('../support/sample-specs.js');
const { bindingsOf, variantOf } = await import('../support/variants.js');

let folder: string;
let builder: ReturnType<typeof openBuilder>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rose-gen-full-'));
  builder = openBuilder({ storeDir: join(folder, 'store'), jobs: 2 });
}, 300_000);

afterAll(async () => {
  await builder[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function wholeOutput(outDir: string): Promise<readonly string[]> {
  const manifest = await readManifest(join(outDir, 'manifest.json'));
  for (const { files } of manifest.variants) {
    for (const file of [files.module, files.ptx, files.cubin]) {
      expect(sha256(await readFile(join(outDir, file.path)))).toBe(file.sha256);
    }
  }
  return manifest.variants.map(({ id }) => id);
}

test.each([0, 4_000, 30_000])(
  'a disk with room for %i more bytes: one clear error, and store and output stay whole',
  async (bytes) => {
    const spec = parseSpec(SAMPLES.SOFT_CAP, 'soft_cap.yaml');
    const outDir = join(folder, `out-${bytes}`);
    const request = (cols: readonly number[]) => ({
      variants: cols.map((each) => variantOf(spec, bindingsOf(spec, { cols: each })[0]!)),
      specs: new Map([[spec.name, spec]]),
      outDir,
    });
    room = Infinity;
    await builder.build(request([256]));
    const before = await wholeOutput(outDir);
    room = bytes;
    const next = request([512 + bytes / 1000, 1024 + bytes / 1000]);
    await expect(builder.build(next)).rejects.toEqual(
      expect.objectContaining({
        code: expect.stringMatching(/^(STORE_IO|OUTPUT_IO)$/) as unknown,
        actual: expect.stringContaining('ENOSPC') as unknown,
        next: expect.stringContaining('free some') as unknown,
      }),
    );
    expect(await wholeOutput(outDir)).toEqual(before);
    room = Infinity;
    const after = await builder.build(next);
    expect(await wholeOutput(outDir)).toEqual(after.manifest.variants.map(({ id }) => id));
  },
  120_000,
);
