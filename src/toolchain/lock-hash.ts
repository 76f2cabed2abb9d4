/** The identity of the toolchain: the hash of its lock file. */

import { readFileSync } from 'node:fs';
import { sha256 } from '../util/hash.js';
import { packagePath } from '../util/package-root.js';

/** Hash of `python/requirements.lock`: equal locks install the same toolchain, byte for byte. */
export function toolchainLockHash(): string {
  return sha256(readFileSync(packagePath('python/requirements.lock')));
}
