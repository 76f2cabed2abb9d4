/**
 * Tuning files: schedules that were measured to be faster than the compiler's own, by variant.
 *
 * A file names the device, driver and date of each measurement and the rows it was made at. An entry counts for exactly the
 * variant and the spec that it was measured with: where the spec has changed since, the compiler's own schedule is taken.
 */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KernelSpec } from '../spec/types.js';
import { canonicalSpec } from '../spec/canonical.js';
import { RoseError } from '../util/errors.js';
import { hashJson, type Json } from '../util/hash.js';
import { packagePath } from '../util/package-root.js';
import { errorMessage } from '../util/system-error.js';
import type { Plan, PlannedVariant } from './plan.js';
import type { ScheduleOverride } from './schedule-override.js';

export const TUNING_SCHEMA = 1;

export interface TuningFile {
  readonly schema: typeof TUNING_SCHEMA;
  /** Sorted by variant. */
  readonly entries: readonly TuningEntry[];
}

export interface TuningEntry {
  /** Id of the variant. */
  readonly variant: string;
  /** Hash of the spec that was measured. */
  readonly spec: string;
  readonly schedule: ScheduleOverride;
  /** Such as `NVIDIA H200`, CUDA version of its driver, ISO date. */
  readonly device: string;
  readonly cuda: string;
  readonly date: string;
  /** What was measured, cold, in a graph: microseconds a call. */
  readonly measured: readonly TunedAt[];
}

export interface TunedAt {
  readonly rows: number;
  readonly own: number;
  readonly tuned: number;
}

/** Hash of what a spec computes: its words and its tolerance do not count. */
export const specHash = (spec: KernelSpec): string => hashJson(withoutWords(canonicalSpec(spec)));

const WORDS: ReadonlySet<string> = new Set(['doc', 'source', 'tolerance']);

function withoutWords(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutWords);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([name]) => !WORDS.has(name));
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutWords(field)]));
}

/** The tuning files that come with the package. */
export async function packageTuningFiles(): Promise<readonly string[]> {
  const folder = packagePath('tuning');
  return (await readdir(folder)).sort().map((name) => join(folder, name));
}

/** @throws TUNING_INVALID */
export async function readTuning(path: string): Promise<TuningFile> {
  const invalid = (actual: string, cause?: unknown): RoseError =>
    new RoseError({
      code: 'TUNING_INVALID',
      message: 'this is no tuning file',
      place: { file: path },
      actual,
      expected: `schema ${TUNING_SCHEMA}, as \`rose-gen tune\` writes it`,
      next: 'name another file with --tuning, or run `rose-gen tune` again',
      cause,
    });
  let file: Partial<TuningFile> | null;
  try {
    file = JSON.parse(await readFile(path, 'utf8')) as Partial<TuningFile> | null;
  } catch (error) {
    throw invalid(errorMessage(error), error);
  }
  if (file?.schema !== TUNING_SCHEMA) throw invalid(`schema ${String(file?.schema)}`);
  const bad = Array.isArray(file.entries) ? file.entries.findIndex((entry) => !isEntry(entry)) : 0;
  if (bad >= 0) throw invalid(`entry ${bad} is malformed`);
  return file as TuningFile;
}

function isEntry(entry: unknown): entry is TuningEntry {
  const { variant, spec, schedule, measured } = (entry ?? {}) as Partial<Record<keyof TuningEntry, unknown>>;
  return (
    typeof variant === 'string' &&
    typeof spec === 'string' &&
    typeof schedule === 'object' &&
    schedule !== null &&
    Object.entries(schedule).every(([name, value]) => SCHEDULE_FIELDS[name] === typeof value) &&
    Array.isArray(measured)
  );
}

const SCHEDULE_FIELDS: Readonly<Record<string, string>> = {
  threadsPerRow: 'number',
  threads: 'number',
  vector: 'number',
  chunk: 'number',
  cluster: 'number',
  residency: 'string',
  ctasPerSm: 'number',
  minBlocks: 'number',
  streams: 'string',
  ahead: 'string',
  walk: 'number',
  steps: 'number',
} satisfies Record<keyof ScheduleOverride, string>;

/** The plan with the schedules of these files; the last file that knows a variant decides. */
export function withTuning(
  plan: Plan,
  files: readonly TuningFile[],
  specs: ReadonlyMap<string, KernelSpec>,
): Plan {
  const entries = new Map(
    files.flatMap((file) => file.entries).map((entry) => [entry.variant, entry] as const),
  );
  const hashes = new Map<string, string>();
  const hashOf = (kernel: string): string => {
    const hash = hashes.get(kernel) ?? specHash(specs.get(kernel)!);
    hashes.set(kernel, hash);
    return hash;
  };
  const variants = plan.variants.map((variant): PlannedVariant => {
    const entry = entries.get(variant.id);
    if (entry?.spec !== hashOf(variant.kernel)) return variant;
    return { ...variant, schedule: entry.schedule, tunedOn: entry.device };
  });
  return { ...plan, variants };
}

/** The plan with the schedules that come with the package. @throws TUNING_INVALID */
export async function withPackageTuning(plan: Plan, specs: ReadonlyMap<string, KernelSpec>): Promise<Plan> {
  return withTuning(plan, await Promise.all((await packageTuningFiles()).map(readTuning)), specs);
}
