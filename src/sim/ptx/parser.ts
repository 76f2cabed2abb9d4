/** PTX text -> typed module. Syntax errors carry line and column. */

import type {
  PtxEntry,
  PtxInstruction,
  PtxModule,
  PtxOperand,
  PtxParameter,
  PtxStatement,
  PtxVariable,
  SourceLine,
  Triple,
} from './ast.js';
import { PtxText, tokenize } from './lexer.js';
import type { Token } from './lexer.js';
import { parseNumber, typeBytes } from './literals.js';
import { unitName } from './special.js';

/** Parses a module. @throws RoseError PTX_SYNTAX with line and column. */
export function parsePtx(text: string, file = 'kernel.ptx'): PtxModule {
  return new Parser(new PtxText(file, text)).module();
}

const LINKAGE = new Set(['.visible', '.extern', '.weak', '.common']);
const SPACES = new Set(['.global', '.const', '.shared', '.local', '.param']);

interface Scope {
  readonly names: Map<string, string>;
  readonly labels: Map<string, string>;
}

interface EntryState {
  readonly registers: Map<string, string>;
  readonly variables: PtxVariable[];
  readonly body: PtxStatement[];
  readonly scopes: Scope[];
  blocks: number;
}

class Parser {
  readonly #tokens: Token[];
  #next = 0;
  readonly #files = new Map<number, string>();
  #loc: SourceLine | undefined;

  constructor(readonly source: PtxText) {
    this.#tokens = tokenize(source);
  }

  module(): PtxModule {
    const variables: PtxVariable[] = [];
    const entries: PtxEntry[] = [];
    let version = '';
    let target = '';
    while (this.#peek().kind !== 'end') {
      const token = this.#peek();
      if (token.text === '.version') {
        this.#take();
        version = this.#take().text;
        // "8.8" may read as a number, or as a number and a modifier.
        if (this.#peek().kind === 'dot' && /^\.\d+$/.test(this.#peek().text)) version += this.#take().text;
      } else if (token.text === '.target') {
        this.#take();
        target = this.#take().text;
        while (this.#accept(',')) this.#take();
      } else if (token.text === '.address_size') {
        this.#take();
        const size = this.#take();
        if (size.text !== '64') throw this.#error(size, 'only 64-bit addresses are modelled', '64');
      } else if (token.text === '.file') this.#file();
      else if (token.text === '.section') this.#section();
      else if (LINKAGE.has(token.text) || SPACES.has(token.text) || token.text === '.entry') {
        const external = this.#linkage();
        if (this.#peek().text === '.entry') entries.push(this.#entry());
        else if (SPACES.has(this.#peek().text)) variables.push(...this.#variables(external));
        else
          throw this.#error(
            this.#peek(),
            'functions other than kernels are not modelled',
            '.entry or a variable',
          );
      } else if (token.text === '.pragma') {
        while (!this.#accept(';')) this.#take();
      } else
        throw this.#error(
          token,
          'not a directive of a PTX module',
          '.entry, .version, .target or a variable',
        );
    }
    return { source: this.source, version, target, files: this.#files, variables, entries };
  }

  #peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)]!;
  }

  #take(): Token {
    const token = this.#peek();
    if (token.kind === 'end') throw this.#error(token, 'the text ends too early', 'the rest of the module');
    this.#next++;
    return token;
  }

  #accept(text: string): boolean {
    if (this.#peek().text !== text || this.#peek().kind === 'string') return false;
    this.#next++;
    return true;
  }

  #expect(text: string): Token {
    const token = this.#peek();
    if (token.text !== text) throw this.#error(token, `"${text}" is missing here`, `"${text}"`);
    return this.#take();
  }

  #error(token: Token, message: string, expected: string): Error {
    const length = token.kind === 'end' ? 1 : token.text.length;
    return this.source.syntax(token.at, length, message, token.text, expected);
  }

  #integer(): number {
    const negative = this.#accept('-');
    const token = this.#take();
    const value = token.kind === 'number' ? parseNumber(token.text) : undefined;
    if (value?.kind !== 'integer') throw this.#error(token, 'an integer is missing here', 'an integer');
    return negative ? -Number(value.value) : Number(value.value);
  }

  #file(): void {
    this.#take();
    const index = this.#integer();
    const name = this.#take();
    this.#files.set(index, name.text.slice(1, -1));
    while (this.#accept(',')) this.#take();
  }

  /** Debug sections say nothing that is simulated. */
  #section(): void {
    this.#take();
    while (this.#peek().text !== '{') this.#take();
    let depth = 0;
    do {
      const token = this.#take();
      if (token.text === '{') depth++;
      if (token.text === '}') depth--;
    } while (depth > 0);
  }

  #linkage(): boolean {
    let external = false;
    while (LINKAGE.has(this.#peek().text)) external = this.#take().text === '.extern' || external;
    return external;
  }

  /** `.shared .align 16 .b8 name[64], other[8];`, with initial contents where there are any. */
  #variables(external: boolean): PtxVariable[] {
    const first = this.#take();
    const space = first.text.slice(1) as PtxVariable['space'];
    let align = 0;
    let type: string | undefined;
    let lanes = 1;
    while (this.#peek().kind === 'dot') {
      const word = this.#take();
      if (word.text === '.align') align = this.#integer();
      else if (/^\.v[248]$/.test(word.text)) lanes = Number(word.text.slice(2));
      else if (typeBytes(word.text.slice(1)) !== undefined) type = word.text.slice(1);
      else if (!word.text.startsWith('.attribute'))
        throw this.#error(word, 'not a property of a variable', 'a type');
    }
    if (type === undefined) throw this.#error(this.#peek(), 'the variable has no type', 'a type such as .b8');
    const element = typeBytes(type)! * lanes;
    const found: PtxVariable[] = [];
    do {
      const name = this.#take();
      let bytes = element;
      while (this.#accept('[')) {
        if (this.#accept(']')) bytes = 0;
        else {
          bytes *= this.#integer();
          this.#expect(']');
        }
      }
      const contents = this.#accept('=') ? this.#contents(bytes, typeBytes(type)!) : undefined;
      const line = this.source.lineOf(name.at);
      const variable = { space, name: name.text, align: align || element, bytes, external, line };
      found.push(contents ? { ...variable, contents } : variable);
    } while (this.#accept(','));
    this.#expect(';');
    return found;
  }

  #contents(bytes: number, width: number): Uint8Array {
    const contents = new Uint8Array(bytes);
    const values: bigint[] = [];
    if (this.#accept('{')) {
      while (!this.#accept('}')) {
        values.push(this.#constant());
        this.#accept(',');
      }
    } else values.push(this.#constant());
    values.forEach((value, index) => {
      for (let b = 0; b < width; b++) contents[index * width + b] = Number((value >> BigInt(8 * b)) & 0xffn);
    });
    return contents;
  }

  #constant(): bigint {
    const negative = this.#accept('-');
    const token = this.#take();
    const value = token.kind === 'number' ? parseNumber(token.text) : undefined;
    if (!value) throw this.#error(token, 'only numbers may initialise a variable', 'a number');
    const bits = value.kind === 'integer' ? value.value : value.bits;
    return negative ? -bits : bits;
  }

  #entry(): PtxEntry {
    this.#expect('.entry');
    const name = this.#take();
    const parameters = this.#parameters();
    const state: EntryState = {
      registers: new Map(),
      variables: [],
      body: [],
      scopes: [{ names: new Map(), labels: new Map() }],
      blocks: 0,
    };
    const limits: { requiredThreads?: Triple; maximumThreads?: Triple; requiredCluster?: Triple } = {};
    while (this.#peek().text !== '{') {
      const word = this.#take();
      if (word.text === '.reqntid') limits.requiredThreads = this.#triple();
      else if (word.text === '.maxntid') limits.maximumThreads = this.#triple();
      else if (word.text === '.reqnctapercluster') limits.requiredCluster = this.#triple();
      else if (['.minnctapersm', '.maxnctapersm', '.maxnreg', '.maxclusterrank'].includes(word.text))
        this.#integer();
      else if (word.text === '.pragma') while (!this.#accept(';')) this.#take();
      else if (
        word.text !== '.explicitcluster' &&
        word.text !== '.noreturn' &&
        word.text !== '.blocksareclusters'
      )
        throw this.#error(word, 'not a directive of a kernel', '.reqntid, .maxntid, ... or "{"');
    }
    this.#loc = undefined;
    this.#block(state);
    const line = this.source.lineOf(name.at);
    const { registers, variables, body } = state;
    return { name: name.text, parameters, ...limits, registers, variables, body, line };
  }

  #triple(): Triple {
    const values = [this.#integer()];
    while (this.#accept(',')) values.push(this.#integer());
    return [values[0]!, values[1] ?? 1, values[2] ?? 1];
  }

  #parameters(): PtxParameter[] {
    const parameters: PtxParameter[] = [];
    let offset = 0;
    if (!this.#accept('(')) return parameters;
    while (!this.#accept(')')) {
      this.#expect('.param');
      let align = 0;
      let type = 'b8';
      let pointee = false;
      while (this.#peek().kind === 'dot') {
        const word = this.#take();
        // After `.ptr` the space and the alignment are those of what the parameter points to.
        if (word.text === '.ptr') pointee = true;
        else if (word.text === '.align') {
          const bytes = this.#integer();
          if (!pointee) align = bytes;
        } else if (typeBytes(word.text.slice(1)) !== undefined) type = word.text.slice(1);
        else if (!SPACES.has(word.text)) throw this.#error(word, 'not a property of a parameter', 'a type');
      }
      const name = this.#take();
      let bytes = typeBytes(type)!;
      align = Math.max(align, bytes);
      if (this.#accept('[')) {
        bytes *= this.#integer();
        this.#expect(']');
      }
      offset = Math.ceil(offset / align) * align;
      parameters.push({ name: name.text, type, bytes, align, offset });
      offset += bytes;
      this.#accept(',');
    }
    return parameters;
  }

  /** `{ ... }`: declarations are local to it; inner names are made unique. */
  #block(state: EntryState): void {
    const open = this.#expect('{');
    const depth = state.scopes.length;
    if (depth > 1) this.#declareLabels(state);
    while (!this.#accept('}')) {
      if (this.#peek().kind === 'end') throw this.#error(open, 'this block is never closed', '"}"');
      this.#statement(state);
    }
  }

  /** Labels of an inner block are found ahead, since a branch may stand before its label. */
  #declareLabels(state: EntryState): void {
    const scope = state.scopes.at(-1)!;
    for (let ahead = 0, depth = 1; depth > 0 && this.#peek(ahead).kind !== 'end'; ahead++) {
      const token = this.#peek(ahead);
      if (token.text === '{') depth++;
      if (token.text === '}') depth--;
      if (depth === 1 && token.kind === 'word' && this.#peek(ahead + 1).text === ':')
        scope.labels.set(token.text, `${token.text}@${state.blocks}`);
    }
  }

  #statement(state: EntryState): void {
    const token = this.#peek();
    if (token.text === '{') {
      state.blocks++;
      state.scopes.push({ names: new Map(), labels: new Map() });
      this.#block(state);
      state.scopes.pop();
    } else if (token.text === '.reg') this.#registers(state);
    else if (token.text === '.loc') this.#location();
    else if (token.text === '.pragma') while (!this.#accept(';')) this.#take();
    else if (SPACES.has(token.text)) {
      for (const variable of this.#variables(false)) {
        const name = this.#declare(state, variable.name);
        state.variables.push({ ...variable, name });
      }
    } else if (token.kind === 'word' && this.#peek(1).text === ':') {
      this.#take();
      this.#take();
      if (this.#accept('.branchtargets')) {
        const labels = [this.#label(state, this.#take().text)];
        while (this.#accept(',')) labels.push(this.#label(state, this.#take().text));
        this.#expect(';');
        state.body.push({ kind: 'targets', name: token.text, labels });
      } else state.body.push({ kind: 'label', name: this.#label(state, token.text) });
    } else if (!this.#accept(';')) state.body.push(this.#instruction(state));
  }

  #declare(state: EntryState, name: string): string {
    const depth = state.scopes.length;
    const unique = depth === 1 ? name : `${name}@${state.blocks}`;
    state.scopes.at(-1)!.names.set(name, unique);
    return unique;
  }

  #registers(state: EntryState): void {
    this.#take();
    let type = this.#take();
    // `.reg .v2 .b32 x` is not written by the toolchain; the type is the last word.
    while (this.#peek().kind === 'dot') type = this.#take();
    if (type.text !== '.pred' && typeBytes(type.text.slice(1)) === undefined)
      throw this.#error(type, 'not a register type', 'a type such as .b32 or .pred');
    do {
      const name = this.#take().text;
      if (this.#accept('<')) {
        const count = this.#integer();
        this.#expect('>');
        for (let i = 0; i < count; i++)
          state.registers.set(this.#declare(state, `${name}${i}`), type.text.slice(1));
      } else state.registers.set(this.#declare(state, name), type.text.slice(1));
    } while (this.#accept(','));
    this.#expect(';');
  }

  /** `.loc file line column[, function_name ..., inlined_at ...]`: a line of its own, with no mark at its end. */
  #location(): void {
    const start = this.source.lineOf(this.#take().at);
    const file = this.#integer();
    const line = this.#integer();
    this.#loc = { file: this.#files.get(file) ?? `file ${file}`, line };
    while (this.#peek().kind !== 'end' && this.source.lineOf(this.#peek().at) === start) this.#take();
  }

  #instruction(state: EntryState): PtxInstruction {
    let guard: PtxInstruction['guard'];
    if (this.#accept('@')) {
      const negated = this.#accept('!');
      const register = this.#take();
      guard = { register: this.#registerName(state, register), negated };
    }
    const opcode = this.#take();
    if (opcode.kind !== 'word') throw this.#error(opcode, 'an instruction is missing here', 'an opcode');
    const modifiers: string[] = [];
    while (this.#peek().kind === 'dot') modifiers.push(this.#take().text.slice(1));
    const operands: PtxOperand[] = [];
    while (!this.#accept(';')) {
      operands.push(this.#operand(state));
      if (this.#peek().text !== ';') this.#expect(',');
    }
    return {
      kind: 'instruction',
      opcode: opcode.text,
      modifiers,
      ...(guard && { guard }),
      operands,
      line: this.source.lineOf(opcode.at),
      at: opcode.at,
      ...(this.#loc && { source: this.#loc }),
    };
  }

  #registerName(state: EntryState, token: Token): string {
    const name = this.#lookup(state, token.text);
    if (name === undefined || !state.registers.has(name))
      throw this.#error(token, `the register ${token.text} is not declared`, 'a declared register');
    return name;
  }

  #lookup(state: EntryState, name: string): string | undefined {
    for (let i = state.scopes.length - 1; i >= 0; i--) {
      const found = state.scopes[i]!.names.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #label(state: EntryState, name: string): string {
    for (let i = state.scopes.length - 1; i >= 0; i--) {
      const found = state.scopes[i]!.labels.get(name);
      if (found !== undefined) return found;
    }
    return name;
  }

  #operand(state: EntryState): PtxOperand {
    const first = this.#simpleOperand(state);
    return this.#accept('|') ? { kind: 'both', first, second: this.#simpleOperand(state) } : first;
  }

  #simpleOperand(state: EntryState): PtxOperand {
    const token = this.#take();
    if (token.text === '{' || token.text === '(') {
      const close = token.text === '{' ? '}' : ')';
      const items: PtxOperand[] = [];
      while (!this.#accept(close)) {
        items.push(this.#operand(state));
        if (this.#peek().text !== close) this.#expect(',');
      }
      return { kind: 'vector', items };
    }
    if (token.text === '[') return this.#memory(state);
    if (token.text === '!') return { kind: 'not', register: this.#registerName(state, this.#take()) };
    if (token.text === '-') {
      const value = parseNumber(this.#take().text);
      if (value.kind === 'integer') return { kind: 'integer', value: -value.value };
      throw this.#error(token, 'a float literal carries its own sign', '0f or 0d and its bits');
    }
    if (token.kind === 'number') return parseNumber(token.text);
    if (token.kind !== 'word')
      throw this.#error(token, 'an operand is missing here', 'a register, number or symbol');
    if (token.text === '_') return { kind: 'sink' };
    const register = this.#lookup(state, token.text);
    if (register !== undefined && state.registers.has(register)) return { kind: 'register', name: register };
    if (token.text.startsWith('%')) {
      const axis = this.#peek().kind === 'dot' ? this.#peek().text : '';
      if (axis) this.#take();
      const name = unitName(token.text + axis);
      if (name === undefined)
        throw this.#error(
          token,
          `the register ${token.text} is not declared`,
          'a declared or special register',
        );
      return { kind: 'special', name };
    }
    let offset = 0;
    if (this.#accept('+')) offset = this.#integer();
    return { kind: 'symbol', name: register ?? this.#label(state, token.text), offset };
  }

  #memory(state: EntryState): PtxOperand {
    const base = this.#simpleBase(state);
    let { offset } = base;
    while (this.#peek().text === '+' || this.#peek().text === '-') {
      const sign = this.#take().text === '-' ? -1 : 1;
      offset += sign * this.#integer();
    }
    let coordinates: PtxOperand[] | undefined;
    if (this.#accept(',')) {
      const operand = this.#operand(state);
      coordinates = operand.kind === 'vector' ? [...operand.items] : [operand];
    }
    this.#expect(']');
    return { kind: 'memory', base: base.base, offset, ...(coordinates && { coordinates }) };
  }

  #simpleBase(state: EntryState): {
    base: { kind: 'register' | 'symbol'; name: string } | undefined;
    offset: number;
  } {
    const token = this.#take();
    if (token.kind === 'number') {
      const value = parseNumber(token.text);
      if (value.kind === 'integer') return { base: undefined, offset: Number(value.value) };
    }
    if (token.kind !== 'word') throw this.#error(token, 'an address is missing here', 'a register or symbol');
    const name = this.#lookup(state, token.text);
    if (name !== undefined && state.registers.has(name))
      return { base: { kind: 'register', name }, offset: 0 };
    if (token.text.startsWith('%'))
      throw this.#error(token, `the register ${token.text} is not declared`, 'a declared register');
    return { base: { kind: 'symbol', name: name ?? token.text }, offset: 0 };
  }
}
