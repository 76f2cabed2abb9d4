/**
 * A folder that a build wrote -> verdicts on its variants.
 *
 * Manifest and PTX are read and checked against each other, formulas are bound again from the specs, and what the store
 * has no verdict on is run in the pool. A variant that cannot be run at all is a result with an error: the others go on.
 */

import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { MANIFEST_FILE, readManifest, type VariantEntry } from '../device/index.js';
import { bindKernel, loadSpecs, type BoundKernel, type KernelSpec } from '../spec/index.js';
import type { ArtifactStore } from '../store/index.js';
import { throwIfCancelled } from '../util/cancel.js';
import { closest, RoseError } from '../util/errors.js';
import { sha256 } from '../util/hash.js';
import { packagePath } from '../util/package-root.js';
import { errorCode, errorMessage } from '../util/system-error.js';
import { VerifyPool } from './pool.js';
import { recordedVerdict, recordVerdict, verdictKey, type RecordedOptions } from './record.js';
import type { Subject, Verdict } from './types.js';

export interface VerifyBuildRequest extends RecordedOptions {
  /** Folder that a build wrote. */
  readonly dir: string;
  /** Specs that the build was made from, by kernel; default: the library. */
  readonly specs?: ReadonlyMap<string, KernelSpec>;
  /** Which variants; default all. */
  readonly select?: (variant: VariantEntry) => boolean;
  /** Threads; default one a processor, 0 for none. */
  readonly workers?: number;
  /** A pool to use instead, which stays open. */
  readonly pool?: VerifyPool;
  /** Where verdicts are kept; default nowhere. */
  readonly record?: ArtifactStore;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/** One variant done. */
export interface VerifyProgress {
  readonly result: VariantResult;
  readonly done: number;
  readonly total: number;
}

/** A verdict, or the error that kept the variant from one: an unknown instruction, a kernel that never ends. */
export interface VariantResult {
  readonly variant: VariantEntry;
  readonly from: 'run' | 'record';
  readonly seconds: number;
  readonly verdict?: Verdict;
  readonly error?: RoseError;
}

export interface VerifyResult {
  /** In the manifest's order. */
  readonly results: readonly VariantResult[];
  readonly passed: boolean;
  /** Variants that were run, as opposed to those whose verdict was on record. */
  readonly ran: number;
  readonly seconds: number;
}

/**
 * @throws MANIFEST_INVALID where manifest, PTX and specs do not belong together; VARIANT_UNKNOWN where a kernel has no
 *   spec or nothing is selected; CANCELLED
 */
export async function verifyBuild(request: VerifyBuildRequest): Promise<VerifyResult> {
  const start = performance.now();
  const subjects = await readSubjects(request);
  const workers = request.workers ?? availableParallelism();
  const pool = request.pool ?? new VerifyPool({ workers: Math.min(workers, subjects.length) });
  let done = 0;
  try {
    const results = await Promise.all(
      subjects.map(async (subject) => {
        const result = await verifySubject(subject, pool, request);
        done++;
        request.onProgress?.({ result, done, total: subjects.length });
        return result;
      }),
    );
    return {
      results,
      passed: results.every(({ verdict }) => verdict?.passed === true),
      ran: results.filter(({ from }) => from === 'run').length,
      seconds: (performance.now() - start) / 1000,
    };
  } finally {
    if (!request.pool) await pool[Symbol.asyncDispose]();
  }
}

async function verifySubject(
  subject: Subject,
  pool: VerifyPool,
  { record, signal, checks, limits }: VerifyBuildRequest,
): Promise<VariantResult> {
  const start = performance.now();
  const { variant } = subject;
  const options: RecordedOptions = {
    ...(checks !== undefined && { checks }),
    ...(limits && { limits }),
  };
  const result = (
    from: VariantResult['from'],
    outcome: Pick<VariantResult, 'verdict' | 'error'>,
  ): VariantResult => ({ variant, from, seconds: (performance.now() - start) / 1000, ...outcome });
  const key = record && verdictKey(subject, options);
  const known = record && (await recordedVerdict(record, key!));
  if (known) return result('record', { verdict: known });
  try {
    const verdict = await pool.verify(subject, options, signal);
    if (record) await recordVerdict(record, key!, verdict);
    return result('run', { verdict });
  } catch (error) {
    if (!(error instanceof RoseError) || !OF_THE_KERNEL.has(error.code)) throw error;
    return result('run', { error });
  }
}

/** What is wrong with one kernel, and says nothing of the others. */
const OF_THE_KERNEL: ReadonlySet<string> = new Set([
  'PTX_SYNTAX',
  'PTX_UNSUPPORTED',
  'SIM_LIMIT',
  'LAUNCH_GUARD',
]);

/** Every chosen variant with its formula and its PTX. */
async function readSubjects(request: VerifyBuildRequest): Promise<readonly Subject[]> {
  const path = join(request.dir, MANIFEST_FILE);
  const [manifest, specs] = await Promise.all([
    readManifest(path),
    request.specs ?? loadSpecs(packagePath('specs')),
  ]);
  throwIfCancelled(request.signal, 'verifying');
  const chosen = manifest.variants.filter(request.select ?? (() => true));
  if (chosen.length === 0) {
    throw new RoseError({
      code: 'VARIANT_UNKNOWN',
      message: 'there is nothing to verify',
      place: { file: path },
      actual: `none of ${manifest.variants.length} variants is selected`,
      next: 'select others, or build them first',
    });
  }
  return Promise.all(
    chosen.map(async (variant) => ({
      variant,
      bound: bindAgain(variant, specs, path),
      ptx: await readPtx(request.dir, variant, path),
    })),
  );
}

function bindAgain(variant: VariantEntry, specs: ReadonlyMap<string, KernelSpec>, path: string): BoundKernel {
  const spec = specs.get(variant.kernel);
  if (!spec) {
    const near = closest(variant.kernel, specs.keys());
    throw new RoseError({
      code: 'VARIANT_UNKNOWN',
      message: `no spec says what ${variant.kernel} computes`,
      place: { file: path },
      actual: variant.id,
      next: `name the spec that it was built from with --spec${near === undefined ? '' : `; there is one of ${near}`}`,
    });
  }
  const dims: Record<string, number> = {};
  for (const { kind, name } of spec.dims) {
    const extent = variant.dims[name];
    if (kind === 'static' && typeof extent === 'number') dims[name] = extent;
  }
  const flags = Object.fromEntries(spec.flags.map(({ name }) => [name, variant.flags[name] === true]));
  let bound: BoundKernel;
  try {
    bound = bindKernel(spec, { dims, types: variant.types as BoundKernel['binding']['types'], flags });
  } catch (error) {
    throw otherSpec(variant, path, errorMessage(error), error);
  }
  const declared = signatureOf(bound.tensors);
  const built = signatureOf(variant.tensors);
  if (declared !== built) throw otherSpec(variant, path, built, undefined, declared);
  return bound;
}

const signatureOf = (
  tensors: readonly { readonly name: string; readonly dtype: string; readonly access: string }[],
): string => tensors.map(({ name, dtype, access }) => `${access} ${name} ${dtype}`).join(', ');

function otherSpec(
  variant: VariantEntry,
  path: string,
  actual: string,
  cause: unknown,
  expected?: string,
): RoseError {
  return new RoseError({
    code: 'MANIFEST_INVALID',
    message: `${variant.id} was built from another spec than ${variant.kernel} is now`,
    place: { file: path },
    actual,
    ...(expected !== undefined && { expected }),
    next: 'build it again with `rose-gen build`',
    cause,
  });
}

async function readPtx(dir: string, variant: VariantEntry, manifest: string): Promise<string> {
  const { path, sha256: expected } = variant.files.ptx;
  const invalid = (message: string, actual: string, cause?: unknown): RoseError =>
    new RoseError({
      code: 'MANIFEST_INVALID',
      message: `${variant.id}: ${message}`,
      place: { file: manifest },
      actual,
      expected: `${path} with SHA-256 ${expected}`,
      next: 'build it again with `rose-gen build`',
      cause,
    });
  let data: Buffer;
  try {
    data = await readFile(join(dir, path));
  } catch (error) {
    throw invalid(
      'its PTX cannot be read',
      errorCode(error) === 'ENOENT' ? 'no such file' : errorMessage(error),
      error,
    );
  }
  const hash = sha256(data);
  if (hash !== expected) throw invalid('the manifest does not match the PTX', `SHA-256 ${hash}`);
  return data.toString('utf8');
}
