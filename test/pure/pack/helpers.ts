/** Bundles of the sample library, made from this package's own sources, and unpacked into empty folders. */

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extract } from 'tar';
import type { Platform } from '../../../src/pack/index.js';
import { packBundle, type Bundle, type PackOptions } from '../../../src/pack/index.js';
import { transpile, type Transpiled } from '../../support/transpile.js';
import { removeFolders, writeLibrary } from '../runtime/helpers.js';

export const NAME = 'scale-kernels';
export const HOST = `${process.platform}-${process.arch}` as Platform;

let compiled: Transpiled | undefined;
const folders: string[] = [];

/** For `beforeAll`. */
export async function compile(): Promise<void> {
  compiled = await transpile(['device', 'pack', 'runtime', 'sim', 'util']);
}

/** For `afterAll`. */
export async function cleanUp(): Promise<void> {
  removeFolders();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  await compiled?.remove();
}

export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rose-gen-pack-'));
  folders.push(folder);
  return folder;
}

export function pack(change: Partial<PackOptions> = {}): Promise<Bundle> {
  return packBundle({
    folder: change.folder ?? writeLibrary(),
    name: NAME,
    platform: HOST,
    code: join(compiled!.root, 'src'),
    ...change,
  });
}

/** Where the bundle lies unpacked, with nothing around it. */
export async function unpack({ archive }: Bundle): Promise<string> {
  const folder = emptyFolder();
  const file = join(folder, 'bundle.tar.gz');
  writeFileSync(file, archive);
  const target = join(folder, 'unpacked');
  mkdirSync(target);
  await extract({ file, cwd: target, strict: true });
  return join(target, NAME);
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Node in a process of its own, in an empty folder, with an environment that leads nowhere. */
export function node(...args: readonly string[]): Promise<Outcome> {
  return new Promise((done) => {
    execFile(process.execPath, args, { cwd: emptyFolder(), env: {} }, (error, stdout, stderr) =>
      done({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

/** A module that imports the unpacked bundle as `bundle` and prints what `body` assigns to `result`, as JSON. */
export async function inBundle<T>(root: string, body: string): Promise<T> {
  const file = join(emptyFolder(), 'program.mjs');
  writeFileSync(
    file,
    `import * as bundle from ${JSON.stringify(join(root, 'index.js'))};
     let result;
     ${body}
     console.log(JSON.stringify(result));`,
  );
  const { code, stdout, stderr } = await node(file);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as T;
}
