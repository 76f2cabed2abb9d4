/** Small expressions that lowering is made of: row counts, casts, booleans in memory, what is known while tracing. */

import type { Dtype } from '../../spec/index.js';
import { operands, type Section, type Value, type ValueId } from '../../ir/kernel.js';
import { arith, compare, i32, literal, name, type TileExpr } from '../../ir/tile.js';

/** Number of rows of a section, as i32. */
export function rowCount(section: Section): TileExpr {
  return section.axes
    .filter((info) => info.role === 'row')
    .map(({ axis, extent }): TileExpr => (extent === 'dynamic' ? name(axis, 'i32') : i32(extent)))
    .sort((a, b) => Number(a.kind === 'literal') - Number(b.kind === 'literal'))
    .reduce((product, extent) => arith('*', product, extent), i32(1));
}

export function operandsOf(value: Value): readonly ValueId[] {
  if (value.kind === 'cut' || value.kind === 'top') return operands(value);
  return 'left' in value
    ? [value.left, value.right]
    : 'condition' in value
      ? [value.condition, value.then, value.otherwise]
      : 'operand' in value
        ? [value.operand]
        : [];
}

/** bool is one byte in memory: what is read of it is compared with 0. */
export function asBool(element: TileExpr): TileExpr {
  if (element.dtype !== 'bool') return element;
  const bytes: TileExpr = { ...element, dtype: 'u8' };
  return compare('!=', bytes, literal(0, 'u8'));
}

export function castTo(operand: TileExpr, dtype: Dtype): TileExpr {
  if (operand.dtype === dtype) return operand;
  if (operand.kind === 'literal') return { ...operand, dtype };
  return { kind: 'cast', operand, rounding: 'rn', saturate: false, dtype, width: operand.width };
}

/** Known while the module is traced: made of literals and the variables of unrolled loops. */
export function isTraced(expr: TileExpr, unrolled: ReadonlySet<string>): boolean {
  switch (expr.kind) {
    case 'literal':
      return true;
    case 'name':
      return unrolled.has(expr.name);
    case 'binary':
    case 'compare':
      return isTraced(expr.left, unrolled) && isTraced(expr.right, unrolled);
    case 'cast':
      return isTraced(expr.operand, unrolled);
    default:
      return false;
  }
}
