/** What goes into a bundle, and what is refused. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { list } from 'tar';
import type { Manifest } from '../../../src/device/index.js';
import { BUNDLE_FILE, writeBundle, type BundleRecord } from '../../../src/pack/index.js';
import { koffiFiles } from '../../../src/pack/koffi-files.js';
import { moduleFiles } from '../../../src/pack/module-files.js';
import { sha256 } from '../../../src/util/hash.js';
import { SCALE_VARIANTS, scaleVariant, writeLibrary } from '../runtime/helpers.js';
import { cleanUp, compile, emptyFolder, HOST, NAME, pack, unpack } from './helpers.js';

beforeAll(compile);
afterAll(cleanUp);

const refused = (code: string, more: object = {}): Error =>
  expect.objectContaining({ code, next: expect.any(String), ...more }) as unknown as Error;
const containing = (text: string): string => expect.stringContaining(text) as unknown as string;

describe('a bundle', () => {
  test('has what a host needs and nothing of the compiler', async () => {
    const { record, parts } = await pack();
    const paths = record.files.map(({ path }) => path);
    for (const path of [
      'README.txt',
      'doctor.mjs',
      'index.js',
      'package.json',
      'LICENSE',
      'kernels/manifest.json',
      'kernels/bindings.js',
      ...SCALE_VARIANTS.map(({ id }) => `kernels/cubin/${id}.cubin`),
      'runtime/runtime/index.js',
      'runtime/sim/device.js',
      'node_modules/koffi/LICENSE.txt',
    ])
      expect(paths).toContain(path);
    const folders = new Set(
      paths.filter((path) => path.startsWith('runtime/')).map((path) => path.split('/')[1]),
    );
    expect([...folders].sort()).toEqual(['device', 'pack', 'runtime', 'sim', 'util']);
    expect(paths.filter((path) => path.startsWith('runtime/sim/'))).toEqual(['runtime/sim/device.js']);
    expect(paths.filter((path) => path.endsWith('.ptx') || path.includes('musl'))).toEqual([]);
    expect(paths.filter((path) => path.endsWith('.node'))).toHaveLength(1);
    expect(record).toMatchObject({
      platform: HOST,
      archs: ['sm100', 'sm90'],
      minimumDriver: '570.26',
      variants: 4,
      ptx: false,
      simulator: false,
    });
    expect(parts.map(({ name }) => name)).toEqual(['kernels', 'runtime', 'koffi']);
  });

  test('names every one of its files with its hash', async () => {
    const root = await unpack(await pack());
    const record = JSON.parse(readFileSync(join(root, BUNDLE_FILE), 'utf8')) as BundleRecord;
    for (const { path, sha256: hash, bytes } of record.files) {
      const data = readFileSync(join(root, path));
      expect([path, data.length, sha256(data)]).toEqual([path, bytes, hash]);
    }
  });

  test('is the same bytes whenever it is made: sorted, with fixed times, modes and owners', async () => {
    const folder = writeLibrary();
    const [first, second] = [await pack({ folder }), await pack({ folder })];
    expect(sha256(second.archive)).toBe(sha256(first.archive));
    const file = join(emptyFolder(), 'bundle.tar.gz');
    writeFileSync(file, first.archive);
    const entries: { path: string; mode: number | undefined; mtime: string | undefined; owner: unknown }[] =
      [];
    await list({
      file,
      strict: true,
      onReadEntry: ({ path, mode, mtime, uid, gid, uname }) =>
        entries.push({ path, mode, mtime: mtime?.toISOString(), owner: [uid ?? 0, gid ?? 0, uname ?? ''] }),
    });
    const paths = entries.map(({ path }) => path);
    expect(paths).toEqual(
      [BUNDLE_FILE, ...first.record.files.map(({ path }) => path)].map((path) => `${NAME}/${path}`),
    );
    expect(paths.slice(1)).toEqual(paths.slice(1).sort());
    expect(new Set(entries.map(({ mode, mtime, owner }) => JSON.stringify([mode, mtime, owner])))).toEqual(
      new Set([JSON.stringify([0o644, '2000-01-01T00:00:00.000Z', [0, 0, '']])]),
    );
  });

  test('has the chosen variants alone, in its manifest, its code and its needs', async () => {
    const root = await unpack(await pack({ archs: ['sm_90a'], phases: ['decode'], kernels: ['scale'] }));
    const manifest = JSON.parse(readFileSync(join(root, 'kernels/manifest.json'), 'utf8')) as Manifest;
    expect(manifest.variants.map(({ id }) => id)).toEqual(['scale.width8.f32.sm90.decode']);
    expect(manifest.archs).toEqual(['sm90']);
    expect(manifest.toolchain.minimumDriver).toBe('525.60.13');
    const { files } = JSON.parse(readFileSync(join(root, BUNDLE_FILE), 'utf8')) as BundleRecord;
    expect(files.filter(({ path }) => path.endsWith('.cubin')).map(({ path }) => path)).toEqual([
      'kernels/cubin/scale.width8.f32.sm90.decode.cubin',
    ]);
  });

  test('has PTX where it is asked for, and the whole simulator', async () => {
    const ptx = await pack({ ptx: true });
    expect(ptx.record.files.filter(({ path }) => path.endsWith('.ptx'))).toHaveLength(4);
    const simulator = await pack({ simulator: true });
    const paths = simulator.record.files.map(({ path }) => path);
    expect(paths.filter((path) => path.endsWith('.ptx'))).toHaveLength(4);
    expect(paths.filter((path) => path.startsWith('runtime/sim/')).length).toBeGreaterThan(20);
  });

  test('keeps paths that are longer than an archive’s header takes', async () => {
    const id = `scale.${'w'.repeat(150)}.sm90.decode`;
    const root = await unpack(await pack({ folder: writeLibrary([scaleVariant({ id })]) }));
    expect(readFileSync(join(root, `kernels/cubin/${id}.cubin`)).length).toBeGreaterThan(0);
  });
});

describe('a Node program', () => {
  /** The first bytes of a program for Linux on this machine code: 62 is x64, 183 is arm64. */
  function program(machine: number): string {
    const bytes = Buffer.alloc(128);
    bytes.write('\x7fELF', 0, 'latin1');
    bytes.writeUInt16LE(machine, 18);
    const folder = join(emptyFolder(), 'bin');
    mkdirSync(folder);
    writeFileSync(join(folder, '../LICENSE'), 'licence of Node');
    writeFileSync(join(folder, 'node'), bytes);
    return join(folder, 'node');
  }
  const linux = HOST === 'linux-arm64' ? ([183, 62] as const) : ([62, 183] as const);

  test('is brought along with its licence, may be run, and is what the README names', async () => {
    const bundle = await pack({ node: program(linux[0]) });
    expect(bundle.record.node.included).toBe('bin/node');
    expect(bundle.parts.at(-1)).toMatchObject({ name: 'node', files: 2 });
    const modes = new Map<string, number | undefined>();
    const file = join(emptyFolder(), 'bundle.tar.gz');
    writeFileSync(file, bundle.archive);
    await list({ file, onReadEntry: ({ path, mode }) => modes.set(path, mode) });
    expect(modes.get(`${NAME}/bin/node`)).toBe(0o755);
    const root = await unpack(bundle);
    expect(readFileSync(join(root, 'bin/NODE-LICENSE.txt'), 'utf8')).toBe('licence of Node');
    expect(readFileSync(join(root, 'README.txt'), 'utf8')).toContain('bin/node doctor.mjs');
  });

  test('of another platform, or none at all, is refused', async () => {
    const other = HOST === 'linux-arm64' ? 'linux-x64' : 'linux-arm64';
    await expect(pack({ node: program(linux[1]) })).rejects.toEqual(refused('PACK_PART', { actual: other }));
    const text = join(emptyFolder(), 'node');
    writeFileSync(text, '#!/bin/sh\n');
    await expect(pack({ node: text })).rejects.toEqual(refused('PACK_PART'));
    await expect(pack({ node: `${text}-none` })).rejects.toEqual(
      refused('PACK_PART', { actual: containing('ENOENT') }),
    );
  });
});

describe('what cannot be packed', () => {
  test('a folder without a manifest', async () => {
    const folder = emptyFolder();
    await expect(pack({ folder })).rejects.toEqual(
      refused('MANIFEST_INVALID', { next: containing('rose-gen build') }),
    );
  });

  test.each(['changed', 'missing'])('a build of which a cubin is %s', async (how) => {
    const folder = writeLibrary();
    const { id } = SCALE_VARIANTS[1]!;
    const file = join(folder, `cubin/${id}.cubin`);
    if (how === 'changed') writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.of(0)]));
    else
      writeFileSync(
        join(folder, 'manifest.json'),
        readFileSync(join(folder, 'manifest.json'), 'utf8').replaceAll(
          `cubin/${id}.cubin`,
          'cubin/none.cubin',
        ),
      );
    await expect(pack({ folder })).rejects.toEqual(
      refused('LIBRARY_DAMAGED', {
        place: { file: how === 'changed' ? file : join(folder, 'cubin/none.cubin') },
      }),
    );
  });

  test('what the build does not have, with what it has', async () => {
    await expect(pack({ archs: ['sm80'] })).rejects.toEqual(
      refused('VARIANT_UNKNOWN', { actual: 'sm80', expected: 'sm100, sm90' }),
    );
    await expect(pack({ archs: ['sm9'] })).rejects.toEqual(refused('TARGET_UNKNOWN'));
    await expect(pack({ kernels: ['scales'] })).rejects.toEqual(
      refused('VARIANT_UNKNOWN', { next: 'did you mean scale?' }),
    );
    await expect(pack({ phases: ['warmup'] })).rejects.toEqual(
      refused('VARIANT_UNKNOWN', { expected: 'decode, prefill' }),
    );
    const [decode, , , prefill] = SCALE_VARIANTS;
    await expect(
      pack({ folder: writeLibrary([decode!, prefill!]), archs: ['sm90'], phases: ['prefill'] }),
    ).rejects.toEqual(refused('VARIANT_UNKNOWN', { actual: containing('none of its 2 variants') }));
  });
});

describe('koffi', () => {
  /** An installed koffi with native parts: name -> version. */
  function installed(natives: Readonly<Record<string, string>>): string {
    const root = emptyFolder();
    const write = (path: string, text: string): void => {
      mkdirSync(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    write('koffi/package.json', JSON.stringify({ version: '3.3.4', module: './index.js' }));
    write('koffi/LICENSE.txt', 'licence');
    write('koffi/index.js', `export * from './src/main.js';`);
    write('koffi/src/main.js', `import fs from 'node:fs'; export const exists = fs.existsSync;`);
    write('koffi/src/unused.js', '');
    for (const [name, version] of Object.entries(natives)) {
      write(`@koromix/${name}/package.json`, JSON.stringify({ version }));
      write(`@koromix/${name}/${name.slice(6).replace('-', '_')}/koffi.node`, 'native');
      write(`@koromix/${name}/${name.slice(6).replace('linux-', 'musl_')}/koffi.node`, 'for musl');
    }
    return join(root, 'koffi');
  }
  const paths = async (...args: Parameters<typeof koffiFiles>): Promise<readonly string[]> =>
    (await koffiFiles(...args)).map(({ path }) => path.replace('node_modules/', '')).sort();

  test('comes with what it imports and one native part, of the platform that is asked for', async () => {
    const folder = installed({ 'koffi-linux-x64': '3.3.4', 'koffi-linux-arm64': '3.3.4' });
    expect(await paths('linux-arm64', folder)).toEqual([
      '@koromix/koffi-linux-arm64/linux_arm64/koffi.node',
      '@koromix/koffi-linux-arm64/package.json',
      'koffi/LICENSE.txt',
      'koffi/index.js',
      'koffi/package.json',
      'koffi/src/main.js',
    ]);
  });

  test('that was compiled where it was installed has its native part in its own folder', async () => {
    const folder = installed({});
    mkdirSync(join(folder, 'build/koffi/linux_x64'), { recursive: true });
    writeFileSync(join(folder, 'build/koffi/linux_x64/koffi.node'), 'native');
    expect(await paths('linux-x64', folder)).toContain('koffi/build/koffi/linux_x64/koffi.node');
  });

  test.each([
    ['not installed', {}],
    ['version 3.1.0', { 'koffi-linux-arm64': '3.1.0' }],
  ])(
    'without a native part that fits (%s) is refused, with the command that gets it',
    async (actual, natives) => {
      await expect(koffiFiles('linux-arm64', installed(natives))).rejects.toEqual(
        refused('PACK_PART', {
          actual: `@koromix/koffi-linux-arm64: ${actual}`,
          next: containing('npm install --no-save --force @koromix/koffi-linux-arm64@3.3.4'),
        }),
      );
    },
  );
});

describe('the modules that are copied', () => {
  function module(text: string): string {
    const file = join(emptyFolder(), 'module.js');
    writeFileSync(file, text);
    return file;
  }

  test('may import nothing that is left behind', async () => {
    const file = module(`import { parse } from 'yaml';`);
    await expect(moduleFiles({ entries: [file] })).rejects.toThrow('imports yaml');
    expect([...(await moduleFiles({ entries: [file], packages: ['yaml'] })).keys()]).toEqual([file]);
    await expect(moduleFiles({ entries: [module('await import(process.argv[2]);')] })).rejects.toThrow(
      'computes',
    );
    await expect(moduleFiles({ entries: [module(`export * from './none.js';`)] })).rejects.toThrow('ENOENT');
  });
});

describe('the output', () => {
  test('replaces a bundle and nothing else', async () => {
    const bundle = await pack({ archs: ['sm90'] });
    const file = join(emptyFolder(), 'bundle.tar.gz');
    await writeBundle(file, bundle);
    const other = await pack({ archs: ['sm100'] });
    await writeBundle(file, other);
    expect(sha256(readFileSync(file))).toBe(sha256(other.archive));
    writeFileSync(file, 'my notes');
    await expect(writeBundle(file, bundle)).rejects.toEqual(
      refused('OUTPUT_IO', { next: containing('--out') }),
    );
    expect(readFileSync(file, 'utf8')).toBe('my notes');
    await expect(writeBundle(emptyFolder(), bundle)).rejects.toEqual(refused('OUTPUT_IO'));
  });
});
