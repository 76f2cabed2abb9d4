/**
 * Slicing: a coordinate with holes -> the layout of the holes, and the offset of the rest.
 *
 * (2,(4,2)):(1,(10,100)) at (1,(_,1)) -> (4):(10) at offset 101.
 */
import { coordinateError, crd2idx } from './coordinate.js';
import { type IntTuple, type Nested, isTuple } from './int-tuple.js';
import { type Layout, makeLayout } from './layout.js';

/** A coordinate in which `null` stands for a whole mode. */
export type SliceCoordinate = Nested<number | null>;

export interface Slice {
  /** One mode for each `null`, nested as the coordinate is; 1:0 where there is none. */
  readonly layout: Layout;
  /** The layout's value at the coordinate with 0 for each `null`. */
  readonly offset: number;
}

/** @throws LAYOUT_INVALID for a coordinate that does not fit the shape. */
export function sliceAndOffset(layout: Layout, coordinate: SliceCoordinate): Slice {
  const shape = holes(coordinate, layout.shape);
  const stride = holes(coordinate, layout.stride);
  return {
    layout: shape.length === 0 ? makeLayout(1, 0) : makeLayout(shape, stride),
    offset: crd2idx(withoutHoles(coordinate), layout.shape, layout.stride),
  };
}

/** The parts of `tuple` that stand opposite a `null`. */
function holes(coordinate: SliceCoordinate, tuple: IntTuple): IntTuple[] {
  if (!isTuple(coordinate)) return coordinate === null ? [tuple] : [];
  if (!isTuple(tuple) || tuple.length !== coordinate.length) throw coordinateError(coordinate, tuple);
  return coordinate.flatMap((part, i) => holes(part, tuple[i]!));
}

function withoutHoles(coordinate: SliceCoordinate): IntTuple {
  return isTuple(coordinate) ? coordinate.map(withoutHoles) : (coordinate ?? 0);
}
