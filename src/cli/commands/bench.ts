/** `rose-gen bench`: a build's kernels on the GPU of this machine, beside other implementations of the same operations. */

import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { BenchResults } from '../../bench/results.js';
import { EXIT } from '../exit-codes.js';
import { withInterrupt } from '../interrupt.js';
import { addOutput, oneOf, repeated, split, type OutputOptions } from '../options.js';
import { colour, note, print, printJson } from '../output.js';
import { makeProgress } from '../progress.js';
import { ordinalOf, rowsOf } from '../rows.js';
import { ownSpecs } from '../selection.js';

interface BenchOptions extends OutputOptions {
  readonly kernel?: readonly string[];
  readonly variant?: string;
  readonly spec?: readonly string[];
  readonly rows?: string;
  readonly cache: string;
  readonly against?: string;
  readonly python: string;
  readonly device: string;
  readonly out?: string;
}

const CACHES = ['cold', 'warm', 'both'] as const;

const EXAMPLES = `
A case is one variant at one number of rows: microseconds a call in a CUDA graph, median and the tenths below and above, beside
an empty kernel of the same launch shape and the time in which streaming kernels move as many bytes on this device. Outputs
are compared with the formula computed in float64. Cold: nothing of a call's tensors is in the L2 when it begins.

Peers run in a Python process on the same inputs, in turns: torch, torch.compile, triton, quack, flashinfer.

Examples:
  rose-gen bench build/qwen3-8b --variant decode --cache both
  rose-gen bench build/qwen3-8b --against torch.compile,triton --python ~/venv/bin/python --out bench-results`;

export function registerBench(program: Command, finish: (code: number) => void): void {
  const command = program
    .command('bench')
    .description('time the kernels of a build on the GPU of this machine')
    .argument('<folder>', 'what `rose-gen build` wrote')
    .addOption(repeated('--kernel <name>', 'only this kernel; may be repeated'))
    .option('--variant <text>', 'only variants whose id contains this')
    .addOption(repeated('--spec <file>', 'a spec of your own that the build used; may be repeated'))
    .option('--rows <list>', 'rows (default: 1,8,32,128 for decode, 512,4096,32768 for prefill)')
    .option('--cache <state>', 'L2 before a call: cold, warm or both', 'cold')
    .option('--against <peers>', 'other implementations to time in turns with ours')
    .option('--python <path>', 'interpreter that has the peers', 'python3')
    .option('--device <ordinal>', 'which GPU', '0')
    .option('--out <folder>', 'where bench.json, roofline.svg and ratios.svg go');
  addOutput(command)
    .addHelpText('after', EXAMPLES)
    .action((folder: string, options: BenchOptions) =>
      withInterrupt(async (signal) => {
        const results = await bench(resolve(folder), options, signal);
        const wrong = results.cases.filter(({ check }) => check.wrong.length > 0);
        if (options.json) printJson(results);
        else {
          const { summaryLines } = await import('../../bench/table.js');
          for (const line of summaryLines(results.cases)) print(line);
        }
        if (wrong.length > 0) note(colour('red', `${wrong.length} cases give wrong results`));
        finish(signal.aborted ? EXIT.interrupted : wrong.length > 0 ? EXIT.failed : EXIT.ok);
      }),
    );
}

async function bench(dir: string, options: BenchOptions, signal: AbortSignal) {
  const rows = rowsOf(options.rows);
  const cache = oneOf('state of the cache', options.cache, CACHES);
  const { kernel, variant: part } = options;
  const { readSubjects } = await import('../../verify/read-subjects.js');
  const subjects = await readSubjects(
    {
      dir,
      specs: await ownSpecs(options),
      select: ({ id, kernel: name }) =>
        (kernel === undefined || kernel.includes(name)) && (part === undefined || id.includes(part)),
    },
    signal,
  );
  const { runBench } = await import('../../bench/bench.js');
  const { caseLine } = await import('../../bench/table.js');
  const progress = makeProgress(options.json ?? false);
  const results = await progress.run(`measuring ${dir}`, () =>
    runBench({
      dir,
      subjects,
      rows,
      caches: cache === 'both' ? ['cold', 'warm'] : [cache],
      against: split(options.against ?? ''),
      python: options.python,
      ordinal: ordinalOf(options.device),
      signal,
      onCeilings: ({ read, write, copy }, device) => {
        const rate = (bytes: number): string => (bytes / 1e12).toFixed(2);
        progress.say(
          `${device}: streaming kernels read ${rate(read)}, write ${rate(write)}, copy ${rate(copy)} TB/s`,
        );
      },
      onCase: async (soFar, total) => {
        progress.say(`[${soFar.cases.length}/${total}] ${caseLine(soFar.cases.at(-1)!)}`);
        // A run takes minutes: what is measured is kept, whatever ends it.
        if (options.out !== undefined) await writeNumbers(resolve(options.out), soFar);
      },
    }),
  );
  if (options.out !== undefined) await writePictures(resolve(options.out), results);
  return results;
}

async function writeNumbers(folder: string, results: BenchResults): Promise<void> {
  const { writeOutputFile } = await import('../../build/output.js');
  await writeOutputFile(join(folder, 'bench.json'), `${JSON.stringify(results, undefined, 1)}\n`);
}

async function writePictures(folder: string, results: BenchResults): Promise<void> {
  const { ratioChart, roofline } = await import('../../bench/plot.js');
  const { writeOutputFile } = await import('../../build/output.js');
  const pictures = { 'roofline.svg': roofline(results), 'ratios.svg': ratioChart(results) };
  for (const [name, picture] of Object.entries(pictures))
    if (picture !== undefined) await writeOutputFile(join(folder, name), picture);
}
