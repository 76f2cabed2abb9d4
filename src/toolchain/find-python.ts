/** The machine -> a Python that the toolchain can be installed with, or an error that says what to do. */

import { access, constants } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { env } from '../util/env.js';
import { RoseError } from '../util/errors.js';

/** Versions that requirements.lock holds wheels for. */
export const PYTHON_MINORS = [14, 13, 12, 11, 10] as const;
const SUPPORTED = 'Python 3.10 to 3.14';

export interface Python {
  /** Path of the interpreter itself, behind any symbolic link or shim. */
  readonly executable: string;
  /** `3.12`. */
  readonly version: string;
  /** Whether `python -m venv` works: Debian ships it as a package of its own. */
  readonly hasVenv: boolean;
}

/** What a candidate answers; kept to one line of standard output. */
const PROBE = [
  'import importlib.util as u, json, platform, sys',
  'has = lambda name: u.find_spec(name) is not None',
  'print(json.dumps({"executable": sys.executable, "version": "%d.%d" % sys.version_info[:2],',
  ' "implementation": platform.python_implementation(), "hasVenv": has("venv") and has("ensurepip")}))',
].join('\n');

/**
 * The Python to install with: ROSE_GEN_PYTHON where that is set; else `python3` where its version fits, else the
 * newest of `python3.14` to `python3.10` on PATH. Raises TOOLCHAIN_PYTHON.
 */
export async function findPython(): Promise<Python> {
  const chosen = env.python;
  if (chosen !== undefined) return checkChosen(chosen);
  const tried: string[] = [];
  for (const name of ['python3', ...PYTHON_MINORS.map((minor) => `python3.${minor}`), 'python']) {
    if ((await onPath(name)) === undefined) continue;
    const python = await probe(name);
    if (typeof python !== 'string' && isSupported(python)) return python;
    tried.push(typeof python === 'string' ? `${name}: ${python}` : `${name} is ${python.version}`);
  }
  throw new RoseError({
    code: 'TOOLCHAIN_PYTHON',
    message: 'the toolchain needs Python, and none that fits is on PATH',
    actual: tried.length === 0 ? 'no python3' : tried.join('; '),
    expected: SUPPORTED,
    next: 'install one (Debian, Ubuntu: `apt install python3 python3-venv`), or name one with ROSE_GEN_PYTHON',
  });
}

async function checkChosen(command: string): Promise<Python> {
  const python = await probe(command);
  if (typeof python !== 'string' && isSupported(python)) return python;
  throw new RoseError({
    code: 'TOOLCHAIN_PYTHON',
    message: `ROSE_GEN_PYTHON does not name a Python that the toolchain runs on`,
    actual: typeof python === 'string' ? `${command}: ${python}` : `${command} is ${python.version}`,
    expected: SUPPORTED,
    next: 'set ROSE_GEN_PYTHON to such a Python, or unset it',
  });
}

function isSupported(python: Python): boolean {
  return PYTHON_MINORS.some((minor) => python.version === `3.${minor}`);
}

/** What this command is, or in a few words why it is no Python. */
async function probe(command: string): Promise<Python | string> {
  const { execa } = await import('execa');
  const result = await execa(command, ['-I', '-c', PROBE], {
    reject: false,
    timeout: 20_000,
    stdin: 'ignore',
  });
  if (result.failed) {
    return result.code === 'ENOENT'
      ? 'no such command'
      : (result.stderr.trim().split('\n').at(-1) ?? 'does not run');
  }
  let answer: Python & { implementation: string };
  try {
    answer = JSON.parse(result.stdout) as Python & { implementation: string };
  } catch {
    return 'does not answer as Python does';
  }
  if (answer.implementation !== 'CPython') return `is ${answer.implementation}, not CPython`;
  return { executable: answer.executable, version: answer.version, hasVenv: answer.hasVenv };
}

/** Path of a command, or undefined. */
export async function onPath(name: string): Promise<string | undefined> {
  if (isAbsolute(name)) return (await isExecutable(name)) ? name : undefined;
  const suffixes = process.platform === 'win32' ? ['.exe', '.cmd', '.bat'] : [''];
  for (const folder of env.path) {
    for (const suffix of suffixes) {
      const path = join(folder, name + suffix);
      if (await isExecutable(path)) return path;
    }
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
