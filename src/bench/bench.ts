/** Variants of a build on a GPU -> cases, with the device's own ceilings measured in the same run. */

import type { VariantEntry } from '../device/index.js';
import { openCuda, openLibrary, type CudaDriver } from '../runtime/index.js';
import type { BoundKernel } from '../spec/index.js';
import { RoseError } from '../util/errors.js';
import { measureCeilings, type Ceilings } from './ceilings.js';
import { measure } from './measure.js';
import { PeerSession } from './peer-session.js';
import type { BenchCase, BenchResults } from './results.js';

export interface BenchRequest {
  /** Folder that a build wrote. */
  readonly dir: string;
  /** What to measure, each with its formula. */
  readonly subjects: readonly { readonly variant: VariantEntry; readonly bound: BoundKernel }[];
  /** Rows by phase. */
  readonly rows: Readonly<Record<string, readonly number[]>>;
  readonly caches: readonly ('cold' | 'warm')[];
  /** Names of peers; empty: none. */
  readonly against: readonly string[];
  /** Interpreter that has the peers. */
  readonly python: string;
  /** Default: the first GPU of the driver that is installed. */
  readonly ordinal?: number;
  readonly driver?: CudaDriver;
  readonly signal?: AbortSignal;
  readonly onCeilings?: (ceilings: Ceilings, device: string) => void;
  /** With the results so far, of which the last case is new; awaited before the next is begun. */
  readonly onCase?: (soFar: BenchResults, total: number) => void | Promise<void>;
}

/** @throws DRIVER_MISSING, DEVICE_UNAVAILABLE, DEVICE_MEMORY, DEVICE_LOST, PEERS, VARIANT_UNKNOWN, CANCELLED */
export async function runBench(request: BenchRequest): Promise<BenchResults> {
  const { dir, subjects, rows, caches, against, python, ordinal, driver, signal } = request;
  using device = await openCuda({ ...(ordinal !== undefined && { ordinal }), ...(driver && { driver }) });
  using library = await openLibrary(dir, { device });
  const runnable = new Set(library.variants.map(({ id }) => id));
  const questions = subjects
    .filter(({ variant }) => runnable.has(variant.id))
    .flatMap(({ variant, bound }) =>
      (rows[variant.phase] ?? []).flatMap((count) =>
        caches.map((cache) => ({ variant, bound, rows: count, cache })),
      ),
    );
  if (questions.length === 0) {
    throw new RoseError({
      code: 'VARIANT_UNKNOWN',
      message: 'there is nothing to measure',
      actual: `none of ${subjects.length} variants runs on ${device.name} (${device.arch})`,
      next: `build for it with --arch ${device.arch}, or select others`,
    });
  }
  await using peers = against.length > 0 ? await PeerSession.open(against, python) : undefined;
  using stream = device.createStream();
  const ceilings = measureCeilings(device, stream);
  request.onCeilings?.(ceilings, device.name);
  const bench = { device, stream, library, ceilings, ...(peers && { peers }) };
  const cases: BenchCase[] = [];
  const results: BenchResults = {
    schema: 1,
    date: new Date().toISOString().slice(0, 10),
    device: device.name,
    cuda: `${Math.floor(device.cudaVersion / 1000)}.${(device.cudaVersion % 1000) / 10}`,
    node: process.version,
    l2Bytes: device.info.l2Bytes,
    ceilings,
    peers: peers?.ready.peers ?? {},
    cases,
  };
  for (const question of questions) {
    if (signal?.aborted) break;
    cases.push(await measure(bench, question));
    await request.onCase?.(results, questions.length);
  }
  return results;
}
