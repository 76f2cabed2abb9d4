/** One build, or the knowledge that there is nothing to build: what `build` and `verify` share. */

import { builderOptions, buildWith, outDir, type BuildOptions, type BuildReport } from './build-with.js';
import { print } from './output.js';
import { COSTS_FILE, inputFiles } from './selection.js';

/** Builds where something changed; prints a summary unless it is to be JSON or quiet. */
export async function buildOnce(options: BuildOptions, signal: AbortSignal): Promise<BuildReport> {
  const { inputsKey, upToDate } = await import('../build/up-to-date.js');
  const start = performance.now();
  const key = await inputsKey(await filesOf(options), identityOf(options));
  const current = await upToDate(outDir(options), key);
  if (current) return unchanged(options, current.variants.length, (performance.now() - start) / 1000);
  const { openBuilder, stampInputs } = await import('../build/index.js');
  await using builder = openBuilder(builderOptions(options));
  const report = await buildWith(builder, options, signal);
  // What was rejected is told again by the next build.
  if (!hasNothing(report)) await stampInputs(outDir(options), key);
  return report;
}

/** Whether variants were wanted, and none of them could be built. */
export const hasNothing = ({ variants, rejected = [] }: BuildReport): boolean =>
  variants === 0 && rejected.length > 0;

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
    verify: _verify,
    junit: _junit,
    quiet: _quiet,
    ...identity
  } = options;
  return identity;
}

function unchanged(options: BuildOptions, variants: number, seconds: number): BuildReport {
  if (!options.json && !options.quiet) print(`${variants} variants in ${outDir(options)} are up to date`);
  return { outDir: outDir(options), variants, compiled: 0, fromStore: 0, unchanged: true, seconds };
}
