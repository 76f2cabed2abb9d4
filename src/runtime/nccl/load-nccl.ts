/** NCCL, found on this machine and new enough. */

import { HostBlock } from '../driver/cuda-driver.js';
import { loadNative, tooOld, type LoadNativeOptions } from '../native/load-native.js';
import type { LibraryNames } from '../native/library-places.js';
import { LEAST_VERSION, UNIQUE_ID_BYTES } from './constants.js';
import { checkNccl } from './nccl-error.js';
import { NCCL_SIGNATURES, type Nccl } from './signatures.js';

export const NCCL_NAMES: LibraryNames = {
  title: 'NCCL',
  variable: 'ROSE_GEN_NCCL',
  files: process.platform === 'linux' ? ['libnccl.so.2', 'libnccl.so'] : [],
  packages: ['nccl'],
  install: 'install libnccl2 or the Python package nvidia-nccl-cu13 (Linux only)',
};

/** Raises NATIVE_MISSING. */
export async function loadNccl(options: LoadNativeOptions = {}): Promise<Nccl> {
  const nccl = await loadNative(NCCL_NAMES, NCCL_SIGNATURES, options);
  const version = ncclVersion(nccl);
  if (version >= LEAST_VERSION) return nccl;
  const actual = `version ${formatNcclVersion(version)}`;
  throw tooOld(NCCL_NAMES, { name: nccl.library }, actual, `${formatNcclVersion(LEAST_VERSION)} or later`);
}

/** As NCCL counts: 22809 is 2.28.9. */
export function ncclVersion(nccl: Nccl): number {
  const out = new HostBlock(nccl.host, 8);
  checkNccl(nccl, nccl.api.getVersion(out.address), 'ncclGetVersion');
  return out.view.getInt32(0, true);
}

/** 22809 -> `2.28.9`. */
export function formatNcclVersion(version: number): string {
  return [version / 10_000, (version / 100) % 100, version % 100].map(Math.floor).join('.');
}

/** The library that is asked for. Raises NATIVE_MISSING. */
export async function ncclOf(library: string | Nccl | undefined): Promise<Nccl> {
  if (typeof library === 'object') return library;
  return loadNccl(library === undefined ? {} : { library });
}

/**
 * 128 bytes that name a new communicator: one rank makes them, and every rank opens its communicator with them.
 * Raises NATIVE_MISSING, NATIVE_CALL.
 */
export async function ncclUniqueId(library?: string | Nccl): Promise<Uint8Array> {
  const nccl = await ncclOf(library);
  const out = new HostBlock(nccl.host, UNIQUE_ID_BYTES);
  checkNccl(nccl, nccl.api.getUniqueId(out.address), 'ncclGetUniqueId');
  return new Uint8Array(out.view.buffer.slice(0) as ArrayBuffer);
}
