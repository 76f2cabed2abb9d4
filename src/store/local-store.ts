/**
 * The store as a folder that many processes share.
 *
 *     ac/KK/KEY    entry of an action key: which blobs, and the report
 *     cas/SS/SHA   a blob, named by the SHA-256 of its bytes
 *     locks/KEY    held by who is building this key
 *
 * Files appear by rename, whole or not at all. Nothing is synced to the disk one by one: what a power cut may tear is
 * found by its hash on the next read, removed and built again. `lookup` reads the entry and compares sizes only, which
 * is what makes a build with nothing to do fast (60 variants: 60 small reads, 120 stats); whatever leaves the store
 * through `get` has been hashed.
 */

import { mkdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { withFileLock } from '../util/file-lock.js';
import { errorCode } from '../util/system-error.js';
import {
  makeEntry,
  matches,
  parseEntry,
  requireKey,
  serializeEntry,
  type Artifact,
  type ArtifactEntry,
  type ArtifactStore,
  type BlobReference,
} from './artifact.js';
import { storeError } from './store-error.js';

/** Something that a store noticed and dealt with. */
export interface StoreNotice {
  readonly kind: 'damaged' | 'remote';
  readonly message: string;
}

export interface LocalStoreOptions {
  readonly onNotice?: ((notice: StoreNotice) => void) | undefined;
  /** Age in milliseconds at which the lock of a killed builder is taken over. */
  readonly lockStaleMs?: number;
}

export interface KeyLockOptions {
  readonly onWait?: () => void;
  readonly signal?: AbortSignal;
}

/** How old an entry's time of last use may get before a hit renews it; saves a write a hit. */
const TOUCH_AFTER_MS = 3_600_000;

export class LocalStore implements ArtifactStore {
  constructor(
    readonly dir: string,
    private readonly options: LocalStoreOptions = {},
  ) {}

  async lookup(key: string): Promise<ArtifactEntry | undefined> {
    requireKey(key);
    const entry = await this.readEntry(key);
    if (!entry) return undefined;
    const present = await Promise.all(Object.values(entry.files).map((file) => this.hasBlob(file)));
    if (present.every(Boolean)) return entry;
    await this.discard(key, entry, 'a file of it is missing or has another size');
    return undefined;
  }

  async get(key: string): Promise<Artifact | undefined> {
    requireKey(key);
    const entry = await this.readEntry(key);
    if (!entry) return undefined;
    const files = await Promise.all(
      Object.entries(entry.files).map(
        async ([name, reference]) => [name, await this.readBlob(reference)] as const,
      ),
    );
    const whole = files.filter((file): file is readonly [string, Uint8Array] => file[1] !== undefined);
    if (whole.length === files.length) return { files: Object.fromEntries(whole), info: entry.info };
    await this.discard(key, entry, 'a file of it does not match its hash');
    return undefined;
  }

  async put(key: string, artifact: Artifact): Promise<ArtifactEntry> {
    requireKey(key);
    const entry = makeEntry(key, artifact);
    // Blobs first: an entry never names a blob that is not there yet.
    await Promise.all(
      Object.entries(artifact.files).map(async ([name, data]) => {
        const reference = entry.files[name]!;
        if (!(await this.hasBlob(reference))) await this.write(this.blobPath(reference.sha256), data);
      }),
    );
    await this.write(this.entryPath(key), serializeEntry(entry));
    return entry;
  }

  /**
   * Runs `body` as the only builder of this key, among all processes that use this store. Whoever waited should look
   * the key up again first: `getOrBuild` does.
   */
  async withKeyLock<T>(key: string, body: () => Promise<T>, options: KeyLockOptions = {}): Promise<T> {
    requireKey(key);
    const { lockStaleMs } = this.options;
    const lock = { ...options, ...(lockStaleMs !== undefined && { staleMs: lockStaleMs }) };
    return withFileLock(join(this.dir, 'locks', key), lock, body);
  }

  entryPath(key: string): string {
    return join(this.dir, 'ac', key.slice(0, 2), key);
  }

  blobPath(hash: string): string {
    return join(this.dir, 'cas', hash.slice(0, 2), hash);
  }

  /** Removes an entry and those of its blobs that are not what their names say. */
  async discard(key: string, entry: ArtifactEntry | undefined, reason: string): Promise<void> {
    this.options.onNotice?.({
      kind: 'damaged',
      message: `${key.slice(0, 12)}: ${reason}; it will be built again`,
    });
    try {
      await rm(this.entryPath(key), { force: true });
      for (const reference of Object.values(entry?.files ?? {})) {
        const data = await readIfPresent(this.blobPath(reference.sha256));
        if (data && !matches(reference, data)) await rm(this.blobPath(reference.sha256), { force: true });
      }
    } catch (error) {
      throw storeError('a damaged entry cannot be removed from', this.dir, error);
    }
  }

  private async readEntry(key: string): Promise<ArtifactEntry | undefined> {
    const path = this.entryPath(key);
    const text = await this.guarded('read', () => readIfPresent(path));
    if (!text) return undefined;
    const entry = parseEntry(key, text.toString('utf8'));
    if (entry) await this.touch(path);
    else await this.discard(key, undefined, 'its entry is damaged');
    return entry;
  }

  private async readBlob(reference: BlobReference): Promise<Uint8Array | undefined> {
    const data = await this.guarded('read', () => readIfPresent(this.blobPath(reference.sha256)));
    return data && matches(reference, data) ? data : undefined;
  }

  private async hasBlob(reference: BlobReference): Promise<boolean> {
    const found = await stat(this.blobPath(reference.sha256)).catch(() => undefined);
    return found?.size === reference.bytes;
  }

  /** Renews the time of last use, which `trim` goes by. A store that cannot be written still serves. */
  private async touch(path: string): Promise<void> {
    const now = Date.now();
    const found = await stat(path).catch(() => undefined);
    if (found && now - found.mtimeMs > TOUCH_AFTER_MS) {
      await utimes(path, now / 1000, now / 1000).catch(() => undefined);
    }
  }

  private async write(path: string, data: string | Uint8Array): Promise<void> {
    const { default: writeFileAtomic } = await import('write-file-atomic');
    const write = (): Promise<void> =>
      writeFileAtomic(path, typeof data === 'string' ? data : Buffer.from(data), { fsync: false });
    await this.guarded('written', async () => {
      try {
        await write();
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw error;
        await mkdir(dirname(path), { recursive: true });
        await write();
      }
    });
  }

  private async guarded<T>(what: 'read' | 'written', body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      throw storeError(`the store cannot be ${what}:`, this.dir, error);
    }
  }
}

/** Contents of a file, or undefined where there is none. */
export async function readIfPresent(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
