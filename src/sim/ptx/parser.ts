/** PTX text -> typed module. Syntax errors carry line and column. */

import type { PtxEntry, PtxModule, PtxVariable } from './ast.js';
import { Cursor } from './cursor.js';
import { parseEntry } from './entry.js';
import { PtxText } from './lexer.js';
import { isSpace, parseVariables } from './variables.js';

const LINKAGE = new Set(['.visible', '.extern', '.weak', '.common']);

/** Parses a module. @throws RoseError PTX_SYNTAX with line and column. */
export function parsePtx(text: string, file = 'kernel.ptx'): PtxModule {
  const source = new PtxText(file, text);
  const cursor = new Cursor(source);
  const files = new Map<number, string>();
  const variables: PtxVariable[] = [];
  const entries: PtxEntry[] = [];
  let version = '';
  let target = '';
  while (!cursor.atEnd) {
    const token = cursor.peek();
    if (token.text === '.version') version = parseVersion(cursor);
    else if (token.text === '.target') {
      cursor.take();
      target = cursor.take().text;
      while (cursor.accept(',')) cursor.take();
    } else if (token.text === '.address_size') {
      cursor.take();
      const size = cursor.take();
      if (size.text !== '64') throw cursor.error(size, 'only 64-bit addresses are modelled', '64');
    } else if (token.text === '.file') parseFile(cursor, files);
    else if (token.text === '.section') skipSection(cursor);
    else if (token.text === '.pragma') cursor.skipStatement();
    else if (LINKAGE.has(token.text) || isSpace(token.text) || token.text === '.entry') {
      const external = parseLinkage(cursor);
      if (cursor.peek().text === '.entry') entries.push(parseEntry(cursor, files));
      else if (isSpace(cursor.peek().text)) variables.push(...parseVariables(cursor, external));
      else {
        const message = 'functions other than kernels are not modelled';
        throw cursor.error(cursor.peek(), message, '.entry or a variable');
      }
    } else {
      const expected = '.entry, .version, .target or a variable';
      throw cursor.error(token, 'not a directive of a PTX module', expected);
    }
  }
  return { source, version, target, files, variables, entries };
}

/** "8.8" may read as a number, or as a number and a modifier. */
function parseVersion(cursor: Cursor): string {
  cursor.take();
  const version = cursor.take().text;
  const next = cursor.peek();
  return next.kind === 'dot' && /^\.\d+$/.test(next.text) ? version + cursor.take().text : version;
}

function parseFile(cursor: Cursor, files: Map<number, string>): void {
  cursor.take();
  const index = cursor.integer();
  files.set(index, cursor.take().text.slice(1, -1));
  while (cursor.accept(',')) cursor.take();
}

/** Debug sections say nothing that is simulated. */
function skipSection(cursor: Cursor): void {
  while (cursor.peek().text !== '{') cursor.take();
  let depth = 0;
  do {
    const token = cursor.take();
    if (token.text === '{') depth++;
    if (token.text === '}') depth--;
  } while (depth > 0);
}

/** Whether the declaration is external. */
function parseLinkage(cursor: Cursor): boolean {
  let external = false;
  while (LINKAGE.has(cursor.peek().text)) external = cursor.take().text === '.extern' || external;
  return external;
}
