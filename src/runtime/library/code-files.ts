/** A variant's files -> the image a device loads, checked against the hashes of the manifest. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModuleImage } from '../../device/device.js';
import type { FileEntry, Manifest, VariantEntry } from '../../device/manifest.js';
import { RoseError } from '../../util/errors.js';
import { sha256 } from '../../util/hash.js';
import { errorCode, errorMessage } from '../../util/system-error.js';
import { checkVariant } from './read-library.js';

/** Raises LIBRARY_DAMAGED. */
export function readImage(folder: string, variant: VariantEntry, code: 'cubin' | 'ptx'): ModuleImage {
  const bytes = readChecked(folder, variant.files[code]);
  return code === 'cubin'
    ? { name: variant.id, cubin: bytes }
    : { name: variant.id, ptx: new TextDecoder().decode(bytes) };
}

/** Variants that the manifest has damaged, and files of one kind that are missing or not those of the manifest. */
export function damagedFiles(
  folder: string,
  manifest: Manifest,
  code: 'cubin' | 'ptx',
): readonly RoseError[] {
  return manifest.variants.flatMap((variant) => {
    try {
      checkVariant(manifest, variant, folder);
      readChecked(folder, variant.files[code]);
      return [];
    } catch (error) {
      if (error instanceof RoseError) return [error];
      throw error;
    }
  });
}

function readChecked(folder: string, file: FileEntry): Uint8Array {
  const path = join(folder, file.path);
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const none = errorCode(error) === 'ENOENT';
    throw damaged(
      path,
      'a file of the library is missing',
      none ? 'no such file' : errorMessage(error),
      file,
    );
  }
  if (bytes.length !== file.bytes || sha256(bytes) !== file.sha256) {
    throw damaged(
      path,
      'a file of the library is not the one that its manifest names',
      `${bytes.length} bytes, SHA-256 ${sha256(bytes)}`,
      file,
    );
  }
  return bytes;
}

function damaged(path: string, message: string, actual: string, file: FileEntry): RoseError {
  return new RoseError({
    code: 'LIBRARY_DAMAGED',
    message,
    place: { file: path },
    actual,
    expected: `${file.bytes} bytes, SHA-256 ${file.sha256}`,
    next: 'copy the folder again, whole, or build it again; a library packed without PTX has none for the simulator',
  });
}
