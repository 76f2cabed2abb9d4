/** Text of a dimension expression (`hidden / 128`, `ceil_div(vocab, 32)`) or of a shape entry -> its tree. */

import { RoseError, type ErrorCode } from '../util/errors.js';
import { ExprParser } from './parse-expr.js';
import type { Excerpt } from './source-text.js';
import { TokenReader } from './token-reader.js';
import type { DimExpr, Expr } from './types.js';

/** Raises FORMULA_SYNTAX where the text is no expression, `code` where it is none over integers and names. */
export function parseDimExpr(excerpt: Excerpt, code: ErrorCode): DimExpr {
  const tokens = new TokenReader(excerpt);
  const expr = new ExprParser(tokens).expression();
  if (tokens.next.kind !== 'end') tokens.unexpected('an operator, or the end');
  return fromExpr(expr, code);
}

function fromExpr(expr: Expr, code: ErrorCode): DimExpr {
  if (expr.kind === 'number' && expr.integer) return { kind: 'const', value: expr.value };
  if (expr.kind === 'name') return { kind: 'dim', name: expr.name };
  if (expr.kind === 'binary' && isDimOp(expr.op)) {
    return { kind: 'op', op: expr.op, left: fromExpr(expr.left, code), right: fromExpr(expr.right, code) };
  }
  if (expr.kind === 'call' && expr.name === 'ceil_div' && expr.modes.length === 0) {
    const [left, right] = expr.args;
    if (left && right && expr.args.length === 2)
      return { kind: 'op', op: 'ceil_div', left: fromExpr(left, code), right: fromExpr(right, code) };
  }
  throw new RoseError({
    code,
    message: 'this is no expression over dimensions',
    place: expr.span,
    actual: actualOf(expr),
    expected: 'dimensions and whole numbers with + - * /, ceil_div(a, b) and brackets',
    next: 'write for example `hidden / 128` or `ceil_div(vocab, 32)`',
  });
}

function actualOf(expr: Expr): string {
  if (expr.kind === 'binary') return expr.op;
  if (expr.kind !== 'call') return expr.kind;
  return `${[expr.name, ...expr.modes].join('.')} of ${expr.args.length} arguments`;
}

function isDimOp(op: string): op is '+' | '-' | '*' | '/' {
  return op === '+' || op === '-' || op === '*' || op === '/';
}

/** Names in an expression, from left to right. */
export function dimExprNames(expr: DimExpr): readonly string[] {
  switch (expr.kind) {
    case 'const':
      return [];
    case 'dim':
      return [expr.name];
    case 'op':
      return [...dimExprNames(expr.left), ...dimExprNames(expr.right)];
    default:
      expr satisfies never;
      return [];
  }
}

/** `hidden / 128`, with brackets only where they are needed. */
export function formatDimExpr(expr: DimExpr): string {
  switch (expr.kind) {
    case 'const':
      return String(expr.value);
    case 'dim':
      return expr.name;
    case 'op': {
      if (expr.op === 'ceil_div')
        return `ceil_div(${formatDimExpr(expr.left)}, ${formatDimExpr(expr.right)})`;
      const tight = expr.op === '*' || expr.op === '/';
      const side = (operand: DimExpr, right: boolean): string => {
        const loose = operand.kind === 'op' && (operand.op === '+' || operand.op === '-');
        const bracket =
          operand.kind === 'op' &&
          operand.op !== 'ceil_div' &&
          ((tight && loose) || (right && tight === !loose));
        return bracket ? `(${formatDimExpr(operand)})` : formatDimExpr(operand);
      };
      return `${side(expr.left, false)} ${expr.op} ${side(expr.right, true)}`;
    }
    default:
      expr satisfies never;
      return '';
  }
}
