/** The options of `build` -> one build with progress and a summary: what `build` and `build --watch` share. */

import { basename, dirname, resolve } from 'node:path';
import type { Builder } from '../build/index.js';
import { count, type OutputOptions } from './options.js';
import { colour, note, print, printError } from './output.js';
import { makeProgress } from './progress.js';
import { modelOf, ofShard, select, type SelectionOptions } from './selection.js';

export interface BuildOptions extends SelectionOptions, OutputOptions {
  readonly out?: string;
  readonly jobs?: string;
  readonly shard?: string;
  readonly store?: string;
  readonly remoteStore?: string;
  readonly watch?: boolean;
  /** Also run what was built in the simulator. */
  readonly verify?: boolean;
  /** File that verdicts are written to as JUnit XML. */
  readonly junit?: string;
  /** Say nothing of a build that went well. */
  readonly quiet?: boolean;
}

/** What a build did, as `--json` prints it. */
export interface BuildReport {
  readonly outDir: string;
  readonly variants: number;
  readonly compiled: number;
  readonly fromStore: number;
  readonly unchanged: boolean;
  readonly seconds: number;
  readonly rejected?: readonly object[];
  readonly unsupported?: readonly object[];
  readonly notCovered?: readonly object[];
}

/** The folder that a build goes to: named after the model, whether it was given by name, folder or file. */
export function outDir(options: BuildOptions): string {
  if (options.out !== undefined) return resolve(options.out);
  const model = resolve(modelOf(options).trim());
  return resolve(
    'build',
    basename(model) === 'config.json' ? basename(dirname(model)) : basename(model, '.json'),
  );
}

export function builderOptions(options: BuildOptions): {
  jobs?: number;
  storeDir?: string;
  remoteStore?: string;
} {
  const jobs = count('--jobs', options.jobs);
  return {
    ...(jobs !== undefined && { jobs }),
    ...(options.store !== undefined && { storeDir: resolve(options.store) }),
    ...(options.remoteStore !== undefined && { remoteStore: options.remoteStore }),
  };
}

/** One build with progress and a summary. */
export async function buildWith(
  builder: Builder,
  options: BuildOptions,
  signal: AbortSignal,
): Promise<BuildReport> {
  const { plan, specs } = await select(options);
  const variants = await ofShard(plan, options.shard);
  const progress = makeProgress(options.json ?? false);
  const part = options.shard === undefined ? '' : `, part ${options.shard}`;
  const title = `${variants.length} variants of ${plan.model.name} for ${plan.archs.join(', ')}${part}`;
  const result = await progress.run(title, () =>
    builder.build({ variants, specs, outDir: outDir(options), signal, onEvent: progress.onEvent }),
  );
  const { manifest, compiled, fromStore, seconds, rejected } = result;
  const report: BuildReport = {
    outDir: result.outDir,
    variants: manifest.variants.length,
    compiled,
    fromStore,
    unchanged: false,
    seconds,
    rejected: rejected.map(({ id, error }) => ({ id, error: error.toJSON() })),
    unsupported: plan.unsupported.map(({ id, because }) => ({ id, because })),
    notCovered: plan.notCovered,
  };
  if (options.json) return report;
  for (const { error } of rejected) printError(error);
  // Of what was asked for nothing is left: this says why.
  if (variants.length === 0) for (const { id, because } of plan.unsupported) note(`${id}: ${because}`);
  if (options.quiet) return report;
  print(
    `${colour('green', 'built', 'stdout')} ${manifest.variants.length} variants (${compiled} compiled, ${fromStore} from the store) in ${seconds.toFixed(1)} s: ${result.outDir}`,
  );
  const unsupported = plan.unsupported.length + rejected.length;
  const open = [
    ...(unsupported > 0 ? [`${unsupported} unsupported`] : []),
    ...(plan.notCovered.length > 0 ? [`${plan.notCovered.length} not covered yet`] : []),
  ];
  if (open.length > 0) print(`${open.join(', ')}: see \`rose-gen plan --model ${modelOf(options)}\``);
  return report;
}
