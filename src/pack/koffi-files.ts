/** A platform -> the files of koffi, through which the driver is called: its JavaScript and one native part. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { RoseError } from '../util/errors.js';
import type { ArchiveFile } from './archive.js';
import { LAYOUT, type Platform } from './bundle.js';
import { moduleFiles } from './module-files.js';

interface PackageJson {
  readonly version: string;
  readonly module: string;
}

/** Folder of the koffi that is installed beside this package. */
export function koffiFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('koffi'));
}

/** Raises PACK_PART where the platform's native part is not installed, or is of another version. */
export async function koffiFiles(
  platform: Platform,
  folder: string = koffiFolder(),
): Promise<readonly ArchiveFile[]> {
  const { version, module } = readPackage(folder);
  const modules = await moduleFiles({ entries: [join(folder, module)] });
  const scripts = [...modules].map(([path, bytes]) => ({ path: inside(folder, path), bytes }));
  const texts = ['package.json', 'LICENSE.txt'].map((path) => ({
    path,
    bytes: readFileSync(join(folder, path)),
  }));
  return [
    ...[...scripts, ...texts].map((file) => ({ ...file, path: `${LAYOUT.packages}/koffi/${file.path}` })),
    ...nativeFiles(platform, folder, version),
  ];
}

/** The published native part; else the one that was compiled where koffi was installed. */
function nativeFiles(platform: Platform, koffi: string, version: string): readonly ArchiveFile[] {
  const name = `koffi-${platform}`;
  const folder = [join(koffi, '..', '@koromix', name), join(koffi, LAYOUT.packages, '@koromix', name)].find(
    (each) => existsSync(join(each, 'package.json')),
  );
  const built = `build/koffi/${platform.replace('-', '_')}/koffi.node`;
  if (folder === undefined) {
    if (!existsSync(join(koffi, built))) throw notInstalled(name, version, 'not installed');
    return [{ path: `${LAYOUT.packages}/koffi/${built}`, bytes: readFileSync(join(koffi, built)) }];
  }
  const found = readPackage(folder).version;
  if (found !== version) throw notInstalled(name, version, `version ${found}`);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => inside(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith('musl_') && path !== 'README.md') // The driver needs glibc.
    .map((path) => ({
      path: `${LAYOUT.packages}/@koromix/${name}/${path}`,
      bytes: readFileSync(join(folder, path)),
    }));
}

function readPackage(folder: string): PackageJson {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageJson;
}

function inside(folder: string, path: string): string {
  return relative(folder, path).split(sep).join('/');
}

function notInstalled(name: string, version: string, actual: string): RoseError {
  return new RoseError({
    code: 'PACK_PART',
    message: `the native part of koffi for ${name.replace('koffi-', '')} is not on this machine`,
    actual: `@koromix/${name}: ${actual}`,
    expected: `@koromix/${name} ${version}`,
    next: `get it where rose-gen is installed: npm install --no-save --force @koromix/${name}@${version}`,
  });
}
