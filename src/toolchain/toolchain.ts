/** The pinned toolchain: where it is, what it is, and its install on first use. */

import { dirname } from 'node:path';
import { workerEnvironment } from '../util/env.js';
import { RoseError } from '../util/errors.js';
import { packagePath } from '../util/package-root.js';
import { ensureVenv, findVenv, type InstallProgress, type Venv, type VenvOptions } from './venv.js';

/** Version of nvidia-cutlass-dsl that python/requirements.lock pins. */
export const CUTLASS_DSL_VERSION = '4.8.1';

/**
 * The CUDA flavour of the DSL: CUDA 12, whose cubins load on drivers from 525 on (R570 for sm100 and sm120, R575 for
 * sm103 and sm121); those of CUDA 13 need 580. python/README.md has the reasons.
 */
export const CUDA_FLAVOUR = 'cu12';

/** Lowest Linux driver for any cubin of this flavour; `minimumDriverFor` has the answer for given architectures. */
export const MINIMUM_DRIVER = '525.60.13';

export interface Toolchain {
  /** The interpreter that compile workers run on. */
  readonly python: string;
  readonly dir: string;
  /** SHA-256 of requirements.lock; part of every artifact key. */
  readonly lockHash: string;
  /** `3.12`. */
  readonly pythonVersion: string;
  readonly cutlassDsl: typeof CUTLASS_DSL_VERSION;
  readonly cudaFlavour: typeof CUDA_FLAVOUR;
  readonly minimumDriver: typeof MINIMUM_DRIVER;
}

export interface EnsureToolchainOptions {
  readonly onProgress?: ((event: InstallProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const WORKER_SCRIPT = packagePath('python/compile_worker.py');

/** What the install takes, measured (Python 3.11: 330 MB), and room for what pip unpacks on the way. */
const NEEDS_BYTES = 700 * 2 ** 20;

const options = {
  name: 'toolchain',
  lockFile: packagePath('python/requirements.lock'),
  needsBytes: NEEDS_BYTES,
  verify: verifyToolchain,
} as const satisfies VenvOptions;

/**
 * The toolchain, installed into the user's cache folder if it is not there yet.
 * Raises TOOLCHAIN_PLATFORM, TOOLCHAIN_PYTHON, TOOLCHAIN_INSTALL or CANCELLED.
 */
export async function ensureToolchain(request: EnsureToolchainOptions = {}): Promise<Toolchain> {
  const installed = await findToolchain();
  if (installed) return installed;
  requirePlatform(process.platform, process.arch);
  return describe(await ensureVenv({ ...options, ...request }));
}

/** The toolchain if it is installed; starts no process. */
export async function findToolchain(): Promise<Toolchain | undefined> {
  const venv = await findVenv(options);
  return venv && describe(venv);
}

function describe(venv: Venv): Toolchain {
  return {
    python: venv.python,
    dir: venv.dir,
    lockHash: venv.lockHash,
    pythonVersion: venv.pythonVersion,
    cutlassDsl: CUTLASS_DSL_VERSION,
    cudaFlavour: CUDA_FLAVOUR,
    minimumDriver: MINIMUM_DRIVER,
  };
}

const PLATFORMS = ['linux-x64', 'linux-arm64', 'win32-x64'];

/** Raises TOOLCHAIN_PLATFORM where NVIDIA publishes no wheels. */
export function requirePlatform(platform: string, cpu: string): void {
  if (PLATFORMS.includes(`${platform}-${cpu}`)) return;
  throw new RoseError({
    code: 'TOOLCHAIN_PLATFORM',
    message:
      platform === 'darwin'
        ? 'the toolchain has no macOS wheels: NVIDIA builds it for Linux and Windows only'
        : `the toolchain is not built for ${platform} on ${cpu}`,
    actual: `${platform}-${cpu}`,
    expected: `one of ${PLATFORMS.join(', ')}`,
    next: 'build on such a machine or in a Linux container; `plan`, `explain` and the simulator work here',
  });
}

/** What a worker says of itself: checks that the toolchain imports and is the version that is pinned. */
export async function verifyToolchain(python: string): Promise<void> {
  const { execa } = await import('execa');
  const result = await execa(python, ['-I', WORKER_SCRIPT, '--check'], {
    env: workerEnvironment(),
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    timeout: 120_000,
  });
  const found = /"cutlassDsl": "([^"]*)"/.exec(result.stdout)?.[1];
  if (found === CUTLASS_DSL_VERSION) return;
  throw new RoseError({
    code: 'TOOLCHAIN_INSTALL',
    message: 'the toolchain is installed but does not start',
    actual: found === undefined ? (result.shortMessage ?? 'no answer') : `nvidia-cutlass-dsl ${found}`,
    expected: `nvidia-cutlass-dsl ${CUTLASS_DSL_VERSION}`,
    next: `remove the folder ${dirname(dirname(python))} and run the command again`,
    detail: [result.stdout, result.stderr].join('\n'),
  });
}
