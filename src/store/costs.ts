/**
 * What each variant took to compile, kept beside the store: what CI shards are balanced by.
 *
 * Costs are of a machine and a moment, so they are in no manifest and no key. A file that is damaged counts as empty.
 */

import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { withFileLock } from '../util/file-lock.js';
import { storeError } from './store-error.js';

/** Seconds of compile by variant id. */
export type Costs = ReadonlyMap<string, number>;

export async function readCosts(path: string): Promise<Costs> {
  const text = await readFile(path, 'utf8').catch(() => '{}');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return new Map();
  }
  if (typeof value !== 'object' || value === null) return new Map();
  return new Map(
    Object.entries(value).filter(
      (cost): cost is [string, number] => Number.isFinite(cost[1]) && cost[1] >= 0,
    ),
  );
}

/** Adds these costs to the file, newer ones over older ones; safe beside other builds. Raises STORE_IO. */
export async function recordCosts(path: string, costs: Costs): Promise<void> {
  if (costs.size === 0) return;
  const { default: writeFileAtomic } = await import('write-file-atomic');
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (error) {
    throw storeError('compile costs cannot be recorded in', path, error);
  }
  await withFileLock(path, {}, async () => {
    const all = new Map([...(await readCosts(path)), ...costs]);
    const sorted = [...all.keys()].sort().map((id) => [id, Math.round(all.get(id)! * 1e4) / 1e4] as const);
    try {
      await writeFileAtomic(path, `${JSON.stringify(Object.fromEntries(sorted), undefined, 2)}\n`, {
        fsync: false,
      });
    } catch (error) {
      throw storeError('compile costs cannot be recorded in', path, error);
    }
  });
}
