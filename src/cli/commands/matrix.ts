/** `rose-gen matrix`: shards of a plan for CI, balanced by what each variant took to compile. */

import type { Command } from 'commander';
import { addOutput, count, oneOf, usage, type OutputOptions } from '../options.js';
import { print, printJson } from '../output.js';
import { addSelection, recordedCosts, rejectionsOf, select, type SelectionOptions } from '../selection.js';

const FORMATS = ['github', 'gitlab', 'json'] as const;

interface MatrixOptions extends SelectionOptions, OutputOptions {
  readonly shards?: string;
  readonly format?: string;
}

interface Shard {
  /** `2/4`, as `build --shard` takes it. */
  readonly shard: string;
  readonly variants: readonly string[];
}

const EXAMPLES = `
Examples:
  rose-gen matrix --model qwen3-8b --shards 4
  In a GitHub Actions step, for \`strategy.matrix: \${{ fromJSON(...) }}\`:
    echo "matrix=$(rose-gen matrix --model qwen3-8b --shards 4 --format github)" >> "$GITHUB_OUTPUT"
  For GitLab, a file to include in a child pipeline, with a job to extend:
    rose-gen matrix --model qwen3-8b --shards 4 --format gitlab > matrix.yml`;

export function registerMatrix(program: Command): void {
  const command = addSelection(
    program.command('matrix').description('split a plan into CI shards of equal compile cost'),
  )
    .option('--shards <n>', 'number of shards')
    .option('--format <form>', `${FORMATS.join(', ')} (default: json)`);
  addOutput(command, 'as --format json')
    .addHelpText('after', EXAMPLES)
    .action(async (options: MatrixOptions) => {
      const format = options.json ? 'json' : oneOf('format', options.format ?? 'json', FORMATS);
      const shards = await makeShards(options);
      if (format === 'github') print(github(shards));
      else if (format === 'gitlab') print(gitlab(shards));
      else printJson({ shards });
    });
}

/** Cut as `build --shard` cuts them; what no schedule fits is in none. */
async function makeShards(options: MatrixOptions): Promise<readonly Shard[]> {
  const n = count('--shards', options.shards);
  if (n === undefined) {
    throw usage('no number of shards is given', 'no --shards', '--shards N', 'add --shards 4, for instance');
  }
  const selection = await select(options);
  const { shard } = await import('../../plan/index.js');
  const rejected = await rejectionsOf(selection);
  return shard(selection.plan, n, await recordedCosts()).map((variants, i) => ({
    shard: `${i + 1}/${n}`,
    variants: variants.map(({ id }) => id).filter((id) => !rejected.has(id)),
  }));
}

/** One line of JSON: a matrix of GitHub Actions. */
function github(shards: readonly Shard[]): string {
  return JSON.stringify({
    include: shards.map(({ shard, variants }, i) => ({ shard, index: i + 1, variants: variants.length })),
  });
}

/** YAML: a hidden job whose `parallel:matrix` sets ROSE_GEN_SHARD. */
function gitlab(shards: readonly Shard[]): string {
  const names = shards.map(({ shard }) => JSON.stringify(shard)).join(', ');
  return `.rose-gen-shards:\n  parallel:\n    matrix:\n      - ROSE_GEN_SHARD: [${names}]\n`;
}
