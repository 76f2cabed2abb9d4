/**
 * Text -> layouts, the inverse of printing: `(4,(2,2)):(1,(4,8))`, `S<3,4,3> o 0 o (8,64):(64,1)`.
 *
 * Blanks between tokens are allowed; a stride may be left out, and is the compact one then.
 */
import { type AnyLayout, makeComposed } from './composed.js';
import { exact, layoutError } from './integer.js';
import { type IntTuple } from './int-tuple.js';
import { type Layout, makeLayout } from './layout.js';
import { type Swizzle, makeSwizzle } from './swizzle.js';

/** @throws LAYOUT_INVALID for a text that is no layout, or no legal one. */
export function parseLayout(text: string): Layout {
  return new Reader(text).whole((reader) => reader.layout());
}

/** A layout with or without a swizzle. @throws LAYOUT_INVALID for a text that is neither, or no legal one. */
export function parseAnyLayout(text: string): AnyLayout {
  return new Reader(text).whole((reader) => reader.anyLayout());
}

/** @throws LAYOUT_INVALID for a text that is no nested tuple of integers. */
export function parseTuple(text: string): IntTuple {
  return new Reader(text).whole((reader) => reader.tuple());
}

const TOKEN = /\s*(-?\d+|S|o|[(),:<>])/y;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text.trimEnd();
  }

  whole<T>(read: (reader: this) => T): T {
    const value = read(this);
    if (this.#at < this.#text.length) throw this.#error('the end');
    return value;
  }

  anyLayout(): AnyLayout {
    if (this.#peek() !== 'S') return this.layout();
    const swizzle = this.#swizzle();
    this.#take('o');
    const offset = this.#integer();
    this.#take('o');
    return makeComposed(swizzle, this.layout(), offset);
  }

  layout(): Layout {
    const shape = this.tuple();
    if (this.#peek() !== ':') return makeLayout(shape);
    this.#take(':');
    return makeLayout(shape, this.tuple());
  }

  tuple(): IntTuple {
    if (this.#peek() !== '(') return this.#integer();
    this.#take('(');
    const parts = [this.tuple()];
    while (this.#peek() === ',') {
      this.#take(',');
      parts.push(this.tuple());
    }
    this.#take(')');
    return parts;
  }

  #swizzle(): Swizzle {
    this.#take('S');
    this.#take('<');
    const bits = this.#integer();
    this.#take(',');
    const base = this.#integer();
    this.#take(',');
    const shift = this.#integer();
    this.#take('>');
    return makeSwizzle(bits, base, shift);
  }

  #integer(): number {
    const token = this.#peek();
    if (token === undefined || !/\d$/.test(token)) throw this.#error('an integer');
    this.#take(token);
    return exact(Number(token), `the number ${token}`);
  }

  #peek(): string | undefined {
    TOKEN.lastIndex = this.#at;
    return TOKEN.exec(this.#text)?.[1];
  }

  #take(token: string): void {
    if (this.#peek() !== token) throw this.#error(`'${token}'`);
    this.#at = TOKEN.lastIndex;
  }

  #error(expected: string): Error {
    return layoutError(
      'the text is not a layout',
      `'${this.#text}', at '${this.#text.slice(this.#at).trimStart()}'`,
      expected,
      "write shape:stride, such as '(4,(2,2)):(1,(4,8))'",
    );
  }
}
