/** One element of a row that is known without loading it: by its key in the row's order, and by its position. */

import { operands, type ValueId } from '../../ir/kernel.js';
import type { Statement, TileExpr } from '../../ir/tile.js';
import { castTo } from './expressions.js';
import type { Scope, SectionContext, ValueSource } from './section-context.js';

export interface Listed {
  readonly key: TileExpr;
  readonly position: TileExpr;
}

/** Whether values are made of `operand` at the same position, of positions, of random bits and of what is the same for all of a row. */
export function isMadeOf(context: SectionContext, operand: ValueId, ids: readonly ValueId[]): boolean {
  const { plan, section, vectorAxis } = context;
  return ids.every((id) => {
    const value = section.values[id]!;
    if (id === operand || !plan.laneVarying(id)) return true;
    switch (value.kind) {
      case 'position':
      case 'random':
        return value.axis === vectorAxis;
      case 'unary':
      case 'binary':
      case 'compare':
      case 'select':
      case 'order':
      case 'cast':
        return isMadeOf(context, operand, operands(value));
      default:
        return false;
    }
  });
}

/** Where values that are made of an element are scalars. Its key is one of `operand`, in the order in which the largest leads. */
export function singleScope(
  context: SectionContext,
  values: ValueSource,
  operand: ValueId,
  { key, position }: Listed,
  out: Statement[],
): Scope {
  const { section, vectorAxis } = context;
  const [ownKey, place] = [context.bind('key', key, out), context.bind('place', position, out)];
  const number: TileExpr = { kind: 'key-number', operand: ownKey, dtype: 'f32', width: 0 };
  const memo = new Map<ValueId, TileExpr>([
    [operand, context.bind(section.values[operand]!.name ?? 'number', number, out)],
  ]);
  for (const value of section.values) {
    if (value.kind === 'order' && value.operand === operand) memo.set(value.id, ownKey);
    if (value.kind === 'position' && value.axis === vectorAxis)
      memo.set(value.id, castTo(place, value.dtype));
    if (value.kind === 'random' && value.axis === vectorAxis) {
      const [seed, offset] = [values.early(value.seed), values.early(value.offset)];
      memo.set(value.id, { kind: 'random-bits', start: place, seed, offset, dtype: 'i32', width: 0 });
    }
  }
  return { tiles: [], out, memo, unordered: true, single: place };
}
