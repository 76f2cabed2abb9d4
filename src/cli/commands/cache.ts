/** `rose-gen cache`: what the artifact store holds; trims and verifies it. */

import type { Command } from 'commander';
import { RoseError } from '../../util/errors.js';
import { EXIT } from '../exit-codes.js';
import { print, printJson } from '../output.js';

interface CacheOptions {
  readonly store?: string;
  readonly maxBytes?: string;
  readonly olderThan?: string;
  readonly json?: boolean;
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  s: 1000,
  h: 3_600_000,
  d: 86_400_000,
};

export function registerCache(program: Command, finish: (code: number) => void): void {
  const cache = program.command('cache').description('show, trim or verify the artifact store');
  const command = (name: string, about: string) =>
    cache
      .command(name)
      .description(about)
      .option('--store <folder>', 'the store (default: in the user cache folder)')
      .option('--json', 'as JSON');
  command('show', 'how much the store holds').action(async (options: CacheOptions) => {
    const { openLocalStore, storeStats } = await import('../../store/index.js');
    const stats = await storeStats(await openLocalStore(options.store));
    if (options.json) printJson(stats);
    else
      print(
        `${stats.dir}\n${stats.entries} artifacts, ${stats.blobs} files, ${(stats.bytes / 2 ** 20).toFixed(1)} MiB`,
      );
  });
  command('trim', 'remove what has not been used for longest')
    .option('--max-bytes <n>', 'down to this size: 500m, 2g')
    .option('--older-than <time>', 'what was not used for this long: 12h, 30d')
    .action(async (options: CacheOptions) => {
      const { openLocalStore, trimStore } = await import('../../store/index.js');
      const maxBytes = amount(options.maxBytes, 'kmg', '--max-bytes');
      const olderThanMs = amount(options.olderThan, 'shd', '--older-than');
      if (maxBytes === undefined && olderThanMs === undefined) {
        throw new RoseError({
          code: 'USAGE',
          message: 'nothing says what to trim',
          actual: 'no limit',
          expected: '--max-bytes or --older-than',
          next: 'add one of the two, such as --older-than 30d',
        });
      }
      const report = await trimStore(await openLocalStore(options.store), {
        ...(maxBytes !== undefined && { maxBytes }),
        ...(olderThanMs !== undefined && { olderThanMs }),
      });
      if (options.json) printJson(report);
      else
        print(`removed ${report.removedEntries} artifacts, ${(report.freedBytes / 2 ** 20).toFixed(1)} MiB`);
    });
  command('verify', 'read every artifact and remove damaged ones').action(async (options: CacheOptions) => {
    const { openLocalStore, verifyStore } = await import('../../store/index.js');
    const report = await verifyStore(await openLocalStore(options.store));
    if (options.json) printJson(report);
    else print(`${report.checked} artifacts checked, ${report.damaged.length} damaged and removed`);
    finish(report.damaged.length > 0 ? EXIT.failed : EXIT.ok);
  });
}

function amount(text: string | undefined, units: string, option: string): number | undefined {
  if (text === undefined) return undefined;
  const match = new RegExp(`^(\\d+(?:\\.\\d+)?)([${units}]?)$`, 'i').exec(text.trim());
  if (match) return Number(match[1]) * UNITS[match[2]!.toLowerCase()]!;
  throw new RoseError({
    code: 'USAGE',
    message: `${option} is no amount`,
    actual: text,
    expected: `a number and one of ${[...units].join(', ')}`,
    next: `write ${option} 10${units[1]!}`,
  });
}
