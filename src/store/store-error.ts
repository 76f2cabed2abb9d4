/** A failed read or write of a store -> STORE_IO with what to do about it. */

import { RoseError } from '../util/errors.js';
import { errorCode, errorMessage } from '../util/system-error.js';

const NEXT_STEPS: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space (`rose-gen cache` trims the store), or move the store with ROSE_GEN_CACHE_DIR',
  EDQUOT: 'your disk quota is used up: free some space, or move the store with ROSE_GEN_CACHE_DIR',
  EACCES: 'make the folder writable, or choose another with ROSE_GEN_CACHE_DIR',
  EPERM: 'make the folder writable, or choose another with ROSE_GEN_CACHE_DIR',
  EROFS: 'the disk is read-only: choose another folder with ROSE_GEN_CACHE_DIR',
  ENOTDIR:
    'a file stands where a folder of the store should be: remove it, or choose another with ROSE_GEN_CACHE_DIR',
};

export function storeError(what: string, where: string, cause: unknown): RoseError {
  return new RoseError({
    code: 'STORE_IO',
    message: `${what} ${where}`,
    actual: errorMessage(cause),
    next:
      NEXT_STEPS[errorCode(cause) ?? ''] ?? 'look at the folder, or choose another with ROSE_GEN_CACHE_DIR',
    cause,
  });
}
