/** A position in a list of tokens; brackets decide whether a line break ends a statement. */

import { RoseError, type Place } from '../util/errors.js';
import type { Excerpt } from './source-text.js';
import { tokenize, type Token } from './tokens.js';

export class TokenReader {
  private readonly tokens: readonly Token[];
  private at = 0;
  /** Open brackets: inside them line breaks mean nothing. */
  private open = 0;
  private last = 0;

  constructor(private readonly excerpt: Excerpt) {
    this.tokens = tokenize(excerpt);
  }

  get next(): Token {
    if (this.open > 0) while (this.tokens[this.at]!.kind === 'newline') this.at++;
    return this.tokens[this.at]!;
  }

  /** The token after the next one. */
  get second(): Token {
    this.next satisfies Token;
    return this.tokens[Math.min(this.at + 1, this.tokens.length - 1)]!;
  }

  /** Takes the next token. */
  take(): Token {
    const token = this.next;
    if (token.kind !== 'end') this.at++;
    if (token.kind === 'symbol' && (token.text === '(' || token.text === '[')) this.open++;
    if (token.kind === 'symbol' && (token.text === ')' || token.text === ']')) this.open--;
    this.last = token.end;
    return token;
  }

  /** Whether the next token is this symbol or word. */
  is(text: string): boolean {
    const { kind, text: found } = this.next;
    return found === text && (kind === 'symbol' || kind === 'name');
  }

  /** Takes the next token if it is this symbol or word. */
  accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.take();
    return true;
  }

  /** Takes this symbol or word. Raises FORMULA_SYNTAX where something else follows. */
  expect(text: string, why: string): Token {
    return this.is(text) ? this.take() : this.unexpected(`${text} ${why}`);
  }

  /** Takes a name. Raises FORMULA_SYNTAX where something else follows. */
  name(what: string): Token {
    return this.next.kind === 'name' ? this.take() : this.unexpected(what);
  }

  /** Takes a whole number of at least 1. Raises FORMULA_SYNTAX where something else follows. */
  positive(what: string): number {
    const value = this.next.kind === 'number' ? Number(this.next.text) : 0;
    if (!Number.isInteger(value) || value < 1 || value > 2 ** 31 - 1) this.unexpected(what);
    this.take();
    return value;
  }

  /** Passes over line breaks. */
  skipLines(): void {
    while (this.next.kind === 'newline') this.take();
  }

  /** Place from an offset to the end of the last token taken. */
  from(start: number): Place {
    return this.excerpt.place(start, this.last);
  }

  place(token: Token): Place {
    return this.excerpt.place(token.start, token.end);
  }

  unexpected(expected: string): never {
    const token = this.next;
    const actual =
      token.kind === 'end'
        ? 'the end of the formula'
        : token.kind === 'newline'
          ? 'the end of the line'
          : token.text;
    throw new RoseError({
      code: 'FORMULA_SYNTAX',
      message: `the formula does not parse at ${actual.length > 60 ? `${actual.slice(0, 60)}…` : actual}`,
      place: this.place(token),
      actual: actual.length > 60 ? `${actual.slice(0, 60)}…` : actual,
      expected,
      next: 'mend the expression; docs/spec-language.md lists every form',
    });
  }
}
