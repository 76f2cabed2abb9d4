/**
 * Inverses: from a layout's integers back to the indices they came from.
 *
 * right inverse R of L: L(R(i)) = i for every i below size(R), as far as L reaches without a gap.
 * left inverse R of L: R(L(i)) = i for every i below size(L), gaps in L's image filled with anything.
 */
import { mergeModes } from './coalesce.js';
import { floorDivide, layoutError, multiply } from './integer.js';
import { type IndexedMode, type Layout, type Mode, formatLayout, fromModes, risingModes } from './layout.js';

/**
 * The right inverse, coalesced: (4,8):(8,1) -> (8,4):(4,1). Modes of stride 0 are not needed to reach anything and
 * are passed over; the result ends at the first gap, so (4,8):(2,8) -> 1:0.
 */
export function rightInverse(layout: Layout): Layout {
  const inverse: Mode[] = [];
  let reached = 1;
  for (const { extent, stride, index } of risingModes(layout)) {
    if (stride > reached) break;
    if (stride < reached) continue;
    inverse.push({ extent, stride: index });
    reached = multiply(extent, stride);
  }
  return fromModes(mergeModes(inverse));
}

/**
 * The left inverse, coalesced: (4,8):(1,5) -> (5,8):(1,4).
 *
 * @throws LAYOUT_INVALID where modes of the layout overlap (stride 0 is one case) or interleave, or where a stride is
 *   no multiple of the next smaller one.
 */
export function leftInverse(layout: Layout): Layout {
  const inverse: Mode[] = [];
  // Integers between two strides step along the smaller one's mode; those below the smallest stride step along none.
  let below: IndexedMode = { extent: 1, stride: 1, index: 0 };
  for (const mode of risingModes(layout)) {
    const steps = floorDivide(mode.stride, below.stride);
    if (mode.stride % below.stride !== 0 || steps < below.extent) {
      throw layoutError(
        `${formatLayout(layout)} has no left inverse`,
        `stride ${mode.stride} above ${below.extent}:${below.stride}`,
        `a multiple of ${below.stride} of at least ${multiply(below.extent, below.stride)}`,
        'invert a layout whose modes are nested in one another, each stride a multiple of the next smaller one',
      );
    }
    inverse.push({ extent: steps, stride: below.index });
    below = mode;
  }
  inverse.push({ extent: below.extent, stride: below.index });
  return fromModes(mergeModes(inverse));
}
