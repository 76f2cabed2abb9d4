/** The CUDA driver's shared library -> a table of callable functions, through koffi. */

import { RoseError } from '../../util/errors.js';
import { bindFunctions, hostMemory, loadKoffi, openFirst } from '../native/shared-library.js';
import type { CudaDriver } from './cuda-driver.js';
import { SIGNATURES } from './signatures.js';

export interface LoadDriverOptions {
  /** Path or name of the library; default: `libcuda.so.1` or `nvcuda.dll`, as the system finds it. */
  readonly library?: string;
}

const INSTALL = 'install the NVIDIA driver, or open the "sim" device';

/** Names under which the driver is looked for, in this order. */
export function libraryNames(platform: NodeJS.Platform): readonly string[] {
  if (platform === 'win32') return ['nvcuda.dll'];
  if (platform === 'linux') return ['libcuda.so.1', '/usr/lib/wsl/lib/libcuda.so.1', 'libcuda.so'];
  return [];
}

let loaded: Promise<CudaDriver> | undefined;

/** Loads the driver once a process. Raises DRIVER_MISSING. */
export function loadLibcuda(options: LoadDriverOptions = {}): Promise<CudaDriver> {
  if (options.library !== undefined) return bind([options.library]);
  loaded ??= bind(libraryNames(process.platform)).catch((error: unknown) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

async function bind(names: readonly string[]): Promise<CudaDriver> {
  const koffi = await loadKoffi();
  const { opened, failures } = openFirst(koffi, names);
  if (!opened) throw absent(names, failures);
  const { name } = opened;
  const { api, missing } = bindFunctions(opened, SIGNATURES, (symbol, cause) => lacking(name, symbol, cause));
  return {
    ...hostMemory(koffi),
    library: name,
    api,
    has: (function_) => !missing.has(function_),
    memoryAt: (address, bytes) => koffi.view(BigInt(address), bytes),
    currentContext: 0,
  };
}

function absent(names: readonly string[], failures: readonly string[]): RoseError {
  return new RoseError({
    code: 'DRIVER_MISSING',
    message: 'the CUDA driver library cannot be loaded',
    actual: failures.join('; ') || `no driver exists for ${process.platform}`,
    expected: names.join(' or ') || 'Linux or Windows',
    next: INSTALL,
  });
}

function lacking(library: string, symbol: string, cause: unknown): RoseError {
  return new RoseError({
    code: 'DRIVER_MISSING',
    message: `the CUDA driver is too old: it has no ${symbol}`,
    actual: `${library} without ${symbol}`,
    expected: 'the driver of CUDA 12.0 (525.60.13) or later',
    next: 'update the NVIDIA driver',
    cause,
  });
}
