/**
 * A folder that a build wrote -> verdicts on its variants.
 *
 * What the store has no verdict on is run in the pool. A variant that cannot be run at all is a result with an error:
 * the others go on.
 */

import { availableParallelism } from 'node:os';
import type { VariantEntry } from '../device/index.js';
import type { ArtifactStore } from '../store/index.js';
import { RoseError } from '../util/errors.js';
import type { ModuleLines } from './module-lines.js';
import { VerifyPool } from './pool.js';
import { readSubjects, type SubjectSource } from './read-subjects.js';
import { recordedVerdict, recordVerdict, verdictKey, type RecordedOptions } from './record.js';
import type { Subject, Verdict } from './types.js';

export interface VerifyBuildRequest extends SubjectSource, RecordedOptions {
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
  /** Without its wait for a thread. */
  readonly seconds: number;
  /** Hash of all that the verdict follows from: what it is recorded under. */
  readonly key: string;
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
 *   spec or nothing is selected; STORE_IO; CANCELLED
 */
export async function verifyBuild(request: VerifyBuildRequest): Promise<VerifyResult> {
  const start = performance.now();
  const subjects = await readSubjects(request, request.signal);
  const workers = request.workers ?? availableParallelism();
  const pool = request.pool ?? new VerifyPool({ workers: Math.min(workers, subjects.length) });
  const lines = new LazyLines(request.dir);
  let done = 0;
  try {
    const results = await Promise.all(
      subjects.map(async (subject) => {
        const result = await verifySubject(subject, pool, lines, request);
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
    await lines.close();
    if (!request.pool) await pool[Symbol.asyncDispose]();
  }
}

/** Lines of modules, for faults alone: simulator and toolchain are loaded where there is one. */
class LazyLines {
  #lines: Promise<ModuleLines> | undefined;

  constructor(private readonly dir: string) {}

  async complete(subject: Subject, verdict: Verdict, signal?: AbortSignal): Promise<Verdict> {
    const faults = verdict.cases.some(({ failures }) => failures.some(({ kind }) => kind === 'fault'));
    if (!faults) return verdict;
    this.#lines ??= import('./module-lines.js').then(({ ModuleLines: Lines }) => new Lines(this.dir));
    return (await this.#lines).complete(subject, verdict, signal);
  }

  async close(): Promise<void> {
    await (await this.#lines)?.[Symbol.asyncDispose]();
  }
}

async function verifySubject(
  subject: Subject,
  pool: VerifyPool,
  lines: LazyLines,
  { record, signal, checks, limits }: VerifyBuildRequest,
): Promise<VariantResult> {
  let start = performance.now();
  const onStart = (): void => {
    start = performance.now();
  };
  const { variant } = subject;
  const options: RecordedOptions = {
    ...(checks !== undefined && { checks }),
    ...(limits && { limits }),
  };
  const key = verdictKey(subject, options);
  const result = (
    from: VariantResult['from'],
    outcome: Pick<VariantResult, 'verdict' | 'error'>,
  ): VariantResult => ({ variant, from, key, seconds: (performance.now() - start) / 1000, ...outcome });
  const known = record && (await recordedVerdict(record, key));
  if (known) return result('record', { verdict: known });
  try {
    const ran = await pool.verify(subject, options, signal, onStart);
    const verdict = await lines.complete(subject, ran, signal);
    if (record) await recordVerdict(record, key, verdict);
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
