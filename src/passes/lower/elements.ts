/** Elements of a row that a thread holds at one place of the lanes, each with the integer of its order and its position. */

import type { ValueId } from '../../ir/kernel.js';
import { arith, guarded, name, type Statement, type TileExpr } from '../../ir/tile.js';
import type { Fragments } from './fragments.js';
import type { LaneGeometry } from './lane-geometry.js';
import { fresh } from './scalars.js';
import type { Scope, SectionContext } from './section-context.js';
import type { Values } from './values.js';

export interface Lowering {
  readonly context: SectionContext;
  readonly geometry: LaneGeometry;
  readonly fragments: Fragments;
  readonly values: Values;
}

/** Where keys come from. */
export interface Keyed {
  readonly operand: ValueId;
  /** The smallest elements lead. */
  readonly ascending: boolean;
}

/** Statements for each element at one place of the lanes; none of them for what lies behind the row's end. */
export function eachElement(
  { context, geometry, fragments, values }: Lowering,
  { operand, ascending }: Keyed,
  scope: Scope,
  visit: (key: TileExpr, position: TileExpr) => readonly Statement[],
): readonly Statement[] {
  const body: Statement[] = [];
  const value = fragments.takeApart(values.compute(operand, { ...scope, out: body }), 'r_value', body);
  const [key, variable] = [fresh(context.names, 'key'), context.names.fresh('element')];
  context.unrolled.add(variable);
  const at = name(variable, 'i32');
  const ordered: TileExpr = { kind: 'order-key', operand: value(at), ascending, dtype: 'i32', width: 0 };
  const position = arith('+', geometry.start(context.vectorAxis!, scope.tiles), at);
  body.push({
    kind: 'unroll',
    variable,
    extent: context.lanes.vector,
    body: [{ kind: 'let', name: key.name, value: ordered }, ...visit(key, position)],
  });
  return guarded(geometry.tailGuard(scope.tiles), body);
}
