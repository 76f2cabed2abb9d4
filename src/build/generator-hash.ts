/** The identity of the generator: a computed hash of its own files, so that no version has to be bumped by hand. */

import { fileURLToPath } from 'node:url';
import { hashFolders } from '../util/hash-files.js';
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
  generator ??= hashFolders([
    ...GENERATOR_FOLDERS.map((folder) => fileURLToPath(new URL(`../${folder}`, import.meta.url))),
    packagePath('templates'),
  ]);
  return generator;
}
