/**
 * Complement: the layout of what a layout leaves out.
 *
 * 4:2 within 24 -> (2,3):(1,8): one mode for each gap between the sorted modes of the layout, then one for the rest.
 * An element of the layout plus one of its complement names each integer at most once.
 */
import { mergeModes } from './coalesce.js';
import { ceilDivide, floorDivide, layoutError, multiply } from './integer.js';
import { type IntTuple, product } from './int-tuple.js';
import { type Layout, type Mode, formatLayout, fromModes, risingModes } from './layout.js';

/**
 * The complement C of A within `cotarget` integers (or as many as a shape has).
 *
 * C is increasing, A(i) + C(j) is different for each pair of values, and C repeats the span of A (the extent times the
 * stride of its topmost mode) up to the cotarget or past it.
 * Where each stride of A is a multiple of the extent below it, A(i) + C(j) takes every integer below their product of
 * sizes; where it is not, as in a padded (32,32):(1,33), the padding is left out. Modes of stride 0 are not looked at.
 *
 * @throws LAYOUT_INVALID where modes of A overlap or interleave, as in (4,2):(1,2).
 */
export function complement(layout: Layout, cotarget: IntTuple = 1): Layout {
  const { modes, span } = gapsOf(layout);
  return fromModes(mergeModes([...modes, { extent: ceilDivide(product(cotarget), span), stride: span }]));
}

/**
 * The complement that has at least `count` elements: room for so many repeats of the layout, whatever its padding.
 *
 * @throws LAYOUT_INVALID as `complement` does.
 */
export function complementOfSize(layout: Layout, count: number): Layout {
  const { modes, span } = gapsOf(layout);
  const inside = product(modes.map(({ extent }) => extent));
  return fromModes(mergeModes([...modes, { extent: ceilDivide(count, inside), stride: span }]));
}

/** One mode for each gap between the layout's modes, and the span: the extent times the stride of the topmost mode. */
function gapsOf(layout: Layout): { modes: Mode[]; span: number } {
  const modes: Mode[] = [];
  let span = 1; // of the modes so far: what lies above is a whole number of these apart, or padded
  for (const { extent, stride } of risingModes(layout)) {
    if (stride === 0) continue;
    if (stride < span) {
      throw layoutError(
        `${formatLayout(layout)} has no complement`,
        `a mode of stride ${stride} begins before the modes below it end, at ${span}`,
        'modes that neither overlap nor interleave',
        'take the complement of a layout whose modes are nested in one another',
      );
    }
    modes.push({ extent: floorDivide(stride, span), stride: span });
    span = multiply(extent, stride);
  }
  return { modes, span };
}
