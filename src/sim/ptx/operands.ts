/** Operands of an instruction: tokens -> typed operands, with names resolved. */

import type { PtxOperand } from './ast.js';
import type { Cursor } from './cursor.js';
import type { Token } from './lexer.js';
import { parseNumber } from './literals.js';
import type { Scopes } from './scopes.js';
import { unitName } from './special.js';

type Base = { readonly kind: 'register' | 'symbol'; readonly name: string } | undefined;

export class Operands {
  constructor(
    readonly cursor: Cursor,
    readonly scopes: Scopes,
  ) {}

  /** The unique name of a register that must be declared. */
  register(token: Token): string {
    return this.scopes.findRegister(token.text) ?? this.#undeclared(token, 'a declared register');
  }

  #undeclared(token: Token, expected: string): never {
    throw this.cursor.error(token, `the register ${token.text} is not declared`, expected);
  }

  /** One operand, or `d|p`. */
  operand(): PtxOperand {
    const first = this.#simple();
    return this.cursor.accept('|') ? { kind: 'both', first, second: this.#simple() } : first;
  }

  #simple(): PtxOperand {
    const { cursor } = this;
    const token = cursor.take();
    if (token.text === '{' || token.text === '(') return this.#vector(token.text === '{' ? '}' : ')');
    if (token.text === '[') return this.#memory();
    if (token.text === '!') return { kind: 'not', register: this.register(cursor.take()) };
    if (token.text === '-') {
      const value = parseNumber(cursor.take().text);
      if (value.kind === 'integer') return { kind: 'integer', value: -value.value };
      throw cursor.error(token, 'a float literal carries its own sign', '0f or 0d and its bits');
    }
    if (token.kind === 'number') return parseNumber(token.text);
    if (token.kind !== 'word')
      throw cursor.error(token, 'an operand is missing here', 'a register, number or symbol');
    return this.#word(token);
  }

  #word(token: Token): PtxOperand {
    const { cursor, scopes } = this;
    if (token.text === '_') return { kind: 'sink' };
    const register = scopes.findRegister(token.text);
    if (register !== undefined) return { kind: 'register', name: register };
    if (token.text.startsWith('%')) {
      const axis = cursor.peek().kind === 'dot' ? cursor.take().text : '';
      const name = unitName(token.text + axis);
      return name === undefined
        ? this.#undeclared(token, 'a declared or special register')
        : { kind: 'special', name };
    }
    const offset = cursor.accept('+') ? cursor.integer() : 0;
    return { kind: 'symbol', name: scopes.find(token.text) ?? scopes.label(token.text), offset };
  }

  #vector(close: string): PtxOperand {
    const items: PtxOperand[] = [];
    while (!this.cursor.accept(close)) {
      items.push(this.operand());
      if (this.cursor.peek().text !== close) this.cursor.expect(',');
    }
    return { kind: 'vector', items };
  }

  /** After the bracket: `base + offset]`, or `base, {c0, c1}]`. */
  #memory(): PtxOperand {
    const { cursor } = this;
    const { base, start } = this.#base();
    let offset = start;
    while (cursor.peek().text === '+' || cursor.peek().text === '-') {
      const sign = cursor.take().text === '-' ? -1 : 1;
      offset += sign * cursor.integer();
    }
    let coordinates: PtxOperand[] | undefined;
    if (cursor.accept(',')) {
      const operand = this.operand();
      coordinates = operand.kind === 'vector' ? [...operand.items] : [operand];
    }
    cursor.expect(']');
    return { kind: 'memory', base, offset, ...(coordinates && { coordinates }) };
  }

  #base(): { base: Base; start: number } {
    const { cursor, scopes } = this;
    const token = cursor.take();
    if (token.kind === 'number') {
      const value = parseNumber(token.text);
      if (value.kind === 'integer') return { base: undefined, start: Number(value.value) };
    }
    if (token.kind !== 'word')
      throw cursor.error(token, 'an address is missing here', 'a register or symbol');
    const register = scopes.findRegister(token.text);
    if (register !== undefined) return { base: { kind: 'register', name: register }, start: 0 };
    if (token.text.startsWith('%')) this.#undeclared(token, 'a declared register');
    return { base: { kind: 'symbol', name: scopes.find(token.text) ?? token.text }, start: 0 };
  }
}
