/** `rose-gen build`: every variant a model needs, compiled into a folder. */

import type { Command } from 'commander';
import { builderOptions, buildWith, outDir, type BuildOptions } from '../build-with.js';
import { EXIT } from '../exit-codes.js';
import { withInterrupt } from '../interrupt.js';
import { addOutput } from '../options.js';
import { print, printJson } from '../output.js';
import { addSelection, COSTS_FILE, inputFiles } from '../selection.js';

const EXAMPLES = `
Examples:
  rose-gen build --model qwen3-8b --arch sm100
  rose-gen build --model ./config.json --arch sm90 --phase decode --out lib
  rose-gen build --model qwen3-8b --spec my_norm.yaml --kernel my_norm --watch
  rose-gen build --model qwen3-30b-a3b --shard 2/4 --out shard-2`;

export function registerBuild(program: Command, finish: (code: number) => void): void {
  const command = addSelection(
    program.command('build').description('compile every kernel variant that a model needs'),
  )
    .option('--out <folder>', 'where manifest, modules, PTX, cubins and bindings go (default: build/MODEL)')
    .option('--shard <i/n>', 'only the i-th of n balanced parts, as `matrix` lists them')
    .option('--jobs <n>', 'compile workers (default: one a core)')
    .option('--store <folder>', 'artifact store (default: in the user cache folder)')
    .option('--remote-store <url>', 'HTTP store behind the local one')
    .option('--watch', 'stay and rebuild what an edit of a spec touches');
  addOutput(command)
    .addHelpText('after', EXAMPLES)
    .action((options: BuildOptions) =>
      withInterrupt(async (signal) => {
        if (options.watch) {
          const { watchBuild } = await import('../watch.js');
          await watchBuild(options, signal);
        } else {
          await buildOnce(options, signal);
          finish(signal.aborted ? EXIT.interrupted : EXIT.ok);
        }
      }),
    );
}

async function buildOnce(options: BuildOptions, signal: AbortSignal): Promise<void> {
  const { inputsKey, upToDate } = await import('../../build/up-to-date.js');
  const start = performance.now();
  const key = await inputsKey(await filesOf(options), identityOf(options));
  const current = await upToDate(outDir(options), key);
  if (current) {
    reportUnchanged(options, current.variants.length, (performance.now() - start) / 1000);
    return;
  }
  const { openBuilder, stampInputs } = await import('../../build/index.js');
  await using builder = openBuilder(builderOptions(options));
  await buildWith(builder, options, signal);
  await stampInputs(outDir(options), key);
}

async function filesOf(options: BuildOptions): Promise<readonly string[]> {
  const files = await inputFiles(options);
  return options.shard === undefined ? files : [...files, COSTS_FILE];
}

/** The options that decide what is built, as opposed to how, where to and how it is told. */
function identityOf(options: BuildOptions): Partial<BuildOptions> {
  const {
    out: _out,
    jobs: _jobs,
    store: _store,
    remoteStore: _remote,
    json: _json,
    verbose: _verbose,
    watch: _watch,
    ...identity
  } = options;
  return identity;
}

function reportUnchanged(options: BuildOptions, variants: number, seconds: number): void {
  if (options.json) {
    printJson({ outDir: outDir(options), variants, compiled: 0, fromStore: 0, unchanged: true, seconds });
  } else {
    print(`${variants} variants in ${outDir(options)} are up to date`);
  }
}
