/** `build --watch`: saved files -> builds, one after the other, with the compile workers kept alive between them. */

import { availableParallelism } from 'node:os';
import { openBuilder } from '../build/index.js';
import { VerifyPool } from '../verify/pool.js';
import { builderOptions, buildWith, type BuildOptions } from './build-with.js';
import { note, printError, printJson } from './output.js';
import { inputFiles } from './selection.js';

/** An editor's save is several events; this long after the last of them the file is taken as written. */
const SETTLE_MS = 40;

/** Builds, then rebuilds at each change of a spec, a recipe or the model's config, until `signal` fires. */
export async function watchBuild(options: BuildOptions, signal: AbortSignal): Promise<void> {
  const { watch } = await import('chokidar');
  await using builder = openBuilder(builderOptions(options));
  // Threads that have the simulator loaded are kept, as compile workers are.
  await using pool = new VerifyPool({ workers: options.verify ? availableParallelism() : 0 });
  const attempt = async (): Promise<void> => {
    try {
      const report = await buildWith(builder, options, signal);
      if (options.json) printJson(report);
      if (options.verify) {
        const { verdictJson, verifyWith } = await import('./verify-with.js');
        const { results } = await verifyWith(options, signal, pool);
        if (options.json) printJson({ verified: results.map(verdictJson) });
      }
    } catch (error) {
      if (!signal.aborted) printError(error, options);
    }
  };
  const files = await inputFiles(options);
  const watcher = watch([...files, ...(options.spec ?? [])], { ignoreInitial: true });
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let running = attempt();
  const rebuild = async (): Promise<void> => {
    if (changed.size === 0 || signal.aborted) return;
    const start = performance.now();
    note(`changed: ${[...changed].join(', ')}`);
    changed.clear();
    await attempt();
    note(`done in ${((performance.now() - start) / 1000).toFixed(2)} s; watching`);
  };
  watcher.on('all', (_event, path) => {
    changed.add(path);
    clearTimeout(timer);
    timer = setTimeout(() => {
      running = running.then(rebuild);
    }, SETTLE_MS);
  });
  await Promise.all([running, new Promise<void>((ready) => watcher.once('ready', () => ready()))]);
  if (!signal.aborted) {
    note(`watching ${files.length} files; Ctrl-C ends`);
    await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }));
  }
  clearTimeout(timer);
  await watcher.close();
  await running;
}
