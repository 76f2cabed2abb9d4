/**
 * Text from a spec -> the same text, once it is known to hold nothing that an editor would hide or that could end a
 * line or a comment somewhere else: no control characters, no line breaks, no direction or zero-width characters.
 */

import { RoseError, type Place } from '../util/errors.js';

/** Control, format, surrogate, private and unassigned characters, and line and paragraph separators. */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]/u;
/** The same without the line breaks and tabs that a file consists of. */
const HIDDEN_IN_FILE = /(?![\n\t])[\p{C}\p{Zl}\p{Zp}]/u;

/** Offset of the first hidden character of a whole file, whose line breaks are `\n`; -1 where there is none. */
export function findHidden(text: string): number {
  return text.search(HIDDEN_IN_FILE);
}

/** One paragraph of text: white space at the ends is dropped. Raises SPEC_SCHEMA. */
export function paragraph(field: string, text: string, place: Place): string {
  const trimmed = text.trim();
  const hidden = HIDDEN.exec(trimmed);
  if (hidden) {
    throw new RoseError({
      code: 'SPEC_SCHEMA',
      message: `${field} is not one paragraph of printable text`,
      place,
      actual: `the character ${codePoint(hidden[0])}`,
      expected: 'printable characters and spaces, in one paragraph',
      next: 'remove the character; fold long text with `>-`',
    });
  }
  return trimmed;
}

/** `U+200B`. */
export function codePoint(character: string): string {
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}
