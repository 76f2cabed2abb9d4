/** `rose-gen doctor`: what is installed, what is missing, and the fix. */

import type { Command } from 'commander';
import type { Diagnosis } from '../../toolchain/index.js';
import { EXIT } from '../exit-codes.js';
import { addOutput, type OutputOptions } from '../options.js';
import { colour, print, printJson } from '../output.js';

const NOTE =
  'The toolchain (nvidia-cutlass-dsl) has wheels for Linux and Windows, none for macOS: there, build in a Linux container.';

export function registerDoctor(program: Command, finish: (code: number) => void): void {
  const command = program
    .command('doctor')
    .description('check this machine: what is installed, what is missing, and the fix');
  addOutput(command)
    .addHelpText(
      'after',
      `\nExits with 3 where a build would fail. ${NOTE}\n\nExample:\n  rose-gen doctor --json`,
    )
    .action(async (options: OutputOptions) => {
      const { diagnose } = await import('../../toolchain/index.js');
      const all = await diagnose();
      if (options.json) printJson(all);
      else print([...all.map(line), NOTE].join('\n'));
      finish(all.some(prevents) ? EXIT.missing : EXIT.ok);
    });
}

/** A toolchain that is merely not there yet is installed by the first build. */
function prevents({ id, status }: Diagnosis): boolean {
  return status === 'wrong' || (status === 'missing' && id !== 'toolchain');
}

function line({ id, status, found, fix }: Diagnosis): string {
  const mark = status.padEnd(7);
  const shown = status === 'ok' ? colour('green', mark, 'stdout') : colour('red', mark, 'stdout');
  const text = `${status === 'missing' ? mark : shown}  ${id.padEnd(10)} ${found}`;
  return fix === undefined ? text : `${text}\n${' '.repeat(20)}fix: ${fix}`;
}
