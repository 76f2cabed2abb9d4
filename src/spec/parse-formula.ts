/** Text of one section's formula -> statements: `target[dim: index] = value where condition`, one a line. */

import { RoseError } from '../util/errors.js';
import { LIMITS } from './limits.js';
import { ExprParser } from './parse-expr.js';
import type { Excerpt } from './source-text.js';
import { TokenReader } from './token-reader.js';
import type { Statement } from './types.js';

/** Raises FORMULA_SYNTAX. */
export function parseFormula(excerpt: Excerpt): readonly Statement[] {
  const tokens = new TokenReader(excerpt);
  const expressions = new ExprParser(tokens);
  const statements: Statement[] = [];
  for (tokens.skipLines(); tokens.next.kind !== 'end'; tokens.skipLines()) {
    const statement = parseStatement(tokens, expressions);
    statements.push(statement);
    if (statements.length > LIMITS.statements) {
      throw new RoseError({
        code: 'FORMULA_SYNTAX',
        message: 'the formula has too many statements',
        place: statement.span,
        actual: `more than ${LIMITS.statements}`,
        expected: `at most ${LIMITS.statements}`,
        next: 'split the kernel',
      });
    }
  }
  if (statements.length === 0) tokens.unexpected('a statement such as `out = T(f32(x) * 2.0)`');
  return statements;
}

function parseStatement(tokens: TokenReader, expressions: ExprParser): Statement {
  const target = tokens.name('a statement: a name, then =');
  const entries = tokens.is('[') ? expressions.entries() : [];
  if (tokens.is('==')) tokens.unexpected('= (one, not two)');
  tokens.expect('=', 'after the name that is assigned');
  const value = expressions.expression();
  const where = tokens.accept('where') ? expressions.expression() : undefined;
  const span = tokens.from(target.start);
  const { kind, text } = tokens.next;
  if (kind !== 'newline' && kind !== 'end') {
    tokens.unexpected(text === '=' ? 'one = a statement' : 'an operator, or the end of the line');
  }
  return { target: target.text, entries, value, ...(where && { where }), span };
}
