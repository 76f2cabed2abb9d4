/** The machine -> what is there of what rose-gen needs, what is missing and how to mend it. */

import { access, constants, mkdir, readFile, statfs } from 'node:fs/promises';
import { compareDrivers } from '../device/arch.js';
import { env } from '../util/env.js';
import { RoseError } from '../util/errors.js';
import { errorMessage } from '../util/system-error.js';
import { findPython, onPath } from './find-python.js';
import {
  CUDA_FLAVOUR,
  CUTLASS_DSL_VERSION,
  findToolchain,
  MINIMUM_DRIVER,
  requirePlatform,
  verifyToolchain,
} from './toolchain.js';

export interface Diagnosis {
  readonly id: 'node' | 'platform' | 'python' | 'toolchain' | 'cache' | 'disk' | 'gpu';
  /** `missing`: not there, and nothing to worry about until it is needed. `wrong`: there, and not usable. */
  readonly status: 'ok' | 'missing' | 'wrong';
  /** What was found, in a few words. */
  readonly found: string;
  /** What to do; only where the status is not ok. */
  readonly fix?: string;
}

const MINIMUM_NODE = [20, 19] as const;
/** What the toolchain and a store of some thousand variants take. */
const COMFORTABLE_BYTES = 2 * 2 ** 30;

/** Looks at everything; each check stands for itself, so one that fails hides no other. */
export async function diagnose(): Promise<readonly Diagnosis[]> {
  return Promise.all([
    checkNode(process.versions.node),
    checkPlatform(process.platform, process.arch),
    checkPython(),
    checkToolchain(),
    checkCache(),
    checkDisk(),
    checkGpu(),
  ]);
}

export function checkNode(version: string): Diagnosis {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = MINIMUM_NODE;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) {
    return { id: 'node', status: 'ok', found: `Node ${version}` };
  }
  return {
    id: 'node',
    status: 'wrong',
    found: `Node ${version}`,
    fix: `install Node ${MINIMUM_NODE.join('.')} or newer`,
  };
}

export function checkPlatform(platform: string, cpu: string): Diagnosis {
  return attempt('platform', 'wrong', () => {
    requirePlatform(platform, cpu);
    return `${platform}-${cpu}`;
  });
}

async function checkPython(): Promise<Diagnosis> {
  return attemptAsync('python', 'missing', async () => {
    const python = await findPython();
    const uv = await onPath('uv');
    if (!python.hasVenv && uv === undefined) {
      const fix = `install venv (Debian, Ubuntu: \`apt install python${python.version}-venv\`), or uv`;
      return { id: 'python', status: 'wrong', found: `Python ${python.version} without venv`, fix };
    }
    return `Python ${python.version} (${python.executable})${uv === undefined ? '' : `, uv (${uv})`}`;
  });
}

async function checkToolchain(): Promise<Diagnosis> {
  return attemptAsync('toolchain', 'wrong', async () => {
    const toolchain = await findToolchain();
    if (!toolchain) {
      const fix = 'nothing to do: the first build installs it';
      return { id: 'toolchain', status: 'missing', found: 'not installed yet', fix };
    }
    await verifyToolchain(toolchain.python);
    return `nvidia-cutlass-dsl ${CUTLASS_DSL_VERSION}, ${CUDA_FLAVOUR}, Python ${toolchain.pythonVersion} in ${toolchain.dir}`;
  });
}

async function checkCache(): Promise<Diagnosis> {
  return attemptAsync('cache', 'wrong', async () => {
    try {
      await mkdir(env.cacheDir, { recursive: true });
      await access(env.cacheDir, constants.W_OK);
      return env.cacheDir;
    } catch (error) {
      const fix = 'make it writable, or choose another with ROSE_GEN_CACHE_DIR';
      return { id: 'cache', status: 'wrong', found: errorMessage(error), fix };
    }
  });
}

async function checkDisk(): Promise<Diagnosis> {
  return attemptAsync('disk', 'missing', async () => {
    const { bavail, bsize } = await statfs(env.cacheDir);
    const free = bavail * bsize;
    const found = `${(free / 2 ** 30).toFixed(1)} GiB free for ${env.cacheDir}`;
    if (free >= COMFORTABLE_BYTES) return found;
    const fix = 'free some space, or put the cache elsewhere with ROSE_GEN_CACHE_DIR';
    return { id: 'disk', status: 'wrong', found, fix };
  });
}

const DRIVER_VERSION_FILE = '/proc/driver/nvidia/version';

async function checkGpu(): Promise<Diagnosis> {
  const text = await readFile(DRIVER_VERSION_FILE, 'utf8').catch(() => '');
  return describeDriver(/NVRM version:.*?\s(\d+(?:\.\d+)+)\s/.exec(text)?.[1]);
}

/** A GPU is information only: building needs none. */
export function describeDriver(version: string | undefined): Diagnosis {
  if (version === undefined)
    return { id: 'gpu', status: 'ok', found: 'no NVIDIA driver; building needs none' };
  if (compareDrivers(version, MINIMUM_DRIVER) >= 0)
    return { id: 'gpu', status: 'ok', found: `NVIDIA driver ${version}` };
  const fix = `to run what is built here, update the driver to ${MINIMUM_DRIVER} or newer`;
  return { id: 'gpu', status: 'wrong', found: `NVIDIA driver ${version}`, fix };
}

function attempt(id: Diagnosis['id'], status: 'missing' | 'wrong', look: () => string): Diagnosis {
  try {
    return { id, status: 'ok', found: look() };
  } catch (error) {
    return failed(id, status, error);
  }
}

async function attemptAsync(
  id: Diagnosis['id'],
  status: 'missing' | 'wrong',
  look: () => Promise<string | Diagnosis>,
): Promise<Diagnosis> {
  try {
    const found = await look();
    return typeof found === 'string' ? { id, status: 'ok', found } : found;
  } catch (error) {
    return failed(id, status, error);
  }
}

function failed(id: Diagnosis['id'], status: 'missing' | 'wrong', error: unknown): Diagnosis {
  if (!(error instanceof RoseError))
    return { id, status, found: errorMessage(error), fix: 'look at this message' };
  const found = error.actual === undefined ? error.message : `${error.message} (${error.actual})`;
  return { id, status, found, fix: error.next };
}
