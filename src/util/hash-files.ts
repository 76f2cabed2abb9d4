/** Folders -> one hash of the files in them: the identity of code by its own bytes, so that no version is bumped by hand. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { hashJson, sha256 } from './hash.js';

/** Names relative to their folder, and bytes; type declarations are left out, for nothing runs them. */
export function hashFolders(folders: readonly string[]): string {
  const entries = folders.flatMap((folder, i) =>
    listFiles(folder).map((file) => [i, relative(folder, file), sha256(readFileSync(file))] as const),
  );
  return hashJson(entries);
}

function listFiles(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.d.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
