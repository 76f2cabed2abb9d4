/**
 * Composed layouts: a swizzle after an offset after a layout, `S<3,3,3> o 0 o (8,64):(64,1)`, which takes a coordinate c
 * to swizzle(offset + layout(c)).
 *
 * Whatever changes the coordinates alone (composition on the right, division, slicing) acts on the inner layout.
 */
import { type Coordinate } from './coordinate.js';
import { add, atLeast, ceilDivide, multiply } from './integer.js';
import { type Layout, cosize, evaluate, formatLayout } from './layout.js';
import { type Swizzle, applySwizzle, formatSwizzle, swizzleBlock } from './swizzle.js';

/** Make one with `makeComposed`, which checks it. */
export interface ComposedLayout {
  readonly swizzle: Swizzle;
  readonly offset: number;
  readonly layout: Layout;
}

export type AnyLayout = Layout | ComposedLayout;

/** swizzle o offset o layout. @throws LAYOUT_INVALID for a negative offset. */
export function makeComposed(swizzle: Swizzle, layout: Layout, offset = 0): ComposedLayout {
  return { swizzle, offset: atLeast(0, offset, 'an offset'), layout };
}

export function isComposed(layout: AnyLayout): layout is ComposedLayout {
  return 'swizzle' in layout;
}

/** The layout that takes coordinates: the inner one of a composed layout. */
export function innerLayout(layout: AnyLayout): Layout {
  return isComposed(layout) ? layout.layout : layout;
}

/** `change` of the inner layout, under the same swizzle and offset: `mapInner(smem, (l) => zippedDivide(l, tile))`. */
export function mapInner(layout: AnyLayout, change: (inner: Layout) => Layout): AnyLayout {
  return isComposed(layout) ? { ...layout, layout: change(layout.layout) } : change(layout);
}

/** The value at an index or a nested coordinate. */
export function evaluateAny(layout: AnyLayout, coordinate: Coordinate): number {
  if (!isComposed(layout)) return evaluate(layout, coordinate);
  return applySwizzle(layout.swizzle, add(layout.offset, evaluate(layout.layout, coordinate)));
}

/** Elements to allocate: the cosize, for a composed layout rounded up to whole swizzle blocks. */
export function allocationSize(layout: AnyLayout): number {
  if (!isComposed(layout)) return cosize(layout);
  const block = swizzleBlock(layout.swizzle);
  return multiply(ceilDivide(add(layout.offset, cosize(layout.layout)), block), block);
}

/** `S<3,4,3> o 0 o (8,64):(64,1)`, or `(8,64):(64,1)` without a swizzle. */
export function formatAny(layout: AnyLayout): string {
  if (!isComposed(layout)) return formatLayout(layout);
  return `${formatSwizzle(layout.swizzle)} o ${layout.offset} o ${formatLayout(layout.layout)}`;
}
