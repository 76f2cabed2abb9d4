/** Manifest -> file, whole or not at all. */

import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { serializeManifest, type Manifest } from '../device/manifest.js';
import { RoseError } from '../util/errors.js';
import { errorMessage } from '../util/system-error.js';

/** Raises OUTPUT_IO. A reader of the file sees the manifest before or the manifest after. */
export async function writeManifest(path: string, manifest: Manifest): Promise<void> {
  const { default: writeFileAtomic } = await import('write-file-atomic');
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, serializeManifest(manifest));
  } catch (error) {
    throw new RoseError({
      code: 'OUTPUT_IO',
      message: `the manifest cannot be written: ${path}`,
      actual: errorMessage(error),
      next: 'make the folder writable, or build into another one',
      cause: error,
    });
  }
}
