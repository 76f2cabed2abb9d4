/** Declarations of variables and parameters: names, sizes, alignments, contents. */

import type { PtxParameter, PtxVariable } from './ast.js';
import type { Cursor } from './cursor.js';
import { parseNumber, typeBytes } from './literals.js';

const SPACES = new Set(['.global', '.const', '.shared', '.local', '.param']);

/** Whether a token begins a variable: the name of a space. */
export function isSpace(text: string): boolean {
  return SPACES.has(text);
}

/** `.shared .align 16 .b8 name[64], other[8];`, with initial contents where there are any. */
export function parseVariables(cursor: Cursor, external: boolean): PtxVariable[] {
  const first = cursor.take();
  const space = first.text.slice(1) as PtxVariable['space'];
  let align = 0;
  let type: string | undefined;
  let lanes = 1;
  while (cursor.peek().kind === 'dot') {
    const word = cursor.take();
    if (word.text === '.align') align = cursor.integer();
    else if (/^\.v[248]$/.test(word.text)) lanes = Number(word.text.slice(2));
    else if (typeBytes(word.text.slice(1)) !== undefined) type = word.text.slice(1);
    else if (!word.text.startsWith('.attribute'))
      throw cursor.error(word, 'not a property of a variable', 'a type');
  }
  if (type === undefined) throw cursor.error(cursor.peek(), 'the variable has no type', 'a type such as .b8');
  const element = typeBytes(type)! * lanes;
  const found: PtxVariable[] = [];
  do {
    const name = cursor.take();
    let bytes = element;
    while (cursor.accept('[')) {
      if (cursor.accept(']')) bytes = 0;
      else {
        bytes *= cursor.integer();
        cursor.expect(']');
      }
    }
    const contents = cursor.accept('=') ? parseContents(cursor, bytes, typeBytes(type)!) : undefined;
    const line = cursor.source.lineOf(name.at);
    const variable = { space, name: name.text, align: align || element, bytes, external, line };
    found.push(contents ? { ...variable, contents } : variable);
  } while (cursor.accept(','));
  cursor.expect(';');
  return found;
}

function parseContents(cursor: Cursor, bytes: number, width: number): Uint8Array {
  const contents = new Uint8Array(bytes);
  const values: bigint[] = [];
  if (cursor.accept('{')) {
    while (!cursor.accept('}')) {
      values.push(parseConstant(cursor));
      cursor.accept(',');
    }
  } else values.push(parseConstant(cursor));
  values.forEach((value, index) => {
    for (let b = 0; b < width; b++) contents[index * width + b] = Number((value >> BigInt(8 * b)) & 0xffn);
  });
  return contents;
}

function parseConstant(cursor: Cursor): bigint {
  const negative = cursor.accept('-');
  const token = cursor.take();
  const value = token.kind === 'number' ? parseNumber(token.text) : undefined;
  if (!value) throw cursor.error(token, 'only numbers may initialise a variable', 'a number');
  const bits = value.kind === 'integer' ? value.value : value.bits;
  return negative ? -bits : bits;
}

/** `(.param .u64 p, .param .align 64 .b8 map[128])`, laid out one after another. */
export function parseParameters(cursor: Cursor): PtxParameter[] {
  const parameters: PtxParameter[] = [];
  let offset = 0;
  if (!cursor.accept('(')) return parameters;
  while (!cursor.accept(')')) {
    cursor.expect('.param');
    let align = 0;
    let type = 'b8';
    let pointee = false;
    while (cursor.peek().kind === 'dot') {
      const word = cursor.take();
      // After `.ptr` the space and the alignment are those of what the parameter points to.
      if (word.text === '.ptr') pointee = true;
      else if (word.text === '.align') {
        const bytes = cursor.integer();
        if (!pointee) align = bytes;
      } else if (typeBytes(word.text.slice(1)) !== undefined) type = word.text.slice(1);
      else if (!isSpace(word.text)) throw cursor.error(word, 'not a property of a parameter', 'a type');
    }
    const name = cursor.take();
    let bytes = typeBytes(type)!;
    align = Math.max(align, bytes);
    if (cursor.accept('[')) {
      bytes *= cursor.integer();
      cursor.expect(']');
    }
    offset = Math.ceil(offset / align) * align;
    parameters.push({ name: name.text, type, bytes, align, offset });
    offset += bytes;
    cursor.accept(',');
  }
  return parameters;
}
