/**
 * A lock between processes: a folder beside the thing it guards, kept fresh by its holder.
 *
 * The holder touches the lock while it works, so a lock left by a killed process goes stale after `staleMs` and the
 * next one takes it over. That works across containers and network folders, where a process id would mean nothing.
 */

import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelled, throwIfCancelled } from './cancel.js';
import { RoseError } from './errors.js';
import { errorCode, errorMessage } from './system-error.js';

export interface LockOptions {
  /** Age in milliseconds at which a lock nobody touches counts as left behind; at least 2,000. Default 10,000. */
  readonly staleMs?: number;
  /** Called once if the lock is held by somebody else and this call has to wait. */
  readonly onWait?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds between two looks at a held lock. */
const POLL_MS = 50;

/**
 * Runs `body` while holding the lock `path` (a name for the lock; nothing need exist there). The signal that `body`
 * gets fires when the lock is lost: this process was suspended for so long that another one took the lock over.
 * Raises CANCELLED when `options.signal` fires while waiting, and STORE_IO when the lock cannot be made.
 */
export async function withFileLock<T>(
  path: string,
  options: LockOptions,
  body: (lost: AbortSignal) => Promise<T>,
): Promise<T> {
  const lost = new AbortController();
  const release = await acquire(path, options, lost);
  try {
    return await body(lost.signal);
  } finally {
    if (!lost.signal.aborted) await release();
  }
}

async function acquire(
  path: string,
  options: LockOptions,
  lost: AbortController,
): Promise<() => Promise<void>> {
  const { lock } = await import('proper-lockfile');
  const stale = options.staleMs ?? 10_000;
  let waited = false;
  for (;;) {
    throwIfCancelled(options.signal, `waiting for ${path}`);
    try {
      return await lock(path, {
        realpath: false,
        lockfilePath: `${path}.lock`,
        stale,
        update: Math.min(2_000, stale / 2),
        onCompromised: (error) => lost.abort(error),
      });
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ENOENT') {
        await mkdir(dirname(path), { recursive: true }).catch((failure: unknown) => {
          throw lockFailed(path, failure);
        });
      } else if (code === 'ELOCKED') {
        if (!waited) options.onWait?.();
        waited = true;
        await pause(path, options.signal);
      } else {
        throw lockFailed(path, error);
      }
    }
  }
}

async function pause(path: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(POLL_MS, undefined, signal && { signal });
  } catch (error) {
    throw cancelled(`waiting for ${path}`, error);
  }
}

function lockFailed(path: string, error: unknown): RoseError {
  return new RoseError({
    code: 'STORE_IO',
    message: `the lock ${path}.lock cannot be made`,
    actual: errorMessage(error),
    next: 'make its folder writable, or choose another cache folder with ROSE_GEN_CACHE_DIR',
    cause: error,
  });
}
