/** `rose-gen merge`: builds of shards -> one build; a gap or a conflict is refused. */

import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { print, printJson } from '../output.js';
import { DEFAULT_ARCHS, select } from '../selection.js';

interface MergeOptions {
  readonly out: string;
  readonly model?: string;
  readonly arch: string;
  readonly phase?: string;
  readonly json?: boolean;
}

export function registerMerge(program: Command): void {
  program
    .command('merge')
    .argument('<folders...>', 'builds of shards')
    .description('merge the builds of shards into one; with --model, nothing of its plan may be missing')
    .requiredOption('--out <folder>', 'the merged build')
    .option('--model <name|path>', 'the model that the shards were built for')
    .option('--arch <list>', 'architectures of the plan', DEFAULT_ARCHS)
    .option('--phase <list>', 'phases of the plan')
    .option('--json', 'the result as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  rose-gen merge shard-1 shard-2 --out build/qwen3-8b --model qwen3-8b',
    )
    .action(async (folders: readonly string[], options: MergeOptions) => {
      const [{ readManifest }, { mergeManifests, writeManifest }, { renderBindings }, { writeOutputFile }] =
        await Promise.all([
          import('../../device/index.js'),
          import('../../store/index.js'),
          import('../../emit/bindings.js'),
          import('../../build/output.js'),
        ]);
      const named = await Promise.all(
        folders.map(async (folder) => ({
          name: folder,
          manifest: await readManifest(join(resolve(folder), 'manifest.json')),
        })),
      );
      const { model, arch, phase } = options;
      const expected =
        model === undefined
          ? undefined
          : (await select({ model, arch, ...(phase !== undefined && { phase }) })).variants.map(
              (variant) => variant.id,
            );
      const merged = mergeManifests(named, expected);
      const out = resolve(options.out);
      for (const { name, manifest } of named) {
        for (const variant of manifest.variants) {
          for (const file of Object.values(variant.files)) {
            await mkdir(dirname(join(out, file.path)), { recursive: true });
            await copyFile(join(resolve(name), file.path), join(out, file.path));
          }
        }
      }
      await writeOutputFile(join(out, 'bindings.ts'), await renderBindings(merged));
      await writeManifest(join(out, 'manifest.json'), merged);
      if (options.json) printJson({ outDir: out, variants: merged.variants.length });
      else print(`merged ${folders.length} builds: ${merged.variants.length} variants in ${out}`);
    });
}
