/** What the commands' options have in common: the two that every command has, and the error for a value that is none. */

import { Option, type Command } from 'commander';
import { RoseError, closest } from '../util/errors.js';

export interface OutputOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

export function addOutput(command: Command, json = 'the result as JSON'): Command {
  return command
    .option('--json', json)
    .option('--verbose', 'show what lies behind an error, such as the toolchain’s traceback');
}

export function usage(message: string, actual: string, expected: string, next: string): RoseError {
  return new RoseError({ code: 'USAGE', message, actual, expected, next });
}

/** `value`, which has to be one of `choices`. Raises USAGE with the closest of them. */
export function oneOf<T extends string>(what: string, value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  const near = closest(value, choices);
  throw usage(
    `there is no ${what} ${JSON.stringify(value)}`,
    value,
    choices.join(', '),
    near === undefined ? 'name one of these' : `did you mean ${near}?`,
  );
}

/** A whole number from 1, or undefined where the option is absent. Raises USAGE. */
export function count(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
  throw usage(`${option} is no number`, value, 'a whole number from 1', `write ${option} 4, for instance`);
}

/** `a, b` -> ['a', 'b'] */
export const split = (list: string): readonly string[] =>
  list
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** An option that may be given several times, once for each value. */
export function repeated(flags: string, about: string): Option {
  return new Option(flags, about).argParser((value: string, before: readonly string[] = []) => [
    ...before,
    value,
  ]);
}
