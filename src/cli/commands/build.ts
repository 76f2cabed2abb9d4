/** `rose-gen build`: every variant a model needs, compiled into a folder. */

import type { Command } from 'commander';
import type { BuildOptions } from '../build-with.js';
import { EXIT } from '../exit-codes.js';
import { withInterrupt } from '../interrupt.js';
import { addOutput } from '../options.js';
import { printJson } from '../output.js';
import { addSelection } from '../selection.js';

const EXAMPLES = `
Examples:
  rose-gen build --model qwen3-8b --arch sm100
  rose-gen build --model ./config.json --arch sm90 --phase decode --out lib
  rose-gen build --model qwen3-8b --spec my_norm.yaml --kernel my_norm --watch --verify
  rose-gen build --model qwen3-30b-a3b --shard 2/4 --out shard-2`;

export function registerBuild(program: Command, finish: (code: number) => void): void {
  const command = addSelection(
    program.command('build').description('compile every kernel variant that a model needs'),
  )
    .option('--out <folder>', 'where manifest, modules, PTX, cubins and bindings go (default: build/MODEL)')
    .option('--shard <i/n>', 'only the i-th of n balanced parts, as `matrix` lists them')
    .option('--jobs <n>', 'compile workers (default: one a core)')
    .option('--store <folder>', 'artifact store (default: in the user cache folder)')
    .option('--remote-store <url>', 'HTTP store behind the local one')
    .option('--verify', 'also run every variant in the simulator: see `rose-gen verify --help`')
    .option('--junit <file>', 'with --verify: also write the verdicts as JUnit XML')
    .option('--watch', 'stay and rebuild what an edit of a spec touches');
  addOutput(command)
    .addHelpText('after', EXAMPLES)
    .action((options: BuildOptions) =>
      withInterrupt(async (signal) => {
        if (options.watch) {
          const { watchBuild } = await import('../watch.js');
          await watchBuild(options, signal);
          return;
        }
        const { buildOnce, hasNothing } = await import('../build-once.js');
        const report = await buildOnce(options, signal);
        if (!options.verify || hasNothing(report)) {
          if (options.json) printJson(report);
          finish(signal.aborted ? EXIT.interrupted : hasNothing(report) ? EXIT.failed : EXIT.ok);
          return;
        }
        const { verdictJson, verifyWith } = await import('../verify-with.js');
        const { results, passed } = await verifyWith(options, signal);
        if (options.json) printJson({ ...report, passed, verified: results.map(verdictJson) });
        finish(signal.aborted ? EXIT.interrupted : passed ? EXIT.ok : EXIT.failed);
      }),
    );
}
