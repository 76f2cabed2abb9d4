/** A place in the tokens of a PTX text: looking ahead, taking what is expected, and saying what is missing. */

import { parseNumber } from './literals.js';
import { tokenize } from './lexer.js';
import type { PtxText, Token } from './lexer.js';
import type { Triple } from './ast.js';

export class Cursor {
  readonly #tokens: Token[];
  #next = 0;

  constructor(readonly source: PtxText) {
    this.#tokens = tokenize(source);
  }

  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)]!;
  }

  get atEnd(): boolean {
    return this.peek().kind === 'end';
  }

  take(): Token {
    const token = this.peek();
    if (token.kind === 'end') throw this.error(token, 'the text ends too early', 'the rest of the module');
    this.#next++;
    return token;
  }

  /** Takes the token if it is `text`. */
  accept(text: string): boolean {
    if (this.peek().text !== text || this.peek().kind === 'string') return false;
    this.#next++;
    return true;
  }

  expect(text: string): Token {
    const token = this.peek();
    if (token.text !== text) throw this.error(token, `"${text}" is missing here`, `"${text}"`);
    return this.take();
  }

  /** Takes all up to a semicolon and that. */
  skipStatement(): void {
    while (!this.accept(';')) this.take();
  }

  /** PTX_SYNTAX at a token. */
  error(token: Token, message: string, expected: string): Error {
    const length = token.kind === 'end' ? 1 : token.text.length;
    return this.source.syntax(token.at, length, message, token.text, expected);
  }

  integer(): number {
    const negative = this.accept('-');
    const token = this.take();
    const value = token.kind === 'number' ? parseNumber(token.text) : undefined;
    if (value?.kind !== 'integer') throw this.error(token, 'an integer is missing here', 'an integer');
    return negative ? -Number(value.value) : Number(value.value);
  }

  /** One to three extents; what is left out is 1. */
  triple(): Triple {
    const values = [this.integer()];
    while (this.accept(',')) values.push(this.integer());
    return [values[0]!, values[1] ?? 1, values[2] ?? 1];
  }
}
