/** cuBLASLt, found on this machine and new enough. */

import { loadNative, tooOld, type LoadNativeOptions, type NativeLibrary } from '../native/load-native.js';
import type { LibraryNames } from '../native/library-places.js';
import { CUBLASLT_SIGNATURES } from './signatures.js';

export type CublasLt = NativeLibrary<typeof CUBLASLT_SIGNATURES>;

/** `pip install nvidia-cublas` (CUDA 13) lays it in `nvidia/cu13`, `nvidia-cublas-cu12` in `nvidia/cublas`. */
export const CUBLASLT_NAMES: LibraryNames = {
  title: 'cuBLASLt',
  variable: 'ROSE_GEN_CUBLASLT',
  files:
    process.platform === 'win32'
      ? ['cublasLt64_13.dll', 'cublasLt64_12.dll']
      : ['libcublasLt.so.13', 'libcublasLt.so.12', 'libcublasLt.so'],
  packages: ['cu13', 'cublas'],
  install: 'install the CUDA toolkit or the Python package nvidia-cublas',
};

/** CUDA 12.0: the first with FP8. */
const LEAST = 120_000;

/** Raises NATIVE_MISSING. */
export async function loadCublasLt(options: LoadNativeOptions = {}): Promise<CublasLt> {
  const loaded = await loadNative(CUBLASLT_NAMES, CUBLASLT_SIGNATURES, options);
  cublasLtVersion(loaded);
  return loaded;
}

/** Its version as `13.1.0`. Raises NATIVE_MISSING for one before 12.0. */
export function cublasLtVersion({ api, library }: CublasLt): string {
  const version = api.getVersion();
  const text = [version / 10_000, (version / 100) % 100, version % 100].map(Math.floor).join('.');
  if (version < LEAST) throw tooOld(CUBLASLT_NAMES, { name: library }, `version ${text}`, '12.0.0 or later');
  return text;
}
