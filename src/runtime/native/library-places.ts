/** A library's names and the user's environment -> the places where it may lie, in the order in which they are tried. */

import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LibraryEnvironment } from '../../util/library-env.js';

/** How a library of NVIDIA is named and packaged. */
export interface LibraryNames {
  /** For messages. */
  readonly title: string;
  /** Environment variable with the path of the library itself. */
  readonly variable: string;
  /** File names, the newest first. */
  readonly files: readonly string[];
  /** Its folders in `site-packages/nvidia`. */
  readonly packages: readonly string[];
  /** How it is installed. */
  readonly install: string;
}

/** One place: what a message calls it, and the names to give to the loader. */
export interface LibraryPlace {
  readonly where: string;
  readonly names: readonly string[];
}

const TOOLKIT = '/usr/local/cuda';
const TOOLKIT_FOLDERS = [
  'lib64',
  'lib',
  'targets/x86_64-linux/lib',
  'targets/sbsa-linux/lib',
  'bin',
  'bin/x64',
];

/** Folders are listed whether they exist or not; the names of a folder are those of files that are there. */
export function libraryPlaces(names: LibraryNames, env: LibraryEnvironment): readonly LibraryPlace[] {
  const own = env.variable(names.variable);
  if (own !== undefined) return [{ where: `${names.variable}=${own}`, names: [own] }];
  const folders = [...toolkitFolders(env), ...packageFolders(names, env)];
  return [
    { where: "the system's loader", names: names.files },
    ...[...new Set(folders)].map((folder) => ({
      where: folder,
      names: names.files.map((file) => join(folder, file)).filter((path) => existsSync(path)),
    })),
  ];
}

function toolkitFolders(env: LibraryEnvironment): readonly string[] {
  const named = ['CUDA_HOME', 'CUDA_PATH'].flatMap((name) => env.variable(name) ?? []);
  const roots = env.platform === 'win32' ? named : [...named, TOOLKIT];
  return roots.flatMap((root) => {
    const folders = TOOLKIT_FOLDERS.map((folder) => join(root, folder)).filter((path) => existsSync(path));
    return folders.length > 0 ? folders : [root];
  });
}

function packageFolders(names: LibraryNames, env: LibraryEnvironment): readonly string[] {
  return sitePackages(env).flatMap((site) => {
    const nvidia = join(site, 'nvidia');
    const folders = names.packages
      .flatMap((name) => ['lib', 'bin', 'bin/x86_64'].map((part) => join(nvidia, name, part)))
      .filter((path) => existsSync(path));
    return folders.length > 0 ? folders : [nvidia];
  });
}

/** Package folders of the active Python environment, of the Pythons on PATH and of the user. No Python is started. */
export function sitePackages(env: LibraryEnvironment): readonly string[] {
  const active = ['VIRTUAL_ENV', 'CONDA_PREFIX'].flatMap((name) => env.variable(name) ?? []);
  const pythons = env.path
    .flatMap((folder) => ['python3', 'python', 'python.exe'].map((name) => join(folder, name)))
    .filter((path) => existsSync(path));
  const roots = [
    ...active,
    ...pythons.map((path) => rootOf(path)),
    ...pythons.map((path) => rootOf(realpathSync(path))),
    join(env.home, '.local'),
  ];
  return [...new Set(roots.flatMap(packagesUnder))];
}

/** The folder that `bin/python3` is in; on Windows `python.exe` lies in the root or in `Scripts`. */
function rootOf(python: string): string {
  const folder = dirname(python);
  return /(^|[\\/])(bin|Scripts)$/i.test(folder) ? dirname(folder) : folder;
}

function packagesUnder(root: string): readonly string[] {
  const versions = ['lib', 'local/lib', 'lib64'].flatMap((folder) =>
    entries(join(root, folder))
      .filter((name) => /^python3(\.\d+)?$/.test(name))
      .map((name) => join(root, folder, name)),
  );
  return [
    ...versions.flatMap((folder) => [join(folder, 'site-packages'), join(folder, 'dist-packages')]),
    join(root, 'Lib', 'site-packages'),
  ].filter((path) => existsSync(path));
}

function entries(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).sort().reverse() : [];
}
