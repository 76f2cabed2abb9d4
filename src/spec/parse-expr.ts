/**
 * Tokens -> an expression, by precedence climbing.
 *
 * From weakest to strongest: `||`, `&&`, comparisons (which do not chain), `|`, `^`, `&`, `<< >>`, `+ -`, `* / %`,
 * unary `- !`, `[...]`.
 */

import { RoseError, type Place } from '../util/errors.js';
import { LIMITS } from './limits.js';
import { REDUCTIONS, ROW_FUNCTIONS, SELECTIONS, TALLIES } from './names.js';
import type { TokenReader } from './token-reader.js';
import type {
  BinaryOp,
  BlockLength,
  CompareOp,
  Expr,
  IndexEntry,
  ReduceOp,
  RowFn,
  SelectFn,
  TallyFn,
} from './types.js';

/** How tightly each operator between two operands binds. */
const PRECEDENCE: ReadonlyMap<string, number> = new Map([
  ['||', 1],
  ['&&', 2],
  ...['==', '!=', '<', '<=', '>', '>='].map((op): [string, number] => [op, 3]),
  ['|', 4],
  ['^', 5],
  ['&', 6],
  ...['<<', '>>'].map((op): [string, number] => [op, 7]),
  ...['+', '-'].map((op): [string, number] => [op, 8]),
  ...['*', '/', '%'].map((op): [string, number] => [op, 9]),
]);
const COMPARISON = 3;

export class ExprParser {
  private nodes = 0;
  private nested = 0;
  /** Height of each node, so that long chains are bounded as nested brackets are. */
  private readonly heights = new WeakMap<Expr, number>();

  constructor(private readonly tokens: TokenReader) {}

  /** A whole expression. Raises FORMULA_SYNTAX. */
  expression(minimum = 1): Expr {
    const start = this.tokens.next.start;
    let left = this.prefix();
    for (;;) {
      const { kind, text } = this.tokens.next;
      const precedence = kind === 'symbol' ? PRECEDENCE.get(text) : undefined;
      if (precedence === undefined || precedence < minimum) return left;
      this.tokens.take();
      const right = this.deeper(() => this.expression(precedence + 1));
      const op = text as BinaryOp | CompareOp;
      left = this.node({ kind: 'binary', op, left, right, span: this.tokens.from(start) }, [left, right]);
      const chained =
        PRECEDENCE.get(this.tokens.next.text) === COMPARISON && this.tokens.next.kind === 'symbol';
      if (precedence === COMPARISON && chained) this.tokens.unexpected('&& between two comparisons');
    }
  }

  /** `[dim: index, ...]`, where a `[` is next. */
  entries(): readonly IndexEntry[] {
    this.tokens.expect('[', 'before the dimensions');
    const entries: IndexEntry[] = [];
    do {
      const dim = this.tokens.name('a dimension');
      this.tokens.expect(':', 'and an index after the dimension');
      const index = this.deeper(() => this.expression());
      entries.push({ dim: dim.text, index, span: this.tokens.from(dim.start) });
    } while (this.tokens.accept(','));
    this.tokens.expect(']', 'after the index');
    return entries;
  }

  private prefix(): Expr {
    const { start } = this.tokens.next;
    const op = this.tokens.is('-') ? 'neg' : this.tokens.is('!') ? 'not' : undefined;
    if (op === undefined) return this.postfix();
    this.tokens.take();
    const operand = this.deeper(() => this.prefix());
    return this.node({ kind: 'unary', op, operand, span: this.tokens.from(start) }, [operand]);
  }

  private postfix(): Expr {
    const { start } = this.tokens.next;
    let operand = this.primary();
    while (this.tokens.is('[')) {
      const entries = this.entries();
      operand = this.node({ kind: 'index', operand, entries, span: this.tokens.from(start) }, [
        operand,
        ...entries.map((entry) => entry.index),
      ]);
    }
    return operand;
  }

  private primary(): Expr {
    const { tokens } = this;
    const token = tokens.next;
    if (token.kind === 'number') {
      tokens.take();
      return this.number(token.text, tokens.place(token));
    }
    if (tokens.accept('(')) {
      const inner = this.deeper(() => this.expression());
      tokens.expect(')', 'to close the bracket');
      return inner;
    }
    if (token.kind !== 'name') tokens.unexpected('a value: a name, a number, a call or a bracket');
    tokens.take();
    if (tokens.is('[') && (REDUCTIONS as readonly string[]).includes(token.text)) {
      return this.reduction(token.text as ReduceOp, token.start);
    }
    if (tokens.is('[') && (SELECTIONS as readonly string[]).includes(token.text)) {
      return this.selection(token.text as SelectFn, token.start);
    }
    if (tokens.is('[') && (TALLIES as readonly string[]).includes(token.text)) {
      return this.tally(token.text as TallyFn, token.start);
    }
    if (tokens.is('[') && token.text === 'scan') return this.scan(token.start);
    if (tokens.is('[') && (ROW_FUNCTIONS as readonly string[]).includes(token.text)) {
      return this.rowFunction(token.text as RowFn, token.start);
    }
    if (token.text === 'inf') {
      return this.node({ kind: 'number', value: Infinity, integer: false, span: tokens.place(token) }, []);
    }
    if (tokens.is('(') || tokens.is('.')) return this.call(token.text, token.start);
    return this.node({ kind: 'name', name: token.text, span: tokens.place(token) }, []);
  }

  /** `name.mode.mode(args)`. */
  private call(name: string, start: number): Expr {
    const { tokens } = this;
    const modes: string[] = [];
    while (tokens.accept('.')) modes.push(tokens.name('a rounding (rn, rz, rm, rp) or sat').text);
    const args = this.arguments();
    return this.node({ kind: 'call', name, modes, args, span: tokens.from(start) }, args);
  }

  /** `(a, b, ...)`. */
  private arguments(): readonly Expr[] {
    const { tokens } = this;
    tokens.expect('(', 'before the arguments');
    const args: Expr[] = [];
    if (!tokens.is(')')) {
      do args.push(this.deeper(() => this.expression()));
      while (tokens.accept(','));
    }
    tokens.expect(')', 'or , after an argument');
    return args;
  }

  /** `sum[dim](e)`, `max[dim by 128](e)`, `mean[dim in offsets](e)`, from the `[` on. */
  private reduction(op: ReduceOp, start: number): Expr {
    const { tokens } = this;
    tokens.expect('[', 'before the dimension');
    const dim = tokens.name('the dimension to reduce').text;
    const by = tokens.accept('by') ? this.blockLength() : undefined;
    const range =
      by === undefined && tokens.accept('in') ? tokens.name('the tensor of offsets').text : undefined;
    if (tokens.is(',')) tokens.unexpected(`] (for several dimensions write ${op}[a](${op}[b](x)))`);
    tokens.expect(']', 'after the dimension');
    tokens.expect('(', 'before the value that is reduced');
    const operand = this.deeper(() => this.expression());
    tokens.expect(')', 'to close the reduction');
    return this.node(
      {
        kind: 'reduce',
        op,
        dim,
        ...(by !== undefined && { by }),
        ...(range !== undefined && { range }),
        operand,
        span: tokens.from(start),
      },
      [operand],
    );
  }

  /** A number, or a dimension. */
  private blockLength(): BlockLength {
    const { tokens } = this;
    if (tokens.next.kind === 'name') return tokens.take().text;
    return tokens.positive('the length of a block, such as 128, or a static dimension');
  }

  /** `top[dim -> slots](e)`, `top[dim -> slots](e, allowed)`, from the `[` on. */
  private selection(fn: SelectFn, start: number): Expr {
    const { tokens } = this;
    tokens.expect('[', 'before the dimension');
    const dim = tokens.name('the dimension to select from').text;
    tokens.expect('->', `and the dimension of the result, such as ${fn}[${dim} -> k](x)`);
    const slots = tokens.name('the dimension of the result').text;
    tokens.expect(']', 'after the dimensions');
    tokens.expect('(', 'before the value that is compared');
    const operand = this.deeper(() => this.expression());
    const allowed = tokens.accept(',') ? this.deeper(() => this.expression()) : undefined;
    tokens.expect(')', 'to close the selection');
    return this.node(
      { kind: 'top', fn, dim, slots, operand, ...(allowed && { allowed }), span: tokens.from(start) },
      [operand, ...(allowed ? [allowed] : [])],
    );
  }

  /** `count[tokens, k](experts: e)`, from the `[` on. */
  private tally(fn: TallyFn, start: number): Expr {
    const { tokens } = this;
    tokens.expect('[', 'before the dimensions');
    const dims: string[] = [];
    do dims.push(tokens.name('a dimension to count over').text);
    while (tokens.accept(','));
    tokens.expect(']', 'after the dimensions');
    tokens.expect('(', 'before the dimension of the index');
    const bins = tokens.name('the dimension that the index lies in').text;
    tokens.expect(':', `and the index, such as ${fn}[tokens, k](experts: ids)`);
    const operand = this.deeper(() => this.expression());
    tokens.expect(')', 'after the index');
    return this.node({ kind: 'tally', fn, dims, bins, operand, span: tokens.from(start) }, [operand]);
  }

  /** `scan[dim](e)`, from the `[` on. */
  private scan(start: number): Expr {
    const { tokens } = this;
    tokens.expect('[', 'before the dimension');
    const dim = tokens.name('the dimension to sum along').text;
    tokens.expect(']', 'after the dimension');
    tokens.expect('(', 'before the value that is summed');
    const operand = this.deeper(() => this.expression());
    tokens.expect(')', 'to close the scan');
    return this.node({ kind: 'scan', dim, operand, span: tokens.from(start) }, [operand]);
  }

  /** `argmax[dim](e)`, `nucleus[dim](e, weight, share)`, `largest[dim by 32](e, k)`, `largest[dim/32](e, k)`, from the `[` on. */
  private rowFunction(fn: RowFn, start: number): Expr {
    const { tokens } = this;
    tokens.expect('[', 'before the dimension');
    const dim = tokens.name('the dimension that the row lies along').text;
    const blocks = tokens.accept('/');
    const by = blocks || tokens.accept('by') ? this.blockLength() : undefined;
    tokens.expect(']', 'after the dimension');
    const args = this.arguments();
    const cut = { ...(by !== undefined && { by }), ...(blocks && { blocks }) };
    return this.node({ kind: 'row', fn, dim, ...cut, args, span: tokens.from(start) }, args);
  }

  private number(text: string, span: Place): Expr {
    const value = Number(text);
    const integer = /^\d+$/.test(text);
    const limit = integer ? Number.MAX_SAFE_INTEGER : 3.4028234663852886e38;
    if (value > limit || text.length > 64) {
      throw new RoseError({
        code: 'FORMULA_SYNTAX',
        message: 'the number is too large',
        place: span,
        actual: text.length > 40 ? `${text.slice(0, 40)}…` : text,
        expected: integer ? 'at most 2^53 - 1' : 'a finite f32, in at most 64 characters',
        next: 'write a smaller number',
      });
    }
    return this.node({ kind: 'number', value, integer, span }, []);
  }

  /** Counts a node and bounds how high a tree of them may grow. */
  private node(expr: Expr, children: readonly Expr[]): Expr {
    const height = 1 + Math.max(0, ...children.map((child) => this.heights.get(child) ?? 0));
    this.heights.set(expr, height);
    this.nodes += 1;
    if (height > LIMITS.depth) throw tooDeep(expr.span);
    if (this.nodes > LIMITS.nodes) {
      throw new RoseError({
        code: 'FORMULA_SYNTAX',
        message: 'the formula is too long',
        place: expr.span,
        actual: `more than ${LIMITS.nodes} terms`,
        expected: `at most ${LIMITS.nodes}`,
        next: 'split the kernel',
      });
    }
    return expr;
  }

  private deeper<T>(parse: () => T): T {
    if (++this.nested > LIMITS.depth) throw tooDeep(this.tokens.place(this.tokens.next));
    const result = parse();
    this.nested--;
    return result;
  }
}

function tooDeep(place: Place): RoseError {
  return new RoseError({
    code: 'FORMULA_SYNTAX',
    message: 'the expression is nested too deeply',
    place,
    actual: `more than ${LIMITS.depth} levels`,
    expected: `at most ${LIMITS.depth}`,
    next: 'give a part of it a name in a statement of its own',
  });
}
