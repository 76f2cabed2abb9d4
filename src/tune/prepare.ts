/** Variants -> a folder with each of them and all its candidates, compiled: what a GPU host needs to tune. No GPU is used. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildEvent, Builder } from '../build/index.js';
import { writeOutputFile } from '../build/output.js';
import { specHash, type PlannedVariant, type ScheduleOverride } from '../plan/index.js';
import type { KernelSpec } from '../spec/index.js';
import { RoseError } from '../util/errors.js';
import { errorMessage } from '../util/system-error.js';
import { candidatesOf } from './candidates.js';

const FILE = 'candidates.json';
const SCHEMA = 1;

export interface TuningTask {
  /** Id of the variant with the compiler's own schedule. */
  readonly variant: string;
  /** Hash of its spec. */
  readonly spec: string;
  readonly candidates: readonly { readonly id: string; readonly schedule: ScheduleOverride }[];
}

export interface PrepareRequest {
  readonly builder: Builder;
  readonly variants: readonly PlannedVariant[];
  readonly specs: ReadonlyMap<string, KernelSpec>;
  readonly outDir: string;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: BuildEvent) => void;
}

/** @throws what a build throws */
export async function prepareTuning(request: PrepareRequest): Promise<readonly TuningTask[]> {
  const { builder, specs, outDir } = request;
  const own = request.variants.map(({ schedule: _, tunedOn: __, ...variant }): PlannedVariant => variant);
  const tasks = own.map((variant): TuningTask => {
    const spec = specs.get(variant.kernel)!;
    const candidates = candidatesOf(variant, spec).map((schedule, n) => ({
      id: `${variant.id}.candidate${n}`,
      schedule,
    }));
    return { variant: variant.id, spec: specHash(spec), candidates };
  });
  const variants = own.flatMap((variant, i): readonly PlannedVariant[] => [
    variant,
    ...tasks[i]!.candidates.map(({ id, schedule }) => ({ ...variant, id, schedule })),
  ]);
  const { manifest } = await builder.build({
    variants,
    specs,
    outDir,
    rejectSpills: true,
    ...(request.signal && { signal: request.signal }),
    ...(request.onEvent && { onEvent: request.onEvent }),
  });
  const built = new Set(manifest.variants.map(({ id }) => id));
  const kept = tasks
    .filter(({ variant }) => built.has(variant))
    .map((task) => ({ ...task, candidates: task.candidates.filter(({ id }) => built.has(id)) }));
  await writeOutputFile(
    join(outDir, FILE),
    `${JSON.stringify({ schema: SCHEMA, tasks: kept }, undefined, 1)}\n`,
  );
  return kept;
}

/** What `prepareTuning` left in a folder. @throws TUNING_INVALID */
export async function readTasks(dir: string): Promise<readonly TuningTask[]> {
  const file = join(dir, FILE);
  let actual: string;
  let cause: unknown;
  try {
    const read = JSON.parse(await readFile(file, 'utf8')) as {
      schema?: number;
      tasks?: readonly TuningTask[];
    };
    if (read.schema === SCHEMA && Array.isArray(read.tasks)) return read.tasks;
    actual = `schema ${String(read.schema)}`;
  } catch (error) {
    actual = errorMessage(error);
    cause = error;
  }
  throw new RoseError({
    code: 'TUNING_INVALID',
    message: 'there are no candidates here',
    place: { file },
    actual,
    expected: `schema ${SCHEMA}`,
    next: 'name a folder that `rose-gen tune --prepare` wrote',
    cause,
  });
}
