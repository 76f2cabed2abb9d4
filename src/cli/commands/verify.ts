/** `rose-gen verify`: every variant a model needs, built where it is not, and proven in the simulator. */

import type { Command } from 'commander';
import type { BuildOptions } from '../build-with.js';
import { EXIT } from '../exit-codes.js';
import { withInterrupt } from '../interrupt.js';
import { addOutput } from '../options.js';
import { printJson } from '../output.js';
import { addSelection } from '../selection.js';

const EXAMPLES = `
Every variant runs in the simulator with every check on, on shapes and values chosen to break it, and is compared with its
formula computed in float64. No GPU is needed. What has passed is not run again until its PTX, its formula or the verifier
changes.

Examples:
  rose-gen verify --model qwen3-8b --arch sm90
  rose-gen verify --model qwen3-8b --phase decode --junit verify.xml
  rose-gen verify --model qwen3-8b --spec my_norm.yaml --kernel my_norm --json`;

export function registerVerify(program: Command, finish: (code: number) => void): void {
  const command = addSelection(
    program.command('verify').description('prove every kernel variant that a model needs, with no GPU'),
  )
    .option('--out <folder>', 'where the build is, or goes (default: build/MODEL)')
    .option('--shard <i/n>', 'only the i-th of n balanced parts, as `matrix` lists them')
    .option('--jobs <n>', 'compile workers, and variants verified at once (default: one a core)')
    .option('--store <folder>', 'artifact store (default: in the user cache folder)')
    .option('--remote-store <url>', 'HTTP store behind the local one')
    .option('--junit <file>', 'also write the verdicts as JUnit XML');
  addOutput(command)
    .addHelpText('after', EXAMPLES)
    .action((options: BuildOptions) =>
      withInterrupt(async (signal) => {
        const { buildOnce } = await import('../build-once.js');
        await buildOnce({ ...options, quiet: true }, signal);
        const { verdictJson, verifyWith } = await import('../verify-with.js');
        const { results, passed, ran, seconds } = await verifyWith(options, signal);
        if (options.json) printJson({ passed, ran, seconds, variants: results.map(verdictJson) });
        finish(signal.aborted ? EXIT.interrupted : passed ? EXIT.ok : EXIT.failed);
      }),
    );
}
