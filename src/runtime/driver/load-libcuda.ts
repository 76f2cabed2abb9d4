/** The CUDA driver's shared library -> a table of callable functions, through koffi. */

import type koffiType from 'koffi';
import { RoseError } from '../../util/errors.js';
import { errorMessage } from '../../util/system-error.js';
import type { CudaDriver } from './cuda-driver.js';
import { SIGNATURES, type CudaApi, type CudaFunction } from './signatures.js';

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
  const { default: koffi } = await import('koffi');
  const { library, name } = open(koffi, names);
  const missing = new Set<CudaFunction>();
  const api: Partial<Record<CudaFunction, (...args: number[]) => number>> = {};
  for (const [function_, { symbol, takes }] of Object.entries(SIGNATURES) as [
    CudaFunction,
    (typeof SIGNATURES)[CudaFunction],
  ][]) {
    try {
      api[function_] = library.func(symbol, 'int32', [...takes]) as (...args: number[]) => number;
    } catch (error) {
      missing.add(function_);
      api[function_] = () => {
        throw lacking(name, symbol, error);
      };
    }
  }
  return {
    library: name,
    api: api as unknown as CudaApi,
    has: (function_) => !missing.has(function_),
    addressOf: (memory) => Number(koffi.address(memory)),
    textAt: (address) => String(koffi.decode(BigInt(address), 'char', -1)),
    memoryAt: (address, bytes) => koffi.view(BigInt(address), bytes),
    currentContext: 0,
  };
}

type Koffi = typeof koffiType;

function open(koffi: Koffi, names: readonly string[]): { library: ReturnType<Koffi['load']>; name: string } {
  const failures: string[] = [];
  for (const name of names) {
    try {
      return { library: koffi.load(name), name };
    } catch (error) {
      failures.push(`${name}: ${errorMessage(error)}`);
    }
  }
  throw new RoseError({
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
