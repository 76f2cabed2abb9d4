/**
 * The expressions of a model recipe: text -> tree. `head_dim ?? hidden_size / num_attention_heads` says how a fact
 * follows from a config's fields.
 *
 *     expression  := coalesce [ '?' expression ':' expression ]
 *     coalesce    := or { '??' or }                     the left side unless it is null
 *     or          := and { '||' and }
 *     and         := compare { '&&' compare }
 *     compare     := sum [ ( '==' | '!=' | '<' | '<=' | '>' | '>=' ) sum ]
 *     sum         := product { ( '+' | '-' ) product }
 *     product     := unary { ( '*' | '/' | '%' ) unary }    '/' must divide exactly
 *     unary       := ( '!' | '-' ) unary | atom
 *     atom        := number | 'text' | true | false | null | name | name '(' arguments ')' | '(' expression ')'
 *     name        := word { '.' word }
 */

export const FUNCTIONS = {
  /** Number of items of a list. */
  length: 1,
  /** Number of items of a list that equal a value. */
  count: 2,
  /** Quotient rounded down. */
  div: 2,
} as const satisfies Record<string, number>;
export type FunctionName = keyof typeof FUNCTIONS;

export type BinaryOperator =
  '??' | '||' | '&&' | '==' | '!=' | '<' | '<=' | '>' | '>=' | '+' | '-' | '*' | '/' | '%';

/** Where in the expression's text. */
export interface TextRange {
  readonly start: number;
  readonly length: number;
}

export type Expression = TextRange &
  (
    | { readonly kind: 'constant'; readonly value: number | string | boolean | null }
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'unary'; readonly op: '!' | '-'; readonly operand: Expression }
    | {
        readonly kind: 'binary';
        readonly op: BinaryOperator;
        readonly left: Expression;
        readonly right: Expression;
      }
    | {
        readonly kind: 'choice';
        readonly condition: Expression;
        readonly then: Expression;
        readonly otherwise: Expression;
      }
    | { readonly kind: 'call'; readonly name: FunctionName; readonly args: readonly Expression[] }
  );

/** What is wrong in an expression's text; who knows the file turns it into a RoseError. */
export interface SyntaxProblem extends TextRange {
  readonly actual: string;
  readonly expected: string;
}

export type Parsed =
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly problem: SyntaxProblem };

export function parseExpression(text: string): Parsed {
  try {
    return { ok: true, expression: new Parser(text).whole() };
  } catch (error) {
    if (error instanceof Failure) return { ok: false, problem: error.problem };
    throw error;
  }
}

/** Every name that an expression reads. */
export function namesOf(expression: Expression): readonly (TextRange & { readonly name: string })[] {
  switch (expression.kind) {
    case 'constant':
      return [];
    case 'name':
      return [expression];
    case 'unary':
      return namesOf(expression.operand);
    case 'binary':
      return [expression.left, expression.right].flatMap(namesOf);
    case 'choice':
      return [expression.condition, expression.then, expression.otherwise].flatMap(namesOf);
    case 'call':
      return expression.args.flatMap(namesOf);
  }
}

/** The expression as text, for messages. */
export function printExpression(expression: Expression): string {
  const inner = (operand: Expression): string =>
    operand.kind === 'binary' || operand.kind === 'choice'
      ? `(${printExpression(operand)})`
      : printExpression(operand);
  switch (expression.kind) {
    case 'constant':
      return typeof expression.value === 'string' ? `'${expression.value}'` : String(expression.value);
    case 'name':
      return expression.name;
    case 'unary':
      return `${expression.op}${inner(expression.operand)}`;
    case 'binary':
      return `${inner(expression.left)} ${expression.op} ${inner(expression.right)}`;
    case 'choice':
      return `${inner(expression.condition)} ? ${inner(expression.then)} : ${inner(expression.otherwise)}`;
    case 'call':
      return `${expression.name}(${expression.args.map(printExpression).join(', ')})`;
  }
}

class Failure extends Error {
  constructor(readonly problem: SyntaxProblem) {
    super(problem.expected);
  }
}

const TOKEN =
  /\s*(?:(?<number>\d+(?:\.\d+)?)|(?<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)|(?<text>'[^']*')|(?<symbol>\?\?|\|\||&&|==|!=|<=|>=|[-+*/%<>!?:(),]))/y;

const LEVELS: readonly (readonly BinaryOperator[])[] = [
  ['??'],
  ['||'],
  ['&&'],
  ['==', '!=', '<', '<=', '>', '>='],
  ['+', '-'],
  ['*', '/', '%'],
];
const COMPARE = 3;
const MAX_DEPTH = 60;

interface Token extends TextRange {
  readonly kind: 'number' | 'name' | 'text' | 'symbol' | 'end';
  readonly text: string;
}

class Parser {
  private token: Token;
  private lastEnd = 0;
  private depth = 0;

  constructor(private readonly text: string) {
    this.token = this.scan(0);
  }

  whole(): Expression {
    const expression = this.expression();
    if (this.token.kind !== 'end') throw this.failure('an operator or the end of the expression');
    return expression;
  }

  private expression(): Expression {
    if (++this.depth > MAX_DEPTH) throw this.failure(`at most ${MAX_DEPTH} nested brackets`);
    const condition = this.binary(0);
    let result = condition;
    if (this.accept('?')) {
      const then = this.expression();
      this.expect(':');
      const otherwise = this.expression();
      result = { kind: 'choice', condition, then, otherwise, ...this.since(condition.start) };
    }
    this.depth--;
    return result;
  }

  private binary(level: number): Expression {
    const operators = LEVELS[level];
    if (!operators) return this.unary();
    let left = this.binary(level + 1);
    for (let op = this.operator(operators); op; op = this.operator(operators)) {
      const right = this.binary(level + 1);
      left = { kind: 'binary', op, left, right, ...this.since(left.start) };
      if (level === COMPARE) break;
    }
    return left;
  }

  private operator(operators: readonly BinaryOperator[]): BinaryOperator | undefined {
    if (this.token.kind !== 'symbol') return undefined;
    const op = operators.find((candidate) => candidate === this.token.text);
    if (op) this.advance();
    return op;
  }

  private unary(): Expression {
    const { start, text } = this.token;
    if (this.token.kind !== 'symbol' || (text !== '!' && text !== '-')) return this.atom();
    if (++this.depth > MAX_DEPTH) throw this.failure(`at most ${MAX_DEPTH} nested operators`);
    this.advance();
    const operand = this.unary();
    this.depth--;
    return { kind: 'unary', op: text, operand, ...this.since(start) };
  }

  private atom(): Expression {
    const { kind, text, start, length } = this.token;
    if (kind === 'symbol' && this.accept('(')) {
      const inner = this.expression();
      this.expect(')');
      return inner;
    }
    if (kind === 'symbol' || kind === 'end') throw this.failure('a number, a name or "("');
    this.advance();
    if (kind === 'number') return { kind: 'constant', value: Number(text), start, length };
    if (kind === 'text') return { kind: 'constant', value: text.slice(1, -1), start, length };
    if (text === 'true' || text === 'false')
      return { kind: 'constant', value: text === 'true', start, length };
    if (text === 'null') return { kind: 'constant', value: null, start, length };
    if (this.token.kind === 'symbol' && this.token.text === '(') return this.call(text, { start, length });
    return { kind: 'name', name: text, start, length };
  }

  private call(name: string, at: TextRange): Expression {
    if (!isFunction(name)) {
      const expected = `one of the functions ${Object.keys(FUNCTIONS).join(', ')}`;
      throw new Failure({ ...at, actual: name, expected });
    }
    this.expect('(');
    const args = [this.expression()];
    while (this.accept(',')) args.push(this.expression());
    this.expect(')');
    const range = this.since(at.start);
    if (args.length !== FUNCTIONS[name]) {
      const expected = `${FUNCTIONS[name]} argument${FUNCTIONS[name] === 1 ? '' : 's'} to ${name}`;
      throw new Failure({ ...range, actual: String(args.length), expected });
    }
    return { kind: 'call', name, args, ...range };
  }

  private accept(symbol: string): boolean {
    if (this.token.kind !== 'symbol' || this.token.text !== symbol) return false;
    this.advance();
    return true;
  }

  private expect(symbol: string): void {
    if (!this.accept(symbol)) throw this.failure(`"${symbol}"`);
  }

  private advance(): void {
    this.lastEnd = this.token.start + this.token.length;
    this.token = this.scan(this.lastEnd);
  }

  private since(start: number): TextRange {
    return { start, length: this.lastEnd - start };
  }

  private scan(from: number): Token {
    TOKEN.lastIndex = from;
    const groups = TOKEN.exec(this.text)?.groups;
    for (const kind of ['number', 'name', 'text', 'symbol'] as const) {
      const text = groups?.[kind];
      if (text !== undefined)
        return { kind, text, start: TOKEN.lastIndex - text.length, length: text.length };
    }
    const start = from + /\s*/.exec(this.text.slice(from))![0].length;
    if (start >= this.text.length) return { kind: 'end', text: '', start: this.text.length, length: 0 };
    const actual = JSON.stringify(this.text[start]);
    throw new Failure({ start, length: 1, actual, expected: 'a number, a name or an operator' });
  }

  private failure(expected: string): Failure {
    const { kind, text, start, length } = this.token;
    const actual = kind === 'end' ? 'the end of the expression' : JSON.stringify(text);
    return new Failure({ start, length, actual, expected });
  }
}

function isFunction(name: string): name is FunctionName {
  return Object.hasOwn(FUNCTIONS, name);
}
