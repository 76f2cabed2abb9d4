/** A local store in front of a remote one: hits are copied down, new artifacts up. */

import { errorMessage } from '../util/system-error.js';
import type { Artifact, ArtifactEntry, ArtifactStore } from './artifact.js';
import type { LockingStore } from './get-or-build.js';
import type { KeyLockOptions, StoreNotice } from './local-store.js';

export interface LayeredStoreOptions {
  /** Fail when the remote store fails; otherwise it is left out for the rest of this run, with one notice. */
  readonly required?: boolean;
  readonly onNotice?: ((notice: StoreNotice) => void) | undefined;
}

export class LayeredStore implements LockingStore {
  private remoteFailed = false;

  constructor(
    private readonly local: LockingStore,
    private readonly remote: ArtifactStore,
    private readonly options: LayeredStoreOptions = {},
  ) {}

  /** An entry whose files are in the local store, fetched from the remote one if need be. */
  async lookup(key: string): Promise<ArtifactEntry | undefined> {
    const entry = await this.local.lookup(key);
    if (entry) return entry;
    const fetched = await this.fetch(key);
    return fetched && this.local.put(key, fetched);
  }

  async get(key: string): Promise<Artifact | undefined> {
    const stored = await this.local.get(key);
    if (stored) return stored;
    const fetched = await this.fetch(key);
    if (fetched) await this.local.put(key, fetched);
    return fetched;
  }

  async put(key: string, artifact: Artifact): Promise<ArtifactEntry> {
    const entry = await this.local.put(key, artifact);
    await this.tolerate(() => this.remote.put(key, artifact));
    return entry;
  }

  withKeyLock<T>(key: string, body: () => Promise<T>, options?: KeyLockOptions): Promise<T> {
    return this.local.withKeyLock(key, body, options);
  }

  private fetch(key: string): Promise<Artifact | undefined> {
    return this.tolerate(() => this.remote.get(key));
  }

  private async tolerate<T>(ask: () => Promise<T>): Promise<T | undefined> {
    if (this.remoteFailed) return undefined;
    try {
      return await ask();
    } catch (error) {
      if (this.options.required) throw error;
      // Many requests may fail together; one notice says it.
      if (!this.remoteFailed) {
        const message = `${errorMessage(error)}; going on without it`;
        this.options.onNotice?.({ kind: 'remote', message });
      }
      this.remoteFailed = true;
      return undefined;
    }
  }
}
