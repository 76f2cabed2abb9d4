/** Where shared libraries are looked for, in what order, and what is said where none is found. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { loadNative } from '../../../src/runtime/native/load-native.js';
import {
  libraryPlaces,
  sitePackages,
  type LibraryNames,
} from '../../../src/runtime/native/library-places.js';
import { libraryEnvironment } from '../../../src/util/library-env.js';

const NAMES: LibraryNames = {
  title: 'Thing',
  variable: 'ROSE_GEN_THING',
  files: ['libthing.so.2', 'libthing.so.1'],
  packages: ['cu13', 'thing'],
  install: 'install the thing',
};

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'rose-gen-native-'));
  folders.push(path);
  return path;
}

function put(path: string, text = 'no library'): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

test('a path of the user is the only place', () => {
  const env = libraryEnvironment({ ROSE_GEN_THING: '/a/libthing.so', CUDA_HOME: '/b' }, '/home/nobody');
  expect(libraryPlaces(NAMES, env)).toEqual([
    { where: 'ROSE_GEN_THING=/a/libthing.so', names: ['/a/libthing.so'] },
  ]);
});

test('the loader, the toolkit, then Python environments: the active one, those on PATH, the user', () => {
  const root = folder();
  const cuda = put(join(root, 'cuda/lib64/libthing.so.1'));
  const active = put(join(root, 'venv/lib/python3.12/site-packages/nvidia/cu13/lib/libthing.so.2'));
  const found = put(join(root, 'python/lib/python3.11/site-packages/nvidia/thing/lib/libthing.so.1'));
  const base = put(join(root, 'base/lib/python3.11/dist-packages/nvidia/thing/lib/libthing.so.2'));
  const user = put(join(root, 'home/.local/lib/python3.10/site-packages/nvidia/cu13/lib/libthing.so.1'));
  put(join(root, 'base/bin/python3.11'));
  mkdirSync(join(root, 'python/bin'));
  symlinkSync(join(root, 'base/bin/python3.11'), join(root, 'python/bin/python3'));
  const env = libraryEnvironment(
    {
      CUDA_HOME: join(root, 'cuda'),
      VIRTUAL_ENV: join(root, 'venv'),
      PATH: [join(root, 'empty'), join(root, 'python/bin')].join(delimiter),
    },
    join(root, 'home'),
  );
  const places = libraryPlaces(NAMES, env);
  expect(places[0]).toEqual({ where: "the system's loader", names: NAMES.files });
  expect(places.slice(1).flatMap(({ names }) => names)).toEqual([cuda, active, found, base, user]);
});

test('nothing but folders that are there', () => {
  const env = libraryEnvironment({ PATH: '' }, folder());
  expect(sitePackages(env)).toEqual([]);
  expect(libraryEnvironment({ CUDA_HOME: '' }).variable('CUDA_HOME')).toBeUndefined();
});

test('a library that is nowhere: every place, and what to do', async () => {
  const root = folder();
  const damaged = put(join(root, 'venv/lib/python3.12/site-packages/nvidia/thing/lib/libthing.so.2'));
  const environment = libraryEnvironment(
    { CUDA_HOME: join(root, 'cuda'), VIRTUAL_ENV: join(root, 'venv') },
    root,
  );
  await expect(loadNative(NAMES, {}, { environment })).rejects.toMatchObject({
    code: 'NATIVE_MISSING',
    message: 'Thing cannot be loaded',
    expected: 'libthing.so.2 or libthing.so.1',
    next: 'install the thing, or set CUDA_HOME, or set ROSE_GEN_THING to the path of the library',
    actual: expect.stringMatching(
      new RegExp(`libthing\\.so\\.1: .*; ${join(root, 'cuda')}: not there; .*${damaged}: `, 's'),
    ),
  });
});

test('a library without a function: said when the function is called', async () => {
  const signatures = { nothing: { symbol: 'rose_gen_nothing_of_the_kind', takes: [] } } as const;
  const files = [process.platform === 'win32' ? 'kernel32.dll' : 'libc.so.6'];
  const environment = libraryEnvironment({ PATH: '' }, folder());
  const { api, host } = await loadNative({ ...NAMES, files }, signatures, { environment });
  expect(() => api.nothing()).toThrow(
    expect.objectContaining({
      code: 'NATIVE_MISSING',
      message: 'the Thing of this machine is too old',
      actual: `${files[0]}: no rose_gen_nothing_of_the_kind`,
    }),
  );
  expect(host.textAt(host.addressOf(new TextEncoder().encode('text\0')))).toBe('text');
});

test('what a function gives is the type that its signature says', async () => {
  const signatures = { strlen: { symbol: 'strlen', takes: ['uint64'], gives: 'uint64' } } as const;
  const files = [process.platform === 'win32' ? 'msvcrt.dll' : 'libc.so.6'];
  const { api, host } = await loadNative({ ...NAMES, files }, signatures);
  expect(api.strlen(host.addressOf(new TextEncoder().encode('seven..\0')))).toBe(7);
});
