/** Candidates in a folder, timed on the GPU of this machine -> the entries of a tuning file. */

import type { VariantEntry } from '../device/index.js';
import {
  checkWorkload,
  GraphTimer,
  inTurns,
  makeWorkload,
  measureCeilings,
  prepareFlush,
  rotationOf,
  TensorSets,
} from '../bench/index.js';
import type { TuningEntry } from '../plan/index.js';
import { openCuda, openLibrary, type CudaDevice, type CudaStream, type Library } from '../runtime/index.js';
import type { BoundKernel } from '../spec/index.js';
import { Scope } from '../util/scope.js';
import { decide, type Timings } from './decide.js';
import type { TuningTask } from './prepare.js';

export interface TuneRequest {
  readonly dir: string;
  readonly tasks: readonly TuningTask[];
  /** By id of the variant with the compiler's own schedule. */
  readonly subjects: ReadonlyMap<string, { readonly variant: VariantEntry; readonly bound: BoundKernel }>;
  /** Rows by phase. */
  readonly rows: Readonly<Record<string, readonly number[]>>;
  readonly ordinal?: number;
  readonly signal?: AbortSignal;
  /** Awaited before the next task is begun. */
  readonly onTask?: (told: TaskReport, done: number, total: number) => void | Promise<void>;
}

export interface TaskReport {
  readonly variant: string;
  readonly candidates: number;
  /** Absent: the compiler's own schedule stays. */
  readonly entry?: TuningEntry;
  /** Geometric mean of own by tuned; 1 where nothing is kept. */
  readonly gain: number;
}

/** @throws DRIVER_MISSING, DEVICE_UNAVAILABLE, DEVICE_MEMORY, DEVICE_LOST */
export async function tune(request: TuneRequest): Promise<readonly TaskReport[]> {
  const { dir, tasks, subjects, rows, ordinal, signal } = request;
  using device = await openCuda(ordinal === undefined ? {} : { ordinal });
  using library = await openLibrary(dir, { device });
  using stream = device.createStream();
  const ceilings = measureCeilings(device, stream);
  const here = new Set(library.variants.map(({ id }) => id));
  const runnable = tasks.filter(({ variant }) => here.has(variant) && subjects.has(variant));
  const reports: TaskReport[] = [];
  for (const task of runnable) {
    if (signal?.aborted) break;
    const { variant, bound } = subjects.get(task.variant)!;
    const counts = rows[variant.phase] ?? [];
    const bench = { device, stream, library, ceilings, variant, bound };
    const all = [task.variant, ...task.candidates.map(({ id }) => id)];
    const first = await timeAll(bench, all, counts);
    const chosen = decide(task.variant, first);
    // The fastest of many is partly luck: it is timed again, alone with the compiler's own.
    const again = chosen === undefined ? first : await timeAll(bench, [task.variant, chosen], counts);
    const kept = chosen === undefined ? undefined : decide(task.variant, again);
    const report = reportOf(task, kept, again, device);
    reports.push(report);
    await request.onTask?.(report, reports.length, runnable.length);
  }
  return reports;
}

interface Subject {
  readonly device: CudaDevice;
  readonly stream: CudaStream;
  readonly library: Library;
  readonly ceilings: ReturnType<typeof measureCeilings>;
  readonly variant: VariantEntry;
  readonly bound: BoundKernel;
}

/** Cold, in turns; candidates that give wrong results are left out. */
async function timeAll(
  { device, stream, library, ceilings, variant, bound }: Subject,
  ids: readonly string[],
  rows: readonly number[],
): Promise<Timings> {
  const timings = new Map<number, ReadonlyMap<string, number>>();
  for (const count of rows) {
    const workload = makeWorkload(bound, variant, count);
    const { l2Bytes } = device.info;
    const rotation = rotationOf(workload, { ceilings, l2Bytes }, 'cold', device.memoryInfo().free * 0.8);
    using sets = new TensorSets(device, workload, rotation.sets);
    using scope = new Scope();
    const flush = rotation.flushed ? prepareFlush({ device, stream }, scope) : undefined;
    const timers = ids.map((id) => {
      const launches = sets.bind(library, id, { stream: stream.handle });
      const work = (): void => {
        for (let i = 0; i < rotation.calls; i++) launches[i % launches.length]!.run();
      };
      return [id, scope.use(new GraphTimer(device, stream, rotation.calls, work, flush))] as const;
    });
    const spreads = await inTurns(new Map(timers));
    // Two are compared in earnest: then their results are looked at too.
    const wrong = new Set(
      ids.length > 2
        ? []
        : ids.filter((id) => {
            using fresh = new TensorSets(device, workload, 1);
            library.bindVariant(id, fresh.arguments(0)).run();
            return checkWorkload(library, bound, id, workload, fresh.sets[0]!).wrong.length > 0;
          }),
    );
    timings.set(
      count,
      new Map([...spreads].flatMap(([id, { median }]) => (wrong.has(id) ? [] : [[id, median] as const]))),
    );
  }
  return timings;
}

function reportOf(
  { variant, spec, candidates }: TuningTask,
  kept: string | undefined,
  timings: Timings,
  { name, cudaVersion }: CudaDevice,
): TaskReport {
  const chosen = candidates.find(({ id }) => id === kept);
  if (!chosen) return { variant, candidates: candidates.length, gain: 1 };
  const measured = [...timings].map(([rows, times]) => ({
    rows,
    own: times.get(variant)!,
    tuned: times.get(chosen.id)!,
  }));
  const entry: TuningEntry = {
    variant,
    spec,
    schedule: chosen.schedule,
    device: name,
    cuda: `${Math.floor(cudaVersion / 1000)}.${(cudaVersion % 1000) / 10}`,
    date: new Date().toISOString().slice(0, 10),
    measured,
  };
  const logs = measured.map(({ own, tuned }) => Math.log(own / tuned));
  return {
    variant,
    candidates: candidates.length,
    entry,
    gain: Math.exp(logs.reduce((sum, each) => sum + each, 0) / logs.length),
  };
}
