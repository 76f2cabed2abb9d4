/** A folder, and perhaps a URL -> the store that a build works with. */

import { mkdir } from 'node:fs/promises';
import { defaultStoreDir, env } from '../util/env.js';
import type { LockingStore } from './get-or-build.js';
import { HttpStore } from './http-store.js';
import { LayeredStore } from './layered-store.js';
import { LocalStore, type StoreNotice } from './local-store.js';
import { storeError } from './store-error.js';

export interface OpenStoreOptions {
  /** HTTP store behind the local one; by default ROSE_GEN_STORE_URL. An empty text means none. */
  readonly remote?: string;
  /** Fail where the remote store fails, instead of going on without it. */
  readonly remoteRequired?: boolean;
  readonly onNotice?: (notice: StoreNotice) => void;
}

/** Opens the store in `dir` (by default in the user's cache folder). Raises STORE_IO where the folder cannot be made. */
export async function openStore(
  dir = defaultStoreDir(),
  options: OpenStoreOptions = {},
): Promise<LockingStore> {
  const local = await openLocalStore(dir, options);
  const url = options.remote ?? env.storeUrl ?? '';
  if (url === '') return local;
  return new LayeredStore(local, new HttpStore(url, { token: env.storeToken }), {
    required: options.remoteRequired ?? false,
    onNotice: options.onNotice,
  });
}

/** The folder alone, for those who look after it. */
export async function openLocalStore(
  dir = defaultStoreDir(),
  options: Pick<OpenStoreOptions, 'onNotice'> = {},
): Promise<LocalStore> {
  try {
    await mkdir(dir, { recursive: true });
  } catch (error) {
    throw storeError('the store cannot be opened:', dir, error);
  }
  return new LocalStore(dir, { onNotice: options.onNotice });
}
