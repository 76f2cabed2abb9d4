/** What may stand in `[dim: index]`: indices of tensors are checked against their extent, those of values become remaps. */

import type { Place } from '../../util/errors.js';
import type { TypedExpr } from '../types.js';
import { affineOf, affineRange } from '../affine.js';
import { typeError, unsupported } from './errors.js';
import type { Scope } from './scope.js';

/**
 * Raises FORMULA_TYPE where an index that does not depend on data leaves its dimension, which has `extra` more elements.
 * Along a dimension known at launch that is known of negative constants alone.
 */
export function checkIndex(scope: Scope, index: TypedExpr, dim: string, extra: number, place: Place): void {
  const affine = affineOf(index);
  const extent = scope.extent(dim);
  if (!affine) return;
  if (affine.dim === undefined && affine.offset < 0) {
    throw typeError(
      `the index along ${dim} is negative`,
      `index ${affine.offset}`,
      'at least 0',
      'count from 0',
      place,
    );
  }
  if (typeof extent !== 'number') return;
  const walked = affine.dim === undefined ? 1 : scope.extent(affine.dim);
  if (typeof walked === 'number') requireRange(affineRange(affine, walked), dim, extent + extra, place);
}

/** `value[dim: index]` for a computed value. Raises FORMULA_TYPE, FORMULA_UNSUPPORTED. */
export function remap(
  scope: Scope,
  value: TypedExpr,
  dim: string,
  index: TypedExpr,
  place: Place,
): TypedExpr {
  if (!value.axes.includes(dim)) {
    throw typeError(
      `the value does not vary over ${dim}`,
      `(${value.axes.join(', ')})`,
      `a value over ${dim}`,
      `remove [${dim}: ...]`,
      place,
    );
  }
  const affine = affineOf(index);
  if (!affine || (affine.dim !== undefined && affine.dim !== dim)) {
    throw unsupported(
      'a computed value is read at an index that depends on data',
      'an index that is no affine map of the position',
      `scale * ${dim} + offset`,
      'gather from a tensor, or at what top[...] gives, or write the value to a tensor first',
      place,
    );
  }
  const extent = scope.extent(dim);
  if (scope.isDynamic(dim)) {
    throw unsupported(
      `${dim} is known only at launch`,
      `an index map along ${dim}`,
      'a static dimension',
      `make ${dim} static`,
      place,
    );
  }
  if (typeof extent === 'number') requireRange(affineRange(affine, extent), dim, extent, place);
  return {
    kind: 'remap',
    operand: value,
    dim,
    scale: affine.scale,
    offset: affine.offset,
    dtype: value.dtype,
    axes: value.axes,
    span: place,
  };
}

function requireRange(
  range: { least: number; most: number },
  dim: string,
  extent: number,
  place: Place,
): void {
  if (range.least >= 0 && range.most < extent) return;
  throw typeError(
    `the index leaves ${dim}`,
    range.least === range.most ? `index ${range.least}` : `indices ${range.least} to ${range.most}`,
    `0 to ${extent - 1}`,
    `keep the index within ${dim}`,
    place,
  );
}
