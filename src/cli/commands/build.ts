/** `rose-gen build`: every variant a model needs, compiled into a folder. */

import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Builder } from '../../build/index.js';
import { RoseError } from '../../util/errors.js';
import { EXIT } from '../exit-codes.js';
import { colour, note, print, printError, printJson } from '../output.js';
import { makeProgress } from '../progress.js';
import { addSelection, inputFiles, select, type SelectionOptions } from '../selection.js';

interface BuildOptions extends SelectionOptions {
  readonly out?: string;
  readonly jobs?: string;
  readonly store?: string;
  readonly remoteStore?: string;
  readonly watch?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  rose-gen build --model qwen3-8b --arch sm100
  rose-gen build --model ./config.json --arch sm90 --phase decode --out lib
  rose-gen build --model qwen3-8b --spec my_norm.yaml --kernel my_norm --watch
  rose-gen build --model qwen3-30b-a3b --shard 2/4 --out shard-2`;

export function registerBuild(program: Command, finish: (code: number) => void): void {
  addSelection(program.command('build').description('compile every kernel variant that a model needs'))
    .option('--out <folder>', 'where manifest, modules, PTX, cubins and bindings go (default: build/MODEL)')
    .option('--shard <i/n>', 'only the i-th of n balanced parts')
    .option('--jobs <n>', 'compile workers (default: one a core)')
    .option('--store <folder>', 'artifact store (default: in the user cache folder)')
    .option('--remote-store <url>', 'HTTP store behind the local one')
    .option('--watch', 'stay and rebuild what an edit of a spec touches')
    .option('--json', 'the result as JSON')
    .option('--verbose', 'show the toolchain’s traceback with an error')
    .addHelpText('after', EXAMPLES)
    .action(async (options: BuildOptions) => {
      const controller = new AbortController();
      const interrupt = () => controller.abort();
      process.once('SIGINT', interrupt);
      try {
        if (options.watch) await watch(options, controller.signal);
        else await buildOnce(options, controller.signal);
        finish(controller.signal.aborted && !options.watch ? EXIT.interrupted : EXIT.ok);
      } finally {
        process.off('SIGINT', interrupt);
      }
    });
}

const outDir = (options: BuildOptions): string =>
  resolve(options.out ?? `build/${basename(options.model, '.json')}`);

async function buildOnce(options: BuildOptions, signal: AbortSignal): Promise<void> {
  const { inputsKey, upToDate } = await import('../../build/up-to-date.js');
  const start = performance.now();
  const { out: _out, jobs: _jobs, store: _store, remoteStore: _remote, json: _json, ...identity } = options;
  const key = await inputsKey(await inputFiles(options), identity);
  const current = await upToDate(outDir(options), key);
  if (current) {
    const seconds = (performance.now() - start) / 1000;
    if (options.json)
      printJson({
        outDir: outDir(options),
        variants: current.variants.length,
        compiled: 0,
        unchanged: true,
        seconds,
      });
    else print(`${current.variants.length} variants in ${outDir(options)} are up to date`);
    return;
  }
  const { openBuilder, stampInputs } = await import('../../build/index.js');
  await using builder = openBuilder(builderOptions(options));
  await buildWith(builder, options, signal);
  await stampInputs(outDir(options), key);
}

function builderOptions(options: BuildOptions): { jobs?: number; storeDir?: string; remoteStore?: string } {
  const jobs = options.jobs === undefined ? undefined : Number(options.jobs);
  if (jobs !== undefined && (!Number.isInteger(jobs) || jobs < 1)) {
    throw new RoseError({
      code: 'USAGE',
      message: '--jobs is no number of workers',
      actual: options.jobs!,
      expected: 'a whole number from 1',
      next: 'leave it out for one worker a core',
    });
  }
  return {
    ...(jobs !== undefined && { jobs }),
    ...(options.store !== undefined && { storeDir: resolve(options.store) }),
    ...(options.remoteStore !== undefined && { remoteStore: options.remoteStore }),
  };
}

async function buildWith(builder: Builder, options: BuildOptions, signal: AbortSignal): Promise<void> {
  const { plan, variants, specs } = await select(options);
  const progress = makeProgress(options.json ?? false);
  const title = `${variants.length} variants of ${plan.model.name} for ${plan.archs.join(', ')}`;
  const result = await progress.run(title, () =>
    builder.build({ variants, specs, outDir: outDir(options), signal, onEvent: progress.onEvent }),
  );
  if (options.json) {
    printJson({
      outDir: result.outDir,
      variants: result.manifest.variants.length,
      compiled: result.compiled,
      fromStore: result.fromStore,
      seconds: result.seconds,
      rejected: result.rejected.map(({ id, error }) => ({ id, error: error.toJSON() })),
      unsupported: plan.unsupported,
      notCovered: plan.notCovered,
    });
    return;
  }
  for (const { error } of result.rejected) printError(error);
  print(
    `${colour('green', 'built')} ${result.manifest.variants.length} variants (${result.compiled} compiled, ${result.fromStore} from the store) in ${result.seconds.toFixed(1)} s: ${result.outDir}`,
  );
  const open = [
    ...(plan.unsupported.length > 0
      ? [`${plan.unsupported.length} variants unsupported on their architecture`]
      : []),
    ...(plan.notCovered.length > 0
      ? [`${plan.notCovered.length} operations of the model are not covered yet`]
      : []),
  ];
  if (open.length > 0) print(`${open.join(', ')}: see \`rose-gen plan --model ${options.model}\``);
}

/** Builds, then rebuilds at each change of a spec or of the model's config until it is interrupted. */
async function watch(options: BuildOptions, signal: AbortSignal): Promise<void> {
  const [{ openBuilder }, { watch: watchFiles }] = await Promise.all([
    import('../../build/index.js'),
    import('chokidar'),
  ]);
  await using builder = openBuilder(builderOptions(options));
  const attempt = async (): Promise<void> => {
    try {
      await buildWith(builder, options, signal);
    } catch (error) {
      if (!signal.aborted) printError(error, { verbose: process.argv.includes('--verbose') });
    }
  };
  await attempt();
  const files = await inputFiles(options);
  const watcher = watchFiles([...files], {
    ignoreInitial: true,
    awaitWriteFinish: { stabilityThreshold: 30, pollInterval: 10 },
  });
  note(`watching ${files.length} files; Ctrl-C ends`);
  let running = Promise.resolve();
  watcher.on('all', (_event, path) => {
    running = running.then(async () => {
      const start = performance.now();
      note(`changed: ${path}`);
      await attempt();
      note(`done in ${((performance.now() - start) / 1000).toFixed(2)} s`);
    });
  });
  await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }));
  await watcher.close();
  await running;
}
