/** Axes of values: union, membership, and what a value over blocks means beside one over elements. */

import { RoseError, type Place } from '../../util/errors.js';
import type { Axis } from '../types.js';

/** Dimension that an axis belongs to: `hidden` for `hidden/128`. */
export const axisDim = (axis: Axis): string => axis.split('/')[0]!;

/** Whether a value over `axes` may be used at each position of `domain`: a block's value serves all of its elements. */
export function missingAxis(axes: readonly Axis[], domain: readonly Axis[]): Axis | undefined {
  return axes.find((axis) => !domain.includes(axis) && !domain.includes(axisDim(axis)));
}

/**
 * Axes of a value made of values over `lists`, in order of first use. A dimension absorbs its own blocks. Raises
 * FORMULA_TYPE where blocks of two lengths of one dimension meet.
 */
export function unionAxes(lists: readonly (readonly Axis[])[], place: Place): readonly Axis[] {
  const all = [...new Set(lists.flat())];
  const union = all.filter((axis) => axisDim(axis) === axis || !all.includes(axisDim(axis)));
  const clash = union.find((axis, i) => union.findIndex((other) => axisDim(other) === axisDim(axis)) !== i);
  if (clash === undefined) return union;
  const other = union.find((axis) => axisDim(axis) === axisDim(clash))!;
  throw new RoseError({
    code: 'FORMULA_TYPE',
    message: `blocks of two lengths of ${axisDim(clash)} meet`,
    place,
    actual: `${other} and ${clash}`,
    expected: 'blocks of one length',
    next: 'use one block length throughout',
  });
}

/** `(tokens, hidden)`. */
export const showAxes = (axes: readonly Axis[]): string => `(${axes.join(', ')})`;
