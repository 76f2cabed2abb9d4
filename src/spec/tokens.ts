/** Text of a formula or a dimension expression -> tokens, each with its place. `#` starts a comment. */

import { RoseError, type Place } from '../util/errors.js';
import { codePoint } from './printable.js';
import type { Excerpt } from './source-text.js';

export interface Token {
  readonly kind: 'name' | 'number' | 'symbol' | 'newline' | 'end';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Longest first, so that `==` is not read as `=` twice. */
const SYMBOLS = ['==', '!=', '<=', '>=', '<<', '>>', '&&', '||', '->', ...'+-*/%<>=!()[],:.&|^'] as const;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /\d+(\.\d+)?([eE][+-]?\d+)?/y;
const SPACE = /[ \t]+|#[^\n]*/y;

/** Raises FORMULA_SYNTAX at a character that starts no token. */
export function tokenize(excerpt: Excerpt): readonly Token[] {
  const { text } = excerpt;
  const tokens: Token[] = [];
  const match = (pattern: RegExp, at: number): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  for (let at = 0; at < text.length;) {
    const add = (kind: Token['kind'], found: string): number => {
      tokens.push({ kind, text: found, start: at, end: at + found.length });
      return at + found.length;
    };
    const space = match(SPACE, at);
    const name = match(NAME, at);
    const number = match(NUMBER, at);
    const symbol = SYMBOLS.find((candidate) => text.startsWith(candidate, at));
    if (space !== undefined) at += space.length;
    else if (text[at] === '\n') at = add('newline', '\n');
    else if (name !== undefined) at = add('name', name);
    else if (number !== undefined) at = add('number', number);
    else if (symbol !== undefined) at = add('symbol', symbol);
    else throw unknownCharacter(text, at, excerpt.place(at, at + 1));
  }
  tokens.push({ kind: 'end', text: '', start: text.length, end: text.length });
  return tokens;
}

function unknownCharacter(text: string, at: number, place: Place): RoseError {
  const character = String.fromCodePoint(text.codePointAt(at)!);
  const shown = /[\p{C}\p{Z}]/u.test(character) ? codePoint(character) : character;
  const hints: Record<string, string> = {
    '"': 'formulas hold no strings: remove the quotes',
    "'": 'formulas hold no strings: remove the quotes',
    ';': 'put each statement on a line of its own',
  };
  return new RoseError({
    code: 'FORMULA_SYNTAX',
    message: `a formula cannot hold ${shown}`,
    place,
    actual: shown,
    expected: 'names, numbers, + - * / %, & | ^ << >>, comparisons, && || !, brackets',
    next: hints[character] ?? 'remove the character',
  });
}
