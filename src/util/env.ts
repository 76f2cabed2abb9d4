/**
 * The environment, read in this one file; where shared libraries lie is in `library-env.ts`.
 *
 * | variable | meaning |
 * |---|---|
 * | ROSE_GEN_CACHE_DIR | folder for the toolchain and the store, instead of the user's cache folder |
 * | ROSE_GEN_PYTHON | the Python to install the toolchain with |
 * | ROSE_GEN_STORE_URL | HTTP store behind the local one |
 * | ROSE_GEN_STORE_TOKEN | bearer token for that store |
 * | CI, NO_COLOR, FORCE_COLOR | as everywhere |
 *
 * Values are read when asked for, so that a test may set one. Nothing that code generation or keys depend on is here.
 */

import { delimiter, join } from 'node:path';
import envPaths from 'env-paths';

/** The value of a variable; an empty one counts as unset. */
function read(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

function truthy(name: string): boolean {
  const value = read(name)?.toLowerCase();
  return value !== undefined && value !== '0' && value !== 'false' && value !== 'no';
}

export const env = {
  /** Folder under which the toolchain and the store live. */
  get cacheDir(): string {
    return read('ROSE_GEN_CACHE_DIR') ?? envPaths('rose-gen', { suffix: '' }).cache;
  },
  get python(): string | undefined {
    return read('ROSE_GEN_PYTHON');
  },
  get storeUrl(): string | undefined {
    return read('ROSE_GEN_STORE_URL');
  },
  get storeToken(): string | undefined {
    return read('ROSE_GEN_STORE_TOKEN');
  },
  get ci(): boolean {
    return truthy('CI');
  },
  /** Set to anything, as no-color.org asks. */
  get noColor(): boolean {
    return read('NO_COLOR') !== undefined;
  },
  get forceColor(): boolean {
    return truthy('FORCE_COLOR');
  },
  /** Folders that commands are looked for in. */
  get path(): readonly string[] {
    return (read('PATH') ?? '').split(delimiter).filter((folder) => folder !== '');
  },
};

/** The default folder of the artifact store. */
export function defaultStoreDir(): string {
  return join(env.cacheDir, 'store');
}

/** Variables that would change what the toolchain generates, or hide the GPU-less default behind a GPU. */
const SHAPES_OUTPUT = /^(PYTHON|CUTE_|CUTLASS_|CUDA_|MLIR_|LLVM_|NVVM|NVPTX|PTXAS)/i;

/**
 * Environment for a compile worker: this process's own, less every variable that could shape its output. A build
 * must give the same bytes whatever the user's shell exports.
 */
export function workerEnvironment(): Record<string, string> {
  const kept: Record<string, string> = { PYTHONDONTWRITEBYTECODE: '1', PYTHONUTF8: '1' };
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !SHAPES_OUTPUT.test(name)) kept[name] = value;
  }
  // With a GPU in sight the DSL may start a CUDA context for a compile that needs none.
  kept['CUDA_VISIBLE_DEVICES'] = '';
  return kept;
}

/** Environment for pip and uv: the user's own (proxies, indexes, certificates), less what redirects Python itself. */
export function installerEnvironment(): Record<string, string> {
  const kept: Record<string, string> = {
    PYTHONUTF8: '1',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_NO_INPUT: '1',
  };
  for (const [name, value] of Object.entries(process.env)) {
    const redirects =
      /^PYTHON/i.test(name) ||
      ['VIRTUAL_ENV', '__PYVENV_LAUNCHER__', 'PIP_TARGET', 'PIP_PREFIX'].includes(name);
    if (value !== undefined && !redirects) kept[name] = value;
  }
  return kept;
}
