/** A key and how to build it -> its artifact, built by one process at most. */

import type { Artifact, ArtifactStore } from './artifact.js';
import type { KeyLockOptions, LocalStore } from './local-store.js';

/** A store that can also lock a key among its users. */
export interface LockingStore extends ArtifactStore {
  withKeyLock: LocalStore['withKeyLock'];
}

/**
 * The artifact of `key`: from the store, or else from `build`, which runs in one process while others wait for it.
 * A builder that is killed is replaced by one of those that wait.
 */
export async function getOrBuild(
  store: LockingStore,
  key: string,
  build: () => Promise<Artifact>,
  options: KeyLockOptions = {},
): Promise<{ readonly artifact: Artifact; readonly built: boolean }> {
  const stored = await store.get(key);
  if (stored) return { artifact: stored, built: false };
  return store.withKeyLock(
    key,
    async () => {
      // Whoever held the lock before may have built it.
      const meanwhile = await store.get(key);
      if (meanwhile) return { artifact: meanwhile, built: false };
      const artifact = await build();
      await store.put(key, artifact);
      return { artifact, built: true };
    },
    options,
  );
}
