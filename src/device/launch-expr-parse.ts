/** Text -> launch expression: `ceilDiv(tokens, 4) * 2`. The inverse of `printExpr`. */

import { RoseError } from '../util/errors.js';
import { expr, LAUNCH_OPERATIONS, type LaunchExpr, type LaunchOperation } from './launch-expr.js';

const TOKEN = /\s*(?:(\d+)|([A-Za-z_][A-Za-z0-9_]*)|([-+*/%(),]))/y;
const SYMBOLS: Readonly<Record<string, LaunchOperation>> = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '/': 'div',
  '%': 'mod',
};

/** Brackets or operators nested deeper than this are refused: no launch rule is, and the stack has an end. */
const MAX_DEPTH = 100;

/** Raises MANIFEST_INVALID, with the column, for text that is no expression. */
export function parseExpr(text: string): LaunchExpr {
  const parser = new Parser(text);
  const result = parser.sum(0);
  parser.end();
  return result;
}

class Parser {
  private token = '';
  private start = 0;
  private position = 0;

  constructor(private readonly text: string) {
    this.advance();
  }

  /** sum := product (('+' | '-') product)* */
  sum(depth: number): LaunchExpr {
    let left = this.product(depth);
    while (this.token === '+' || this.token === '-') left = this.operator(left, () => this.product(depth));
    return left;
  }

  end(): void {
    if (this.token !== '') throw this.error('the end of the expression');
  }

  /** product := atom (('*' | '/' | '%') atom)* */
  private product(depth: number): LaunchExpr {
    let left = this.atom(depth);
    while (this.token === '*' || this.token === '/' || this.token === '%') {
      left = this.operator(left, () => this.atom(depth));
    }
    return left;
  }

  private operator(left: LaunchExpr, right: () => LaunchExpr): LaunchExpr {
    const op = SYMBOLS[this.token]!;
    this.advance();
    return expr.binary(op, left, right());
  }

  /** atom := number | '-' number | name | name '(' sum ',' sum ')' | '(' sum ')' */
  private atom(depth: number): LaunchExpr {
    if (depth > MAX_DEPTH) throw this.error(`at most ${MAX_DEPTH} nested brackets`);
    if (this.accept('(')) {
      const inner = this.sum(depth + 1);
      this.expect(')');
      return inner;
    }
    if (this.accept('-')) return expr.const(-this.number());
    if (/^\d/.test(this.token)) return expr.const(this.number());
    const name = this.name();
    if (!this.accept('(')) return name === 'smCount' ? expr.smCount() : expr.dim(name);
    const call = name === 'stride' ? this.stride() : this.call(name, depth + 1);
    this.expect(')');
    return call;
  }

  private call(name: string, depth: number): LaunchExpr {
    const op = LAUNCH_OPERATIONS.find((operation) => operation === name);
    if (!op) throw this.error(`one of ${LAUNCH_OPERATIONS.join(', ')} before "("`);
    const left = this.sum(depth);
    this.expect(',');
    return expr.binary(op, left, this.sum(depth));
  }

  private stride(): LaunchExpr {
    const tensor = this.name();
    this.expect(',');
    return expr.stride(tensor, this.number());
  }

  private number(): number {
    if (!/^\d/.test(this.token)) throw this.error('a number');
    const value = Number(this.token);
    if (!Number.isSafeInteger(value)) throw this.error('a number below 2^53');
    this.advance();
    return value;
  }

  private name(): string {
    if (!/^[A-Za-z_]/.test(this.token)) throw this.error('a number, a dimension or "("');
    const name = this.token;
    this.advance();
    return name;
  }

  private accept(token: string): boolean {
    if (this.token !== token) return false;
    this.advance();
    return true;
  }

  private expect(token: string): void {
    if (!this.accept(token)) throw this.error(`"${token}"`);
  }

  private advance(): void {
    TOKEN.lastIndex = this.position;
    const match = TOKEN.exec(this.text);
    if (match) {
      this.token = match[1] ?? match[2] ?? match[3]!;
      this.start = TOKEN.lastIndex - this.token.length;
      this.position = TOKEN.lastIndex;
    } else {
      this.start = this.text.length - this.text.slice(this.position).trimStart().length;
      this.token = this.text.charAt(this.start);
      this.position = this.text.length;
    }
  }

  private error(expected: string): RoseError {
    return new RoseError({
      code: 'MANIFEST_INVALID',
      message: 'a launch expression does not parse',
      place: { file: 'expression', line: 1, column: this.start + 1, text: this.text },
      actual: this.token === '' ? 'the end of the text' : JSON.stringify(this.token),
      expected,
      next: 'write it with + - * / %, min, max, ceilDiv and the names of dims',
    });
  }
}
