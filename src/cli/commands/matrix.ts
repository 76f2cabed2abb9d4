/** `rose-gen matrix`: shards of a plan for CI, balanced by what each variant took to compile. */

import type { Command } from 'commander';
import { RoseError } from '../../util/errors.js';
import { print, printJson } from '../output.js';
import { addSelection, recordedCosts, select, type SelectionOptions } from '../selection.js';

const FORMATS = ['github', 'gitlab', 'json'];

export function registerMatrix(program: Command): void {
  addSelection(program.command('matrix').description('split a plan into CI shards of equal compile cost'))
    .requiredOption('--shards <n>', 'number of shards')
    .option('--format <form>', FORMATS.join(', '), 'json')
    .addHelpText(
      'after',
      '\nExample, in a GitHub Actions step:\n  echo "matrix=$(rose-gen matrix --model qwen3-8b --shards 4 --format github)" >> "$GITHUB_OUTPUT"',
    )
    .action(async (options: SelectionOptions & { readonly shards: string; readonly format: string }) => {
      if (!FORMATS.includes(options.format)) {
        throw new RoseError({
          code: 'USAGE',
          message: `there is no format ${options.format}`,
          actual: options.format,
          expected: FORMATS.join(', '),
          next: 'name one of these',
        });
      }
      const { plan, variants } = await select(options);
      const { shard } = await import('../../plan/index.js');
      const shards = shard({ ...plan, variants }, Number(options.shards), await recordedCosts());
      const names = shards.map((_, i) => `${i + 1}/${shards.length}`);
      if (options.format === 'github')
        print(
          JSON.stringify({
            include: names.map((name, i) => ({ shard: name, index: i + 1, variants: shards[i]!.length })),
          }),
        );
      else if (options.format === 'gitlab')
        print(names.map((name) => `- ROSE_GEN_SHARD: "${name}"`).join('\n'));
      else
        printJson({
          shards: shards.map((each, i) => ({ shard: names[i], variants: each.map((variant) => variant.id) })),
        });
    });
}
