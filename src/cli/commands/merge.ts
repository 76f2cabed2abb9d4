/** `rose-gen merge`: builds of shards -> one build; a gap, a conflict or a damaged file is refused. */

import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { FileEntry } from '../../device/index.js';
import { RoseError } from '../../util/errors.js';
import { sha256 } from '../../util/hash.js';
import { addOutput, usage, type OutputOptions } from '../options.js';
import { print, printJson } from '../output.js';
import { addSelection, selectBuildable, type SelectionOptions } from '../selection.js';

interface MergeOptions extends SelectionOptions, OutputOptions {
  readonly out?: string;
}

const EXAMPLES = `
With --model, every variant of its plan has to be there and no other: give the options that the shards were built with.

Example:
  rose-gen merge shard-1 shard-2 --out build/qwen3-8b --model qwen3-8b --arch sm90,sm100`;

export function registerMerge(program: Command): void {
  const command = program
    .command('merge')
    .argument('<folders...>', 'builds of shards')
    .description('merge the builds of shards into one; with --model, nothing of its plan may be missing')
    .option('--out <folder>', 'the merged build');
  addOutput(addSelection(command))
    .addHelpText('after', EXAMPLES)
    .action(async (folders: readonly string[], options: MergeOptions) => {
      if (options.out === undefined) {
        throw usage(
          'nothing says where to',
          'no --out',
          '--out FOLDER',
          'add --out build/merged, for instance',
        );
      }
      const out = resolve(options.out);
      const variants = await merge(folders, out, options);
      if (options.json) printJson({ outDir: out, variants });
      else print(`merged ${folders.length} builds: ${variants} variants in ${out}`);
    });
}

/** Checks everything, then writes; the manifest comes last, so that an interrupted merge leaves no half of one. */
async function merge(folders: readonly string[], out: string, options: MergeOptions): Promise<number> {
  const { readManifest } = await import('../../device/index.js');
  const { mergeManifests, readCosts, recordCosts, writeManifest } = await import('../../store/index.js');
  const { renderBindings } = await import('../../emit/bindings.js');
  const { removeStale, writeOutputFile } = await import('../../build/output.js');
  const shards = await Promise.all(
    folders.map(async (folder) => ({
      name: folder,
      manifest: await readManifest(join(resolve(folder), 'manifest.json')),
    })),
  );
  const expected =
    options.model === undefined
      ? undefined
      : (await selectBuildable(options)).plan.variants.map((variant) => variant.id);
  const merged = mergeManifests(shards, expected);
  const files = shards.flatMap(({ name, manifest }) =>
    manifest.variants.flatMap((variant) =>
      Object.values(variant.files).map((file) => ({ from: name, file })),
    ),
  );
  for (const { from, file } of files) await checked(from, file);
  for (const { from, file } of files) await writeOutputFile(join(out, file.path), await checked(from, file));
  for (const folder of folders) {
    await recordCosts(join(out, 'costs.json'), await readCosts(join(resolve(folder), 'costs.json')));
  }
  await writeOutputFile(join(out, 'bindings.ts'), await renderBindings(merged));
  await writeManifest(join(out, 'manifest.json'), merged);
  await removeStale(out, merged);
  return merged.variants.length;
}

/** The bytes of a shard's file, as its manifest has them. Raises MERGE_CONFLICT. */
async function checked(folder: string, file: FileEntry): Promise<Uint8Array> {
  const path = join(resolve(folder), file.path);
  const data = await readFile(path).catch(() => undefined);
  if (data !== undefined && sha256(data) === file.sha256) return data;
  throw new RoseError({
    code: 'MERGE_CONFLICT',
    message: `${path} is not what the manifest of ${folder} says`,
    actual: data === undefined ? 'no such file' : `SHA-256 ${sha256(data)}`,
    expected: `SHA-256 ${file.sha256}`,
    next: 'build this shard again',
  });
}
