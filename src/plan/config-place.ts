/** A part of a config's text -> the place an error shows. */

import type { SourceText } from '../spec/source-text.js';
import type { Place } from '../util/errors.js';

/** A minified config is one line, of which only the beginning is kept: beyond that the column alone says where. */
export function placeAt(source: SourceText, offset: number, length = 1): Place {
  const { text, ...place } = source.place(offset, offset + length);
  return text !== undefined && (place.column ?? 1) <= text.length ? { ...place, text } : place;
}
