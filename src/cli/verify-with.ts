/** The folder of a build -> verdicts with progress and a summary: what `verify`, `build --verify` and watching share. */

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { MANIFEST_FILE, type VariantEntry } from '../device/manifest.js';
import { readManifest } from '../device/manifest-read.js';
import { writeManifest } from '../store/manifest-write.js';
import { openLocalStore } from '../store/open-store.js';
import type { VerifyPool } from '../verify/pool.js';
import { worstUlp } from '../verify/summary.js';
import { verifyBuild, type VariantResult, type VerifyResult } from '../verify/verify-build.js';
import { builderOptions, outDir, type BuildOptions } from './build-with.js';
import { colour, note, print, printError } from './output.js';
import { makeProgress } from './progress.js';
import { ownSpecs } from './selection.js';

/** Verifies what a build wrote; what passes is recorded in the store and in the manifest. */
export async function verifyWith(
  options: BuildOptions,
  signal: AbortSignal,
  pool?: VerifyPool,
): Promise<VerifyResult> {
  const dir = outDir(options);
  const progress = makeProgress(options.json ?? false);
  const { jobs, storeDir } = builderOptions(options);
  const record = await openLocalStore(storeDir);
  const specs = await ownSpecs(options);
  const result = await progress.run(`verifying ${dir}`, () =>
    verifyBuild({
      dir,
      record,
      signal,
      ...(specs.size > 0 && { specs }),
      ...(pool ? { pool } : { workers: jobs ?? availableParallelism() }),
      onProgress: ({ result: each, done, total }) => {
        if (each.from === 'run') progress.say(`[${done}/${total}] ${describe(each)}`);
      },
    }),
  );
  await recordInManifest(dir, result.results);
  if (options.junit !== undefined) {
    const { junitXml } = await import('../verify/junit.js');
    const { writeOutputFile } = await import('../build/output.js');
    await writeOutputFile(options.junit, junitXml(result.results));
  }
  if (!options.json) await summarise(result, options);
  return result;
}

function describe({ variant, verdict, error, seconds }: VariantResult): string {
  const state = verdict?.passed ? colour('green', 'passed') : colour('red', error ? 'error' : 'failed');
  return `${state} ${variant.id} ${colour('dim', `${seconds.toFixed(2)} s`)}`;
}

async function summarise({ results, ran, seconds }: VerifyResult, options: BuildOptions): Promise<void> {
  for (const { verdict, error } of results) {
    if (error) printError(error, { verbose: options.verbose ?? false });
    else if (verdict && !verdict.passed) {
      // Reports come with the simulator, which a verdict on record does not need.
      const { formatVerdict } = await import('../verify/format.js');
      note(formatVerdict(verdict));
    }
  }
  const failed = results.filter(({ verdict }) => verdict?.passed !== true).length;
  const head =
    failed === 0 ? colour('green', 'verified', 'stdout') : colour('red', `${failed} failed`, 'stdout');
  print(
    `${head}: ${results.length - failed} of ${results.length} variants pass (${ran} run, ${results.length - ran} on record) in ${seconds.toFixed(1)} s`,
  );
}

/** A verdict as JSON: what failed in words. */
export function verdictJson({ variant, from, seconds, verdict, error }: VariantResult): object {
  const failed = verdict?.cases.filter(({ failures }) => failures.length > 0) ?? [];
  return {
    id: variant.id,
    passed: verdict?.passed === true,
    from,
    seconds: Number(seconds.toFixed(3)),
    ...(verdict && { ...summaryOf(verdict), failed }),
    ...(error && { error: error.toJSON() }),
  };
}

type Verdict = NonNullable<VariantResult['verdict']>;

function summaryOf({ cases, batchInvariant }: Verdict) {
  return {
    cases: cases.length,
    worstUlp: Number(worstUlp(cases).toPrecision(4)),
    ...(batchInvariant !== undefined && { batchInvariant }),
  };
}

async function recordInManifest(dir: string, results: readonly VariantResult[]): Promise<void> {
  const passed = new Map(
    results.flatMap(({ variant, verdict, key }) =>
      verdict?.passed && key !== undefined ? [[variant.id, { key, ...summaryOf(verdict) }] as const] : [],
    ),
  );
  const changed = results.some(
    ({ variant: { id, verification } }) => passed.get(id)?.key !== verification?.key,
  );
  if (!changed) return;
  const path = join(dir, MANIFEST_FILE);
  const manifest = await readManifest(path);
  const verified = new Set(results.map(({ variant }) => variant.id));
  const variants = manifest.variants.map((variant): VariantEntry => {
    if (!verified.has(variant.id)) return variant;
    const { verification: _old, ...rest } = variant;
    const verification = passed.get(variant.id);
    return verification ? { ...rest, verification } : rest;
  });
  const { restamp } = await import('../build/up-to-date.js');
  await restamp(dir, () => writeManifest(path, { ...manifest, variants }));
}
