/** Offsets in a text -> places (line, column, the line's text) that an error can show. */

import type { Place } from '../util/errors.js';

/** Characters of a line that a place keeps; longer lines are cut. */
const SHOWN = 240;

export class SourceText {
  private readonly starts: readonly number[];

  constructor(
    readonly file: string,
    readonly text: string,
  ) {
    const starts = [0];
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
    this.starts = starts;
  }

  /** Line that holds the offset, counted from 0. */
  lineAt(offset: number): number {
    let [low, high] = [0, this.starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Offset of a line's first character; the text's length beyond the last line. */
  lineStart(line: number): number {
    return this.starts[line] ?? this.text.length;
  }

  /** A line's text without its line break. */
  lineText(line: number): string {
    return this.text.slice(this.lineStart(line), this.lineStart(line + 1)).replace(/\r?\n$/, '');
  }

  /** The place of [start, end); what lies beyond the first line is not underlined. */
  place(start: number, end: number): Place {
    const line = this.lineAt(start);
    const text = this.lineText(line);
    const column = start - this.lineStart(line) + 1;
    const length = Math.max(1, Math.min(end - start, text.length - column + 1));
    return {
      file: this.file,
      line: line + 1,
      column,
      length,
      text: text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text,
    };
  }
}

/** A string value of the text, whose characters may be asked for their place. */
export interface Excerpt {
  readonly text: string;
  /** Place of the characters [start, end) of `text`. */
  place(start: number, end: number): Place;
}
