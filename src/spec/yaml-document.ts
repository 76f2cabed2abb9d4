/**
 * Text of a spec -> plain data, together with the place of every key and value.
 *
 * Only the plain part of YAML is taken: one document, no anchors, aliases, tags or directives, no key twice, and no
 * deep nesting, so that no text can blow up or be read in two ways.
 */

import { Composer, isAlias, isMap, isPair, isScalar, isSeq, Parser, visit } from 'yaml';
import type { Document, Node, Pair, Scalar } from 'yaml';
import { RoseError, type Place } from '../util/errors.js';
import { LIMITS } from './limits.js';
import { codePoint, findHidden } from './printable.js';
import { SourceText, type Excerpt } from './source-text.js';

export type Path = readonly (string | number)[];

export class YamlDocument {
  /** The document as plain data: objects, arrays, strings, numbers, booleans and null. */
  readonly value: unknown;
  private readonly root: Node | null;

  constructor(
    readonly source: SourceText,
    document: Document.Parsed,
  ) {
    this.root = document.contents;
    this.value = document.toJS();
  }

  /** Place of a value; of the whole text's start where there is none. */
  place(path: Path): Place {
    const node = this.node(path);
    if (!node?.range) return this.source.place(0, 1);
    return this.source.place(node.range[0], node.range[1]);
  }

  /** Place of the key that a path ends with. */
  keyPlace(path: Path): Place {
    const key = this.pair(path)?.key;
    return isScalar(key) && key.range ? this.source.place(key.range[0], key.range[1]) : this.place(path);
  }

  /** A string value and the places of its characters. */
  excerpt(path: Path): Excerpt {
    const node = this.node(path);
    const text = isScalar(node) ? String(node.value) : '';
    const offsets = isScalar(node) ? characterOffsets(this.source, node as Scalar.Parsed, text) : undefined;
    const whole = this.place(path);
    return {
      text,
      place: (start, end) => {
        const at = offsets?.(start);
        return at === undefined ? whole : this.source.place(at, at + Math.max(1, end - start));
      },
    };
  }

  private pair(path: Path): Pair | undefined {
    const parent = this.node(path.slice(0, -1));
    const key = path.at(-1);
    return isMap(parent)
      ? parent.items.find((pair) => isScalar(pair.key) && pair.key.value === key)
      : undefined;
  }

  private node(path: Path): Node | undefined {
    let node: unknown = this.root;
    for (const key of path) {
      if (isMap(node)) node = node.get(key, true);
      else if (isSeq(node)) node = node.get(key, true);
      else return undefined;
    }
    return (node as Node | null) ?? undefined;
  }
}

/** Raises SPEC_SYNTAX. */
export function readYaml(text: string, file: string): YamlDocument {
  const plain = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const source = new SourceText(file, plain);
  const refuse = (
    message: string,
    actual: string,
    expected: string,
    next: string,
    start = 0,
    end = start + 1,
  ) =>
    new RoseError({ code: 'SPEC_SYNTAX', message, place: source.place(start, end), actual, expected, next });

  if (plain.length > LIMITS.text) {
    throw refuse(
      'the spec is too long',
      `${plain.length} characters`,
      `at most ${LIMITS.text}`,
      'split it into several kernels',
    );
  }
  const hidden = findHidden(plain);
  if (hidden >= 0) {
    throw refuse(
      'the spec holds a character that cannot be seen',
      codePoint(plain.slice(hidden)),
      'printable characters, spaces and line breaks',
      'remove the character',
      hidden,
    );
  }

  const tokens = [...new Parser().parse(plain)];
  if (tokens.some((token) => token.type === 'directive')) {
    throw refuse('the spec holds a YAML directive', '%', 'none', 'remove the line that starts with %');
  }
  if (nesting(tokens) > LIMITS.yamlDepth) {
    throw refuse(
      'the spec is nested too deeply',
      `more than ${LIMITS.yamlDepth} levels`,
      `at most ${LIMITS.yamlDepth}`,
      'compare it with `rose-gen new NAME`',
    );
  }
  const composed = [...new Composer({ prettyErrors: false }).compose(tokens, true, plain.length)];
  const [document, second] = composed;
  if (!document) throw new Error('the composer gives one document at least');
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem) {
    throw refuse(
      problem.code === 'DUPLICATE_KEY' ? 'a field is given twice' : 'the spec is not well-formed YAML',
      problem.message.split('\n')[0]!,
      problem.code === 'DUPLICATE_KEY'
        ? 'each field once'
        : 'YAML: `field: value`, lists in [ ], maps in { }',
      problem.code === 'DUPLICATE_KEY' ? 'remove one of the two' : 'mend the line shown',
      ...problem.pos,
    );
  }
  if (second?.contents) {
    const start = second.contents.range?.[0] ?? 0;
    throw refuse(
      'the file holds two documents',
      '---',
      'one spec a file',
      'move it to a file of its own',
      start,
    );
  }
  refuseSpecialNodes(document, source);
  return new YamlDocument(source, document as Document.Parsed);
}

function refuseSpecialNodes(document: Document, source: SourceText): void {
  visit(document, (_key, node) => {
    if (isPair(node) && !(isScalar(node.key) && typeof node.key.value === 'string')) {
      const range = (node.key as Node | null)?.range;
      throw new RoseError({
        code: 'SPEC_SYNTAX',
        message: 'a key is not a name',
        place: source.place(range?.[0] ?? 0, range?.[1] ?? 1),
        actual: 'a key that YAML does not read as a string',
        expected: 'a name',
        next: 'write `name: value`',
      });
    }
    const special = isAlias(node)
      ? 'an alias'
      : isScalar(node) || isMap(node) || isSeq(node)
        ? node.anchor !== undefined
          ? 'an anchor'
          : node.tag !== undefined
            ? 'a tag'
            : undefined
        : undefined;
    if (special === undefined) return;
    const range = (node as Node).range;
    throw new RoseError({
      code: 'SPEC_SYNTAX',
      message: `the spec holds ${special}`,
      place: source.place(range?.[0] ?? 0, range?.[1] ?? 1),
      actual: special,
      expected: 'plain YAML, without anchors, aliases and tags',
      next: 'write the value out',
    });
  });
}

interface TokenTree {
  readonly value?: unknown;
  readonly items?: readonly { readonly key?: unknown; readonly value?: unknown }[];
}

/** Levels of collections in a token tree, counted without recursion. */
function nesting(tokens: readonly unknown[]): number {
  let deepest = 0;
  const waiting = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { token, depth } = next;
    deepest = Math.max(deepest, depth);
    if (typeof token !== 'object' || token === null) continue;
    const { value, items } = token as TokenTree;
    waiting.push({ token: value, depth });
    for (const item of items ?? []) {
      waiting.push({ token: item.key, depth: depth + 1 }, { token: item.value, depth: depth + 1 });
    }
  }
  return deepest;
}

/**
 * Where in the text each character of a scalar's value is; undefined where YAML folded or unescaped it. A literal
 * block keeps its lines, each less the block's indentation.
 */
function characterOffsets(
  source: SourceText,
  scalar: Scalar.Parsed,
  text: string,
): ((index: number) => number) | undefined {
  const [start, end] = scalar.range;
  if (scalar.type === 'BLOCK_LITERAL') {
    const value = new SourceText('', text);
    const first = source.lineAt(start) + 1;
    const filled = text.split('\n').findIndex((line) => line !== '');
    if (filled < 0) return undefined;
    const indent = source.lineText(first + filled).length - value.lineText(filled).length;
    return (index) => {
      const line = value.lineAt(index);
      const at = source.lineStart(first + line) + indent + index - value.lineStart(line);
      return Math.min(at, source.text.length);
    };
  }
  const quotes = scalar.type === 'PLAIN' ? 0 : 1;
  const written = source.text.slice(start + quotes, end - quotes);
  return written === text ? (index) => start + quotes + index : undefined;
}
