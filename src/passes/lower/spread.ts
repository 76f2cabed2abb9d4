/** Elements of an array -> statements that the threads of a CTA share: each takes every `threads`-th element. */

import { arith, compare, guarded, i32, name, type Statement, type TileExpr } from '../../ir/tile.js';
import type { Names } from './names.js';
import type { SectionContext } from './section-context.js';

/** `body` for each index below `extent`, by the threads of a CTA. */
export function spread(
  { kernel, names }: SectionContext,
  extent: number,
  body: (index: TileExpr) => readonly Statement[],
): readonly Statement[] {
  const { threads } = kernel.schedule!;
  if (extent <= threads)
    return guarded(extent === threads ? undefined : compare('<', thread, i32(extent)), body(thread));
  return [walk(names, thread, extent, i32(threads), body)];
}

/** The same by the threads of a section's CTAs, of which this is number `cta`; of few elements by those of the first. */
export function spreadOverGrid(
  { kernel, names }: SectionContext,
  { cta, ctas }: { readonly cta: TileExpr; readonly ctas: TileExpr },
  extent: number,
  body: (index: TileExpr) => readonly Statement[],
): readonly Statement[] {
  const { threads } = kernel.schedule!;
  const first = arith('+', arith('*', cta, i32(threads)), thread);
  if (extent <= threads) return guarded(compare('<', first, i32(extent)), body(first));
  return [walk(names, first, extent, arith('*', ctas, i32(threads)), body)];
}

const thread = name('thread', 'i32');

function walk(
  names: Names,
  begin: TileExpr,
  extent: number,
  step: TileExpr,
  body: (index: TileExpr) => readonly Statement[],
): Statement {
  const variable = names.fresh('element');
  const inner = body(name(variable, 'i32'));
  return { kind: 'loop', variable, begin, end: i32(extent), step, unroll: 1, body: inner };
}
