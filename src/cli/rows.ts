/** Options of the commands that measure: numbers of rows, and which GPU. */

import { split, usage } from './options.js';

/** Rows by phase where none are named. */
const DEFAULT_ROWS = { decode: [1, 8, 32, 128], prefill: [512, 4096, 32768] };

/** `1,128` for both phases. Raises USAGE. */
export function rowsOf(text: string | undefined): Readonly<Record<string, readonly number[]>> {
  if (text === undefined) return DEFAULT_ROWS;
  const rows = split(text).map((each) => {
    if (/^[1-9]\d{0,8}$/.test(each)) return Number(each);
    throw usage(
      '--rows is no list of numbers',
      each,
      'whole numbers from 1',
      'write --rows 1,128, for instance',
    );
  });
  return { decode: rows, prefill: rows };
}

/** Raises USAGE. */
export function ordinalOf(text: string): number {
  if (/^\d{1,3}$/.test(text)) return Number(text);
  throw usage(
    '--device is no number',
    text,
    'the ordinal of a GPU, from 0',
    'write --device 0, for instance',
  );
}
