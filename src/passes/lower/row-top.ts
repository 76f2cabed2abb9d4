/** The largest key of a row, in each of its threads. */

import type { ValueId } from '../../ir/kernel.js';
import { i32, name, type Statement, type TileExpr } from '../../ir/tile.js';
import { overWarp, TAKEN, typed } from './integers.js';
import { orderKey } from './row-elements.js';
import { extreme, read } from './scalars.js';
import type { SectionContext } from './section-context.js';
import type { Values } from './values.js';
import { declareResults, overResults, shareResults, warpsOf } from './warp-results.js';

/** That of the row's maximum, where it has been found already. */
export function knownTop(
  context: SectionContext,
  values: Values,
  operand: ValueId,
  ascending: boolean,
): TileExpr | undefined {
  const known = context.section.values.find(
    (value) => value.kind === 'reduce' && value.fn === 'max' && value.operand === operand,
  );
  const maximum = known && values.result(known.id);
  return maximum && !ascending ? orderKey(maximum, false) : undefined;
}

/** Leaves in the new variable `top` the largest of all threads' `own`. */
export function findTop(context: SectionContext, own: TileExpr, top: string): readonly Statement[] {
  const { cluster } = context.lanes;
  const warps = warpsOf(context);
  const count = warps * cluster;
  const most = name(top, 'i32');
  const first: Statement = { kind: 'let', name: top, value: overWarp('max', own) };
  if (count === 1) return [first];
  const region = declareResults(context, `s_${top}`, count);
  return [
    first,
    ...shareResults(cluster, [{ to: region, value: most, warps }]),
    { kind: 'assign', name: top, value: typed(i32(TAKEN)) },
    overResults(context, count, (index) => [
      { kind: 'assign', name: top, value: extreme('max', most, read(region, index)) },
    ]),
    { kind: 'assign', name: top, value: overWarp('max', most) },
  ];
}
