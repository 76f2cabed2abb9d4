/**
 * A requirements lock -> a Python environment in the cache folder.
 *
 * Installed once, in place (a venv cannot be moved), under a lock between processes. A marker file is written last:
 * a folder without one is what a killed install left behind, and is wiped. Finding a finished install reads that
 * marker and starts no process.
 */

import { mkdir, readFile, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cancelled, throwIfCancelled } from '../util/cancel.js';
import { env, installerEnvironment } from '../util/env.js';
import { RoseError } from '../util/errors.js';
import { withFileLock } from '../util/file-lock.js';
import { sha256 } from '../util/hash.js';
import { errorCode } from '../util/system-error.js';
import { findPython, onPath, type Python } from './find-python.js';
import { installFailed, noSpace } from './install-errors.js';

export interface VenvOptions {
  /** What the environment is called in paths and messages: `toolchain`. */
  readonly name: string;
  /** The lock: every requirement with its version and hashes. */
  readonly lockFile: string;
  /** Install what the lock names and no dependency: the lock holds a package whose needs are not wanted. */
  readonly noDependencies?: boolean;
  /** Bytes the install may take: refused up front where the disk has less. */
  readonly needsBytes: number;
  /** Runs in the new environment before it counts as finished; throws if it is not sound. */
  readonly verify?: (python: string) => Promise<void>;
  /** Age in milliseconds at which the lock of a killed install is taken over. */
  readonly lockStaleMs?: number;
  readonly onProgress?: ((event: InstallProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface InstallProgress {
  readonly stage: 'wait' | 'create' | 'install' | 'verify' | 'done';
  readonly message: string;
}

export interface Venv {
  readonly dir: string;
  /** Interpreter of the environment. */
  readonly python: string;
  readonly pythonVersion: string;
  /** SHA-256 of the lock. */
  readonly lockHash: string;
}

/** What the marker holds. */
interface Marker {
  readonly lockHash: string;
  readonly pythonVersion: string;
  /** ROSE_GEN_PYTHON at the time of the install, or null: an environment made by request answers that request only. */
  readonly requested: string | null;
}

const MARKER = 'rose-gen.json';

/** The finished environment for this lock, or undefined. Reads at most a folder and one small file. */
export async function findVenv(options: Pick<VenvOptions, 'name' | 'lockFile'>): Promise<Venv | undefined> {
  const lockHash = sha256(await readFile(options.lockFile));
  const root = venvRoot(options.name);
  const names = await readdir(root).catch(() => [] as string[]);
  const own = names.filter((name) => name.startsWith(`${shortHash(lockHash)}-py`) && !name.endsWith('.lock'));
  for (const name of own.sort().reverse()) {
    const venv = await readVenv(join(root, name), lockHash);
    if (venv) return venv;
  }
  return undefined;
}

/**
 * The environment for this lock, installed if need be. A second process waits for the first and then finds its work.
 * Raises TOOLCHAIN_PYTHON, TOOLCHAIN_INSTALL or CANCELLED.
 */
export async function ensureVenv(options: VenvOptions): Promise<Venv> {
  const found = await findVenv(options);
  if (found) return found;
  const python = await findPython();
  const lockHash = sha256(await readFile(options.lockFile));
  const request = env.python === undefined ? '' : `-${sha256(env.python).slice(0, 8)}`;
  const dir = join(venvRoot(options.name), `${shortHash(lockHash)}-py${python.version}${request}`);
  await mkdir(venvRoot(options.name), { recursive: true }).catch((error: unknown) => {
    throw installFailed(options.name, 'its folder cannot be made', error);
  });
  const onWait = (): void =>
    options.onProgress?.({
      stage: 'wait',
      message: `another rose-gen is installing the ${options.name}; waiting for it`,
    });
  const stale = options.lockStaleMs === undefined ? {} : { staleMs: options.lockStaleMs };
  return withFileLock(dir, { signal: options.signal, onWait, ...stale }, async (lost) => {
    const ready = await readVenv(dir, lockHash);
    if (ready) return ready;
    const signal = options.signal ? AbortSignal.any([options.signal, lost]) : lost;
    return install({ ...options, signal }, python, dir, lockHash);
  });
}

async function install(options: VenvOptions, python: Python, dir: string, lockHash: string): Promise<Venv> {
  const { name, onProgress } = options;
  await rm(dir, { recursive: true, force: true });
  await requireSpace(options, dir);
  const uv = await onPath('uv');
  if (uv === undefined && !python.hasVenv) throw missingVenv(python);

  const venv = { dir, python: interpreter(dir), pythonVersion: python.version, lockHash };
  try {
    onProgress?.({
      stage: 'create',
      message: `creating the ${name} with Python ${python.version} in ${dir}`,
    });
    const create =
      uv === undefined
        ? [python.executable, '-m', 'venv']
        : [uv, 'venv', '--quiet', '--python', python.executable];
    await step(options, [...create, dir]);

    onProgress?.({ stage: 'install', message: `installing the ${name}` });
    const strict = ['install', '--require-hashes', '--only-binary', ':all:', '-r', options.lockFile];
    if (options.noDependencies) strict.push('--no-deps');
    await step(
      options,
      uv === undefined
        ? [venv.python, '-m', 'pip', ...strict, '--retries', '2', '--progress-bar', 'off']
        : [uv, 'pip', ...strict, '--python', venv.python, '--compile-bytecode'],
    );

    if (options.verify) {
      onProgress?.({ stage: 'verify', message: `checking the ${name}` });
      await options.verify(venv.python);
    }
    const marker: Marker = { lockHash, pythonVersion: python.version, requested: env.python ?? null };
    await writeFile(join(dir, MARKER), `${JSON.stringify(marker)}\n`);
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error instanceof RoseError ? error : installFailed(name, 'it cannot be written', error);
  }
  onProgress?.({ stage: 'done', message: `the ${name} is installed` });
  return venv;
}

/** Runs one command of the install, its output as progress. */
async function step(options: VenvOptions, [command, ...args]: readonly string[]): Promise<void> {
  throwIfCancelled(options.signal, `the install of the ${options.name}`);
  const { execa } = await import('execa');
  const child = execa(command!, args, {
    env: installerEnvironment(),
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    reject: false,
    ...(options.signal && { cancelSignal: options.signal }),
  });
  for await (const line of child.iterable({ from: 'all' })) {
    const message = line.trim();
    if (message !== '') options.onProgress?.({ stage: 'install', message });
  }
  const result = await child;
  if (result.isCanceled) throw cancelled(`the install of the ${options.name}`);
  if (result.failed) throw installFailed(options.name, `\`${result.command}\` failed`, result, result.all);
}

async function requireSpace(options: VenvOptions, dir: string): Promise<void> {
  const { bavail, bsize } = await statfs(join(dir, '..'));
  const free = bavail * bsize;
  if (free < options.needsBytes) throw noSpace(options.name, join(dir, '..'), free, options.needsBytes);
}

function missingVenv(python: Python): RoseError {
  return new RoseError({
    code: 'TOOLCHAIN_PYTHON',
    message: 'this Python cannot make virtual environments: its venv or ensurepip module is missing',
    actual: `${python.executable} (Python ${python.version})`,
    expected: 'a Python with venv, or uv on PATH',
    next: `install it (Debian, Ubuntu: \`apt install python${python.version}-venv\`), or install uv`,
  });
}

/** The environment in `dir` if its install was finished for this lock, its Python still exists and is the one asked for. */
async function readVenv(dir: string, lockHash: string): Promise<Venv | undefined> {
  try {
    const marker = JSON.parse(await readFile(join(dir, MARKER), 'utf8')) as Marker;
    const wanted = env.python;
    if (marker.lockHash !== lockHash || (wanted !== undefined && wanted !== marker.requested))
      return undefined;
    const python = interpreter(dir);
    await stat(python); // Follows the link: gone where the system's Python was replaced by another version.
    return { dir, python, pythonVersion: marker.pythonVersion, lockHash };
  } catch (error) {
    // No marker, half a marker, no interpreter: not a finished install.
    if (error instanceof SyntaxError || errorCode(error) !== undefined) return undefined;
    throw error;
  }
}

export function venvRoot(name: string): string {
  return join(env.cacheDir, name);
}

function interpreter(dir: string): string {
  return process.platform === 'win32' ? join(dir, 'Scripts', 'python.exe') : join(dir, 'bin', 'python');
}

function shortHash(hash: string): string {
  return hash.slice(0, 16);
}
