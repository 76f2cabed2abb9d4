/** Looking after a local store: how much is in it, what can go, whether it is sound. */

import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileLock } from '../util/file-lock.js';
import { errorCode } from '../util/system-error.js';
import { parseEntry } from './artifact.js';
import { readIfPresent, type LocalStore } from './local-store.js';
import { storeError } from './store-error.js';

export interface StoreStats {
  readonly dir: string;
  readonly entries: number;
  readonly blobs: number;
  /** Of entries, blobs and leftovers. */
  readonly bytes: number;
  /** Temporary files of writers that were killed. */
  readonly leftovers: number;
}

export interface TrimOptions {
  /** Remove the entries unused for longest until the store is no larger than this. */
  readonly maxBytes?: number;
  /** Remove entries not used for this long. */
  readonly olderThanMs?: number;
}

export interface TrimReport {
  readonly removedEntries: number;
  readonly removedBlobs: number;
  readonly freedBytes: number;
}

export interface VerifyReport {
  readonly checked: number;
  /** Keys of the entries that were damaged; they are removed. */
  readonly damaged: readonly string[];
}

interface StoredFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** Time of last use or, of a blob, of writing. */
  readonly timeMs: number;
}

/** A blob or a temporary file younger than this may belong to a build that is under way. */
const GRACE_MS = 3_600_000;
const HASH_NAME = /^[0-9a-f]{64}$/;

export async function storeStats(store: LocalStore): Promise<StoreStats> {
  const [entries, blobs] = await Promise.all([listSpace(store, 'ac'), listSpace(store, 'cas')]);
  const all = [...entries, ...blobs];
  return {
    dir: store.dir,
    entries: entries.filter(isHashNamed).length,
    blobs: blobs.filter(isHashNamed).length,
    bytes: all.reduce((sum, file) => sum + file.bytes, 0),
    leftovers: all.filter((file) => !isHashNamed(file)).length,
  };
}

/**
 * Removes entries by age and size, then blobs that no entry names and temporary files, unless they are so young that
 * a build may be about to name them. Safe beside builders: what one of them misses, it builds again.
 */
export async function trimStore(store: LocalStore, options: TrimOptions): Promise<TrimReport> {
  return withFileLock(join(store.dir, 'locks', 'trim'), {}, async () => {
    const now = Date.now();
    const blobs = new Map((await listSpace(store, 'cas')).map((file) => [file.name, file]));
    const entries = await readEntries(store);
    const doomed = chooseEntries(entries, blobs, options, now);
    const named = new Set(entries.filter((entry) => !doomed.has(entry)).flatMap((entry) => entry.blobs));
    // What the doomed entries named goes with them; what nobody named may be a build's, while it is young.
    const freed = new Set([...doomed].flatMap((entry) => entry.blobs));
    const unnamed = [...blobs.values()].filter(
      ({ name, timeMs }) => !named.has(name) && (freed.has(name) || now - timeMs > GRACE_MS),
    );
    const removed = [...[...doomed].map(({ file }) => file), ...unnamed];
    try {
      for (const file of removed) await rm(file.path, { force: true });
    } catch (error) {
      throw storeError('the store cannot be trimmed:', store.dir, error);
    }
    return {
      removedEntries: [...doomed].filter(({ file }) => isHashNamed(file)).length,
      removedBlobs: unnamed.filter(isHashNamed).length,
      freedBytes: removed.reduce((sum, file) => sum + file.bytes, 0),
    };
  });
}

interface ReadEntry {
  readonly file: StoredFile;
  /** Hashes of the blobs it names; empty for one that is damaged or a temporary file. */
  readonly blobs: readonly string[];
  readonly sound: boolean;
}

/** Every entry, the one unused for longest first. */
async function readEntries(store: LocalStore): Promise<ReadEntry[]> {
  const files = (await listSpace(store, 'ac')).sort((a, b) => a.timeMs - b.timeMs);
  return Promise.all(
    files.map(async (file): Promise<ReadEntry> => {
      const text = ((await readIfPresent(file.path)) ?? '').toString('utf8');
      const entry = isHashNamed(file) ? parseEntry(file.name, text) : undefined;
      const blobs = Object.values(entry?.files ?? {}).map((reference) => reference.sha256);
      return { file, blobs, sound: entry !== undefined };
    }),
  );
}

function chooseEntries(
  entries: readonly ReadEntry[],
  blobs: ReadonlyMap<string, StoredFile>,
  options: TrimOptions,
  now: number,
): Set<ReadEntry> {
  const doomed = new Set<ReadEntry>();
  for (const entry of entries) {
    const age = now - entry.file.timeMs;
    const limit = entry.sound ? (options.olderThanMs ?? Infinity) : isHashNamed(entry.file) ? -1 : GRACE_MS;
    if (age > limit) doomed.add(entry);
  }
  const kept = entries.filter((entry) => !doomed.has(entry));
  // A blob counts once, until the last entry that names it goes.
  const users = new Map<string, number>();
  for (const name of kept.flatMap((entry) => entry.blobs)) users.set(name, (users.get(name) ?? 0) + 1);
  let bytes = kept.reduce((sum, { file }) => sum + file.bytes, 0);
  for (const name of users.keys()) bytes += blobs.get(name)?.bytes ?? 0;
  for (const entry of kept) {
    if (bytes <= (options.maxBytes ?? Infinity)) break;
    doomed.add(entry);
    bytes -= entry.file.bytes;
    for (const name of entry.blobs) {
      const left = users.get(name)! - 1;
      users.set(name, left);
      if (left === 0) bytes -= blobs.get(name)?.bytes ?? 0;
    }
  }
  return doomed;
}

/** Reads and hashes everything; damaged entries are removed. */
export async function verifyStore(store: LocalStore): Promise<VerifyReport> {
  const damaged: string[] = [];
  const entries = (await listSpace(store, 'ac')).filter(isHashNamed);
  for (const { name } of entries) {
    if ((await store.get(name)) === undefined) damaged.push(name);
  }
  return { checked: entries.length, damaged };
}

function isHashNamed(file: StoredFile): boolean {
  return HASH_NAME.test(file.name);
}

/** The files two folders down: `ac/KK/KEY`. */
async function listSpace(store: LocalStore, space: 'ac' | 'cas'): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  try {
    for (const shard of await namesIn(join(store.dir, space))) {
      for (const name of await namesIn(join(store.dir, space, shard))) {
        const path = join(store.dir, space, shard, name);
        const found = await stat(path).catch(() => undefined);
        if (found?.isFile()) files.push({ name, path, bytes: found.size, timeMs: found.mtimeMs });
      }
    }
  } catch (error) {
    throw storeError('the store cannot be read:', store.dir, error);
  }
  return files;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
