/** A text and an offset into it -> the place that an error shows: line, column and the line itself. */

import type { Place } from '../util/errors.js';

export interface SourceText {
  /** File name as users know it. */
  readonly file: string;
  readonly text: string;
}

/** Longest line that is shown whole; a minified file has one line of any length. */
const SHOWN = 160;

/** The place of `length` characters at `offset`. */
export function placeAt({ file, text }: SourceText, offset: number, length = 1): Place {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const lineEnd = text.indexOf('\n', offset);
  const whole = text.slice(lineStart, lineEnd === -1 ? undefined : lineEnd).replace(/\r$/, '');
  const place = {
    file,
    line: text.slice(0, offset).split('\n').length,
    column: offset - lineStart + 1,
    length: Math.max(1, length),
  };
  return whole.length <= SHOWN ? { ...place, text: whole } : place;
}
