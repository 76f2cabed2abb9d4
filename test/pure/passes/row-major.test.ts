import { describe, expect, test } from '@jest/globals';
import { arith, i32, literal, name, wide, type TileExpr } from '../../../src/ir/tile.js';
import { joinRowMajor } from '../../../src/passes/lower/row-major.js';

const row = name('row', 'i32');
const times = (expr: TileExpr, step: number) => arith('*', wide(expr), literal(step, 'i64'));
const joined = (...parts: TileExpr[]) => joinRowMajor(parts);

describe('offsets of row-major positions', () => {
  const [quotient, rest] = [arith('/', row, i32(8)), arith('%', row, i32(8))];

  test('are the row where the strides are row-major too', () => {
    expect(joined(times(quotient, 8), wide(rest))).toEqual([wide(row)]);
    expect(joined(times(quotient, 24), times(rest, 3))).toEqual([times(row, 3)]);
    expect(joined(wide(name('first', 'i32')), times(quotient, 8), wide(rest))).toHaveLength(2);
  });

  test('stay apart otherwise', () => {
    const other = arith('%', name('other', 'i32'), i32(8));
    for (const parts of [
      [times(quotient, 16), wide(rest)],
      [times(quotient, 8), wide(other)],
      [times(quotient, 8), wide(arith('%', row, i32(4)))],
      [wide(rest), times(quotient, 8)],
    ])
      expect(joined(...parts)).toEqual(parts);
  });
});
