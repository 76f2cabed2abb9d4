/** `rose-gen doctor`: what is installed, what is missing, and the fix. */

import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { colour, print, printJson } from '../output.js';

const NOTE =
  'The toolchain (nvidia-cutlass-dsl) has wheels for Linux and Windows, none for macOS: there, build in a Linux container.';

export function registerDoctor(program: Command, finish: (code: number) => void): void {
  program
    .command('doctor')
    .description('check this machine: what is installed, what is missing, and the fix')
    .option('--json', 'as JSON')
    .addHelpText('after', `\n${NOTE}`)
    .action(async (options: { readonly json?: boolean }) => {
      const { diagnose } = await import('../../toolchain/index.js');
      const all = await diagnose();
      if (options.json) printJson(all);
      else {
        const mark = { ok: colour('green', 'ok     '), missing: 'missing', wrong: colour('red', 'wrong  ') };
        for (const { id, status, found, fix } of all)
          print(
            `${mark[status]}  ${id.padEnd(10)} ${found}${fix === undefined ? '' : `\n                     fix: ${fix}`}`,
          );
        print(NOTE);
      }
      finish(all.some(({ status }) => status === 'wrong') ? EXIT.missing : EXIT.ok);
    });
}
