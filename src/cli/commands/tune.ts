/** `rose-gen tune`: schedules tried on the GPU of this machine; what is faster goes into a tuning file. */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { builderOptions, type BuildOptions } from '../build-with.js';
import { EXIT } from '../exit-codes.js';
import { withInterrupt } from '../interrupt.js';
import { addOutput, usage } from '../options.js';
import { note, print, printJson } from '../output.js';
import { makeProgress } from '../progress.js';
import { ordinalOf, rowsOf } from '../rows.js';
import { addSelection, ownSpecs, select } from '../selection.js';
import type { TaskReport } from '../../tune/index.js';

interface TuneOptions extends BuildOptions {
  readonly prepare?: boolean;
  readonly from?: string;
  readonly rows?: string;
  readonly write: string;
  readonly device: string;
}

const EXAMPLES = `
First every candidate is compiled, with no GPU; then each is timed, cold, at every number of rows, in turns with the compiler's
own schedule. One is kept where it is slower at no number of rows and 2 % faster in the geometric mean, twice.

Where the GPU host has no toolchain, compile elsewhere with --prepare, copy the folder, and time there with --from.

Examples:
  rose-gen tune --model qwen3-8b --arch sm90 --write tuned.json
  rose-gen tune --model qwen3-8b --arch sm90 --prepare --out candidates
  rose-gen tune --from candidates --write tuned.json
  rose-gen build --model qwen3-8b --arch sm90 --tuning tuned.json`;

export function registerTune(program: Command, finish: (code: number) => void): void {
  const command = addSelection(
    program.command('tune').description('find faster schedules on the GPU of this machine'),
  )
    .option('--out <folder>', 'where the candidates go (default: build/tune)')
    .option('--prepare', 'compile the candidates and time nothing')
    .option('--from <folder>', 'time the candidates that --prepare left here')
    .option('--rows <list>', 'rows (default: 1,8,32,128 for decode, 512,4096,32768 for prefill)')
    .option('--write <file>', 'the tuning file; entries of other variants in it stay', 'tuning.json')
    .option('--device <ordinal>', 'which GPU', '0')
    .option('--jobs <n>', 'compile workers (default: one a core)')
    .option('--store <folder>', 'artifact store (default: in the user cache folder)')
    .option('--remote-store <url>', 'HTTP store behind the local one');
  addOutput(command)
    .addHelpText('after', EXAMPLES)
    .action((options: TuneOptions) =>
      withInterrupt(async (signal) => {
        const dir = resolve(options.from ?? options.out ?? 'build/tune');
        if (options.from === undefined) await prepare(dir, options, signal);
        if (!options.prepare) await time(dir, options, signal);
        finish(signal.aborted ? EXIT.interrupted : EXIT.ok);
      }),
    );
}

async function prepare(dir: string, options: TuneOptions, signal: AbortSignal): Promise<void> {
  const { plan, specs } = await select(options);
  const { openBuilder } = await import('../../build/index.js');
  const { prepareTuning } = await import('../../tune/index.js');
  const progress = makeProgress(options.json ?? false);
  await using builder = openBuilder(builderOptions(options));
  const tasks = await progress.run(`candidates of ${plan.variants.length} variants`, () =>
    prepareTuning({
      builder,
      variants: plan.variants,
      specs,
      outDir: dir,
      signal,
      onEvent: progress.onEvent,
    }),
  );
  const count = tasks.reduce((sum, { candidates }) => sum + candidates.length, 0);
  if (options.prepare && options.json)
    printJson({
      dir,
      tasks: tasks.map(({ variant, candidates }) => ({ variant, candidates: candidates.length })),
    });
  else if (options.prepare) print(`${count} candidates of ${tasks.length} variants in ${dir}`);
}

async function time(dir: string, options: TuneOptions, signal: AbortSignal): Promise<void> {
  const rows = rowsOf(options.rows);
  const write = resolve(options.write);
  const { mergeTuning, readTasks, tune } = await import('../../tune/index.js');
  const { readTuning } = await import('../../plan/index.js');
  const { readSubjects } = await import('../../verify/read-subjects.js');
  const { writeOutputFile } = await import('../../build/output.js');
  const { existsSync } = await import('node:fs');
  const before = existsSync(write) ? await readTuning(write) : undefined;
  const tasks = await readTasks(dir);
  if (tasks.length === 0)
    throw usage('there is nothing to tune', 'no candidates', 'at least one variant', 'prepare others');
  const own = new Set(tasks.map(({ variant }) => variant));
  const subjects = await readSubjects(
    { dir, specs: await ownSpecs(options), select: ({ id }) => own.has(id) },
    signal,
  );
  const progress = makeProgress(options.json ?? false);
  const soFar: TaskReport[] = [];
  const reports = await progress.run('timing candidates', () =>
    tune({
      dir,
      tasks,
      subjects: new Map(subjects.map((subject) => [subject.variant.id, subject] as const)),
      rows,
      ordinal: ordinalOf(options.device),
      signal,
      onTask: async (report, done, total) => {
        const { variant, candidates, entry, gain } = report;
        const found = entry
          ? `${gain.toFixed(3)} times faster with ${JSON.stringify(entry.schedule)}`
          : 'the compiler’s own schedule stays';
        progress.say(`[${done}/${total}] ${variant}, ${candidates} candidates: ${found}`);
        // A run takes minutes: what is measured is kept, whatever ends it.
        soFar.push(report);
        await writeOutputFile(write, `${JSON.stringify(mergeTuning(before, soFar), undefined, 1)}\n`);
      },
    }),
  );
  if (options.json) printJson(reports);
  else {
    const kept = reports.filter(({ entry }) => entry).length;
    print(`${kept} of ${reports.length} variants are faster with another schedule: ${write}`);
    if (kept > 0) note(`build with --tuning ${options.write}`);
  }
}
