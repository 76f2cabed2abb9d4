/** Positions made of a row-major number, where their strides are row-major too -> the number itself: `row / 8 * 8 + row % 8` is `row`. */

import { arith, literal, wide, type TileExpr } from '../../ir/tile.js';
import { canonicalJson } from '../../util/hash.js';

/** Parts of an offset with such neighbours joined. */
export function joinRowMajor(parts: readonly TileExpr[]): readonly TileExpr[] {
  return parts.reduce<readonly TileExpr[]>((joined, part) => {
    const last = joined.at(-1);
    const whole = last && join(last, part);
    return whole ? [...joined.slice(0, -1), whole] : [...joined, part];
  }, []);
}

function join(slow: TileExpr, fast: TileExpr): TileExpr | undefined {
  const [outer, inner] = [stepOf(slow), stepOf(fast)];
  const [quotient, rest] = [outer?.of, inner?.of];
  if (quotient?.kind !== 'binary' || rest?.kind !== 'binary' || quotient.fn !== '/' || rest.fn !== '%')
    return undefined;
  if (canonicalJson([quotient.left, quotient.right]) !== canonicalJson([rest.left, rest.right]))
    return undefined;
  const size = quotient.right;
  if (size.kind !== 'literal' || outer!.step !== inner!.step * Number(size.value)) return undefined;
  return arith('*', wide(quotient.left), literal(inner!.step, 'i64'));
}

/** What an i64 is a multiple of, as i32, and which. */
function stepOf(expr: TileExpr): { of: TileExpr; step: number } | undefined {
  if (expr.kind === 'cast') return { of: expr.operand, step: 1 };
  if (expr.kind !== 'binary' || expr.fn !== '*') return undefined;
  const { left, right } = expr;
  return left.kind === 'cast' && right.kind === 'literal'
    ? { of: left.operand, step: Number(right.value) }
    : undefined;
}
