/** What commands print: results on stdout, progress and errors on stderr, colour only where a person sees it. */

import pc from 'picocolors';
import { env } from '../util/env.js';
import { RoseError } from '../util/errors.js';

type Stream = 'stdout' | 'stderr';

function coloured(stream: Stream): boolean {
  if (env.noColor) return false;
  // `isTTY` is undefined, not false, where the stream is no terminal.
  return env.forceColor || (Boolean(process[stream].isTTY) && !env.ci);
}

export function colour(name: 'red' | 'green' | 'dim' | 'bold', text: string, on: Stream = 'stderr'): string {
  return pc.createColors(coloured(on))[name](text);
}

/** A result. */
export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** A line for a person, beside the result. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function printError(
  error: unknown,
  options: { readonly verbose?: boolean; readonly json?: boolean } = {},
): void {
  if (error instanceof RoseError) {
    if (options.json) printJson({ error: error.toJSON() });
    const [first, ...rest] = error.format({ verbose: options.verbose ?? false }).split('\n');
    note([colour('red', first!), ...rest].join('\n'));
    return;
  }
  note(colour('red', `error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`));
  note('  this is a defect of rose-gen: please report it with the command and these lines');
}

export const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
