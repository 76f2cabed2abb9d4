/** A kernel: `.entry name(parameters) limits { statements }` -> its typed form. */

import type { PtxEntry, PtxInstruction, PtxStatement, PtxVariable, SourceLine, Triple } from './ast.js';
import type { Cursor } from './cursor.js';
import { typeBytes } from './literals.js';
import { Operands } from './operands.js';
import { Scopes } from './scopes.js';
import { isSpace, parseParameters, parseVariables } from './variables.js';

/** @param files the module's `.file` table */
export function parseEntry(cursor: Cursor, files: ReadonlyMap<number, string>): PtxEntry {
  cursor.expect('.entry');
  const name = cursor.take();
  const parameters = parseParameters(cursor);
  const limits = parseLimits(cursor);
  const body = new Body(cursor, files);
  body.block();
  return {
    name: name.text,
    parameters,
    ...limits,
    registers: body.scopes.registers,
    variables: body.variables,
    body: body.statements,
    line: cursor.source.lineOf(name.at),
  };
}

interface Limits {
  requiredThreads?: Triple;
  maximumThreads?: Triple;
  requiredCluster?: Triple;
}

const COUNTS = new Set(['.minnctapersm', '.maxnctapersm', '.maxnreg', '.maxclusterrank']);
const MARKS = new Set(['.explicitcluster', '.noreturn', '.blocksareclusters']);

function parseLimits(cursor: Cursor): Limits {
  const limits: Limits = {};
  while (cursor.peek().text !== '{') {
    const word = cursor.take();
    if (word.text === '.reqntid') limits.requiredThreads = cursor.triple();
    else if (word.text === '.maxntid') limits.maximumThreads = cursor.triple();
    else if (word.text === '.reqnctapercluster') limits.requiredCluster = cursor.triple();
    else if (COUNTS.has(word.text)) cursor.integer();
    else if (word.text === '.pragma') cursor.skipStatement();
    else if (!MARKS.has(word.text))
      throw cursor.error(word, 'not a directive of a kernel', '.reqntid, .maxntid, ... or "{"');
  }
  return limits;
}

class Body {
  readonly scopes = new Scopes();
  readonly variables: PtxVariable[] = [];
  readonly statements: PtxStatement[] = [];
  readonly #operands: Operands;
  #location: SourceLine | undefined;

  constructor(
    readonly cursor: Cursor,
    readonly files: ReadonlyMap<number, string>,
  ) {
    this.#operands = new Operands(cursor, this.scopes);
  }

  /** `{ ... }`: declarations are local to it. */
  block(): void {
    const { cursor } = this;
    const open = cursor.expect('{');
    if (this.scopes.nested) this.#declareLabels();
    while (!cursor.accept('}')) {
      if (cursor.atEnd) throw cursor.error(open, 'this block is never closed', '"}"');
      this.#statement();
    }
  }

  /** Labels of an inner block are found ahead, since a branch may stand before its label. */
  #declareLabels(): void {
    const { cursor } = this;
    for (let ahead = 0, depth = 1; depth > 0 && cursor.peek(ahead).kind !== 'end'; ahead++) {
      const token = cursor.peek(ahead);
      if (token.text === '{') depth++;
      if (token.text === '}') depth--;
      if (depth === 1 && token.kind === 'word' && cursor.peek(ahead + 1).text === ':')
        this.scopes.declareLabel(token.text);
    }
  }

  #statement(): void {
    const { cursor, scopes } = this;
    const token = cursor.peek();
    if (token.text === '{') {
      scopes.enter();
      this.block();
      scopes.leave();
    } else if (token.text === '.reg') this.#registers();
    else if (token.text === '.loc') this.#locate();
    else if (token.text === '.pragma') cursor.skipStatement();
    else if (isSpace(token.text)) {
      for (const variable of parseVariables(cursor, false))
        this.variables.push({ ...variable, name: scopes.declare(variable.name) });
    } else if (token.kind === 'word' && cursor.peek(1).text === ':') this.#label();
    else if (!cursor.accept(';')) this.statements.push(this.#instruction());
  }

  #label(): void {
    const { cursor, scopes } = this;
    const name = cursor.take().text;
    cursor.expect(':');
    if (!cursor.accept('.branchtargets')) {
      this.statements.push({ kind: 'label', name: scopes.label(name) });
      return;
    }
    const labels = [scopes.label(cursor.take().text)];
    while (cursor.accept(',')) labels.push(scopes.label(cursor.take().text));
    cursor.expect(';');
    this.statements.push({ kind: 'targets', name, labels });
  }

  #registers(): void {
    const { cursor, scopes } = this;
    cursor.expect('.reg');
    let type = cursor.take();
    // `.reg .v2 .b32 x` is not written by the toolchain; the type is the last word.
    while (cursor.peek().kind === 'dot') type = cursor.take();
    const name = type.text.slice(1);
    if (type.text !== '.pred' && typeBytes(name) === undefined)
      throw cursor.error(type, 'not a register type', 'a type such as .b32 or .pred');
    do {
      const register = cursor.take().text;
      if (cursor.accept('<')) {
        const count = cursor.integer();
        cursor.expect('>');
        for (let i = 0; i < count; i++) scopes.registers.set(scopes.declare(`${register}${i}`), name);
      } else scopes.registers.set(scopes.declare(register), name);
    } while (cursor.accept(','));
    cursor.expect(';');
  }

  /** `.loc file line column[, function_name ..., inlined_at ...]`: a line of its own, with no mark at its end. */
  #locate(): void {
    const { cursor } = this;
    const start = cursor.source.lineOf(cursor.take().at);
    const file = cursor.integer();
    const line = cursor.integer();
    this.#location = { file: this.files.get(file) ?? `file ${file}`, line };
    while (!cursor.atEnd && cursor.source.lineOf(cursor.peek().at) === start) cursor.take();
  }

  #instruction(): PtxInstruction {
    const { cursor } = this;
    let guard: PtxInstruction['guard'];
    if (cursor.accept('@')) {
      const negated = cursor.accept('!');
      guard = { register: this.#operands.register(cursor.take()), negated };
    }
    const opcode = cursor.take();
    if (opcode.kind !== 'word') throw cursor.error(opcode, 'an instruction is missing here', 'an opcode');
    const modifiers: string[] = [];
    while (cursor.peek().kind === 'dot') modifiers.push(cursor.take().text.slice(1));
    const operands: PtxInstruction['operands'][number][] = [];
    while (!cursor.accept(';')) {
      operands.push(this.#operands.operand());
      if (cursor.peek().text !== ';') cursor.expect(',');
    }
    return {
      kind: 'instruction',
      opcode: opcode.text,
      modifiers,
      ...(guard && { guard }),
      operands,
      line: cursor.source.lineOf(opcode.at),
      at: opcode.at,
      ...(this.#location && { source: this.#location }),
    };
  }
}
