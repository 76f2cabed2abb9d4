/** The output folder: files of variants, written whole or not at all; files of variants that are gone are removed. */

import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { Manifest, VariantEntry } from '../device/index.js';
import { RoseError } from '../util/errors.js';
import { sha256 } from '../util/hash.js';
import { errorCode, errorMessage } from '../util/system-error.js';
import type { VariantFiles } from './manifest-entry.js';

const FOLDERS = ['modules', 'ptx', 'cubin'];

/** @throws OUTPUT_IO */
export async function writeOutputFile(path: string, data: string | Uint8Array): Promise<void> {
  try {
    if (await isSame(path, data)) return;
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, typeof data === 'string' ? data : Buffer.from(data));
  } catch (error) {
    throw new RoseError({
      code: 'OUTPUT_IO',
      message: `an output cannot be written: ${path}`,
      actual: errorMessage(error),
      next:
        errorCode(error) === 'ENOSPC'
          ? 'free some disk space, or build into another folder with --out'
          : 'make the folder writable, or build into another one with --out',
      cause: error,
    });
  }
}

async function isSame(path: string, data: string | Uint8Array): Promise<boolean> {
  try {
    return sha256(await readFile(path)) === sha256(data);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

export async function writeVariant(outDir: string, entry: VariantEntry, files: VariantFiles): Promise<void> {
  await writeOutputFile(join(outDir, entry.files.module.path), files.module);
  await writeOutputFile(join(outDir, entry.files.ptx.path), files.ptx);
  await writeOutputFile(join(outDir, entry.files.cubin.path), files.cubin);
}

/** Removes what lies in the folders of an output and belongs to no variant of its manifest. */
export async function removeStale(outDir: string, manifest: Manifest): Promise<void> {
  const wanted = new Set(
    manifest.variants.flatMap(({ files }) => [files.module.path, files.ptx.path, files.cubin.path]),
  );
  for (const folder of FOLDERS) {
    for (const name of await listOrNothing(join(outDir, folder))) {
      if (!wanted.has(`${folder}/${name}`)) await rm(join(outDir, folder, name), { force: true });
    }
  }
}

async function listOrNothing(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
