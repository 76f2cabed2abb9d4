/** PTX text -> tokens with their place. Comments and white space are dropped. */

import { RoseError } from '../../util/errors.js';
import type { Place } from '../../util/errors.js';

export interface Token {
  /** `word`: a name or register; `dot`: a directive or modifier with its dot; `end`: past the last character. */
  readonly kind: 'word' | 'dot' | 'number' | 'string' | 'mark' | 'end';
  readonly text: string;
  /** Offset of the first character. */
  readonly at: number;
}

/** A PTX text that can say where an offset is. */
export class PtxText {
  readonly lines: readonly string[];
  readonly #starts: number[] = [];

  constructor(
    readonly file: string,
    readonly text: string,
  ) {
    this.lines = text.split('\n');
    let start = 0;
    for (const line of this.lines) {
      this.#starts.push(start);
      start += line.length + 1;
    }
  }

  /** 1-based line of an offset. */
  lineOf(at: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  }

  place(at: number, length = 1): Place {
    const line = this.lineOf(at);
    return {
      file: this.file,
      line,
      column: at - this.#starts[line - 1]! + 1,
      length,
      text: this.lines[line - 1]!,
    };
  }

  /** The place of a whole line. */
  linePlace(line: number): Place {
    return { file: this.file, line, text: this.lines[line - 1] ?? '' };
  }

  syntax(at: number, length: number, message: string, actual: string, expected: string): RoseError {
    return new RoseError({
      code: 'PTX_SYNTAX',
      message,
      place: this.place(at, length),
      actual,
      expected,
      next: 'give the PTX as the toolchain wrote it; if it is unchanged, report this line',
    });
  }
}

const SKIP = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const FORMS: readonly (readonly [Token['kind'], RegExp])[] = [
  ['number', /0[fF][0-9a-fA-F]{8}|0[dD][0-9a-fA-F]{16}|0[xX][0-9a-fA-F]+U?|\d+\.\d+(?:[eE][+-]?\d+)?|\d+U?/y],
  ['word', /[A-Za-z_$%][A-Za-z0-9_$]*/y],
  ['dot', /\.[A-Za-z0-9_:]+/y],
  ['string', /"(?:[^"\\\n]|\\.)*"/y],
  ['mark', /[{}()[\];:,@!|+\-<>=]/y],
];

export function tokenize(source: PtxText): Token[] {
  const tokens: Token[] = [];
  const { text } = source;
  let at = 0;
  for (;;) {
    SKIP.lastIndex = at;
    at += SKIP.exec(text)?.[0].length ?? 0;
    if (at >= text.length) break;
    const token = tokenAt(text, at);
    if (!token) {
      const found = JSON.stringify(text[at]);
      throw source.syntax(at, 1, `a character that PTX does not use: ${found}`, found, 'a PTX token');
    }
    tokens.push(token);
    at += token.text.length;
  }
  tokens.push({ kind: 'end', text: 'end of text', at: text.length });
  return tokens;
}

function tokenAt(text: string, at: number): Token | undefined {
  for (const [kind, form] of FORMS) {
    form.lastIndex = at;
    const match = form.exec(text);
    if (match) return { kind, text: match[0], at };
  }
  return undefined;
}
