/** `rose-gen plan`: the variants a model needs and why; nothing is compiled. */

import type { Command } from 'commander';
import { addOutput, type OutputOptions } from '../options.js';
import { print, printJson } from '../output.js';
import { addSelection, selectBuildable, type SelectionOptions } from '../selection.js';

const EXAMPLES = `
Examples:
  rose-gen plan --model qwen3-30b-a3b --arch sm90
  rose-gen plan --model ./config.json --arch sm89,sm100 --kv-dtype fp8 --json
  rose-gen plan --model qwen3-8b --kernel NAME --dim cols=4096 --type T=f32 --flag masked=true`;

export function registerPlan(program: Command): void {
  const command = program
    .command('plan')
    .description('list the variants a model needs, with the reason for each; compiles nothing');
  addOutput(addSelection(command))
    .addHelpText('after', EXAMPLES)
    .action(async (options: SelectionOptions & OutputOptions) => {
      const { plan } = await selectBuildable(options);
      const { formatPlan, planJson } = await import('../../plan/index.js');
      if (options.json) printJson(planJson(plan));
      else print(formatPlan(plan));
    });
}
