/** The identity of the generator: a computed hash of its own files, so that no version has to be bumped by hand. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashJson, sha256 } from '../util/hash.js';
import { packagePath } from '../util/package-root.js';

/** Folders whose code decides what a module, a manifest or a binding looks like. */
const GENERATOR_FOLDERS = [
  'build',
  'device',
  'emit',
  'ir',
  'layout',
  'passes',
  'plan',
  'spec',
  'toolchain',
  'util',
];

let generator: string | undefined;

/** Hash of the generator's own files: its code as it runs, and its templates. */
export function generatorHash(): string {
  generator ??= hashFiles([
    ...GENERATOR_FOLDERS.map((folder) => fileURLToPath(new URL(`../${folder}`, import.meta.url))),
    packagePath('templates'),
  ]);
  return generator;
}

function hashFiles(folders: readonly string[]): string {
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
