/** `rose-gen plan`: the variants a model needs and why; nothing is compiled. */

import type { Command } from 'commander';
import { print, printJson } from '../output.js';
import { addSelection, select, type SelectionOptions } from '../selection.js';

export function registerPlan(program: Command): void {
  addSelection(
    program
      .command('plan')
      .description('list the variants a model needs, with the reason for each; compiles nothing'),
  )
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  rose-gen plan --model qwen3-30b-a3b --arch sm90')
    .action(async (options: SelectionOptions & { readonly json?: boolean }) => {
      const { plan, variants, specs } = await select(options);
      const [{ formatPlan, planJson, withRejections }, { isRejection, renderVariant }] = await Promise.all([
        import('../../plan/index.js'),
        import('../../build/index.js'),
      ]);
      const rejections = new Map<string, string>();
      for (const variant of variants) {
        try {
          renderVariant(variant, specs.get(variant.kernel)!);
        } catch (error) {
          if (!isRejection(error)) throw error;
          rejections.set(variant.id, error.message);
        }
      }
      const whole = withRejections({ ...plan, variants }, rejections);
      if (options.json) printJson(planJson(whole));
      else print(formatPlan(whole));
    });
}
