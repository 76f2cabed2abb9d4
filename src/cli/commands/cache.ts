/** `rose-gen cache`: what the artifact store holds; trims and verifies it. */

import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { addOutput, oneOf, usage, type OutputOptions } from '../options.js';
import { mebibytes, print, printJson } from '../output.js';

interface CacheOptions extends OutputOptions {
  readonly store?: string;
  readonly maxBytes?: string;
  readonly olderThan?: string;
}

const SUBCOMMANDS = ['show', 'trim', 'verify'] as const;

const SIZES = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 } as const;
const TIMES = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const EXAMPLES = `
Examples:
  rose-gen cache
  rose-gen cache trim --max-bytes 2g --older-than 30d
  rose-gen cache verify`;

export function registerCache(program: Command, finish: (code: number) => void): void {
  const cache = program
    .command('cache')
    .description('show, trim or verify the artifact store')
    .addHelpText('after', EXAMPLES);
  const command = (name: string, about: string, isDefault = false): Command =>
    addOutput(
      cache
        .command(name, { isDefault })
        .description(about)
        .option('--store <folder>', 'the store (default: in the user cache folder)'),
    );
  command('show', 'how much the store holds', true)
    .allowExcessArguments()
    .action(async (options: CacheOptions, self: Command) => {
      // What is no subcommand comes here as an argument.
      if (self.args[0] !== undefined) oneOf('subcommand', self.args[0], SUBCOMMANDS);
      await show(options);
    });
  command('trim', 'remove what has not been used for longest')
    .option('--max-bytes <size>', 'down to this size: 500m, 2g')
    .option('--older-than <time>', 'what was not used for this long: 30m, 12h, 30d')
    .action(trim);
  command('verify', 'read every artifact and remove damaged ones; exits with 1 where there were any').action(
    async (options: CacheOptions) => finish(await verify(options)),
  );
}

async function show(options: CacheOptions): Promise<void> {
  const { openLocalStore, storeStats } = await import('../../store/index.js');
  const stats = await storeStats(await openLocalStore(options.store));
  if (options.json) printJson(stats);
  else print(`${stats.dir}\n${stats.entries} artifacts, ${stats.blobs} files, ${mebibytes(stats.bytes)}`);
}

async function trim(options: CacheOptions): Promise<void> {
  const maxBytes = amount(options.maxBytes, SIZES, '--max-bytes', '500m');
  const olderThanMs = amount(options.olderThan, TIMES, '--older-than', '30d');
  if (maxBytes === undefined && olderThanMs === undefined) {
    throw usage(
      'nothing says what to trim',
      'no limit',
      '--max-bytes or --older-than',
      'add one of the two, such as --older-than 30d',
    );
  }
  const { openLocalStore, trimStore } = await import('../../store/index.js');
  const report = await trimStore(await openLocalStore(options.store), {
    ...(maxBytes !== undefined && { maxBytes }),
    ...(olderThanMs !== undefined && { olderThanMs }),
  });
  if (options.json) printJson(report);
  else print(`removed ${report.removedEntries} artifacts, ${mebibytes(report.freedBytes)}`);
}

async function verify(options: CacheOptions): Promise<number> {
  const { openLocalStore, verifyStore } = await import('../../store/index.js');
  const report = await verifyStore(await openLocalStore(options.store));
  if (options.json) printJson(report);
  else print(`${report.checked} artifacts checked, ${report.damaged.length} damaged and removed`);
  return report.damaged.length > 0 ? EXIT.failed : EXIT.ok;
}

/** `2g` -> 2^31; a size may be a bare number of bytes, a time needs its unit. */
function amount(
  text: string | undefined,
  units: Readonly<Record<string, number>>,
  option: string,
  example: string,
): number | undefined {
  if (text === undefined) return undefined;
  const [, digits, letter] = /^(\d+(?:\.\d+)?)([a-z]?)$/.exec(text.trim().toLowerCase()) ?? [];
  const unit = letter === '' && units === SIZES ? 1 : units[letter ?? ''];
  if (digits !== undefined && unit !== undefined) return Number(digits) * unit;
  throw usage(
    `${option} is no amount`,
    text,
    `a number and one of ${Object.keys(units).join(', ')}`,
    `write ${option} ${example}, for instance`,
  );
}
