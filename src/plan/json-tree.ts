/**
 * JSON text -> a tree whose nodes know where they are, so that an error about a field can show its line.
 *
 * Accepts what Python's json module writes: JSON, and `NaN`, `Infinity` and `-Infinity` for numbers. Where a key is
 * given twice the last one counts, as everywhere.
 */

import type { SourceText } from '../spec/source-text.js';
import { RoseError } from '../util/errors.js';
import { placeAt } from './config-place.js';

export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue };

interface Spanned {
  readonly offset: number;
  readonly length: number;
}

export type JsonTree = Spanned &
  (
    | { readonly kind: 'scalar'; readonly value: null | boolean | number | string }
    | { readonly kind: 'list'; readonly items: readonly JsonTree[] }
    | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, JsonTree> }
  );

export type JsonObject = Extract<JsonTree, { kind: 'object' }>;

/** Deeper nesting than any configuration has would only exhaust the stack. */
const MAX_DEPTH = 200;

/** Raises MODEL_CONFIG with line and column. */
export function parseJson(source: SourceText): JsonTree {
  return new Parser(source).document();
}

/** The plain value of a tree. */
export function plainValue(tree: JsonTree): JsonValue {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(plainValue);
  return Object.fromEntries([...tree.fields].map(([name, field]) => [name, plainValue(field)]));
}

const SPACE = /[ \t\r\n]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y; // eslint-disable-line no-control-regex
const WORDS: ReadonlyMap<string, null | boolean | number> = new Map<string, null | boolean | number>([
  ['null', null],
  ['true', true],
  ['false', false],
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
]);

class Parser {
  private readonly text: string;
  private position: number;

  constructor(private readonly source: SourceText) {
    this.text = source.text;
    this.position = this.text.startsWith('\uFEFF') ? 1 : 0;
  }

  document(): JsonTree {
    const tree = this.value(0);
    this.space();
    if (this.position < this.text.length) throw this.error('the end of the file');
    return tree;
  }

  private value(depth: number): JsonTree {
    this.space();
    if (depth > MAX_DEPTH) throw this.error(`at most ${MAX_DEPTH} nested brackets`);
    const offset = this.position;
    const node = this.node(depth);
    return { ...node, offset, length: this.position - offset };
  }

  private node(depth: number) {
    switch (this.text[this.position]) {
      case '{':
        return { kind: 'object', fields: this.fields(depth) } as const;
      case '[':
        return { kind: 'list', items: this.items(depth) } as const;
      case '"':
        return { kind: 'scalar', value: this.string() } as const;
      default:
        return { kind: 'scalar', value: this.plain() } as const;
    }
  }

  private fields(depth: number): ReadonlyMap<string, JsonTree> {
    const fields = new Map<string, JsonTree>();
    this.sequence('}', () => {
      if (this.text[this.position] !== '"') throw this.error('a field name in double quotes');
      const name = this.string();
      this.space();
      if (!this.accept(':')) throw this.error('":"');
      fields.set(name, this.value(depth + 1));
    });
    return fields;
  }

  private items(depth: number): readonly JsonTree[] {
    const items: JsonTree[] = [];
    this.sequence(']', () => items.push(this.value(depth + 1)));
    return items;
  }

  /** From the opening bracket to the closing one. */
  private sequence(close: string, element: () => void): void {
    this.position++;
    this.space();
    if (this.accept(close)) return;
    do {
      this.space();
      element();
      this.space();
    } while (this.accept(','));
    if (!this.accept(close)) throw this.error(`"," or "${close}"`);
  }

  private string(): string {
    const token = this.match(STRING);
    if (token === undefined) throw this.error('a string that ends on its line and has legal escapes');
    return JSON.parse(token) as string;
  }

  private plain(): null | boolean | number {
    const number = this.match(NUMBER);
    if (number !== undefined) return Number(number);
    for (const [word, value] of WORDS) {
      if (this.text.startsWith(word, this.position)) {
        this.position += word.length;
        return value;
      }
    }
    throw this.error('a value');
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.position += found.length;
    return found;
  }

  private space(): void {
    this.match(SPACE);
  }

  private accept(character: string): boolean {
    if (this.text[this.position] !== character) return false;
    this.position++;
    return true;
  }

  private error(expected: string): RoseError {
    const found = this.text[this.position];
    return new RoseError({
      code: 'MODEL_CONFIG',
      message: `${this.source.file} is not well-formed JSON`,
      place: placeAt(this.source, this.position),
      actual: found === undefined ? 'the end of the file' : JSON.stringify(found),
      expected,
      next: 'mend the file, or fetch it again from where the model came from',
    });
  }
}
