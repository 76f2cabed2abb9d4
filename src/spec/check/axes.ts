/** Axes of values: union, membership, and what a value over blocks means beside one over elements. */

import { RoseError, type Place } from '../../util/errors.js';
import type { Axis, TypedExpr } from '../types.js';
import { typeError } from './errors.js';

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

/** Raises FORMULA_TYPE where a value varies over an axis that is not there. */
export function requireAxes(value: TypedExpr, domain: readonly Axis[], what: string): void {
  const missing = missingAxis(value.axes, domain);
  if (missing === undefined) return;
  throw typeError(
    `${what} varies over ${missing}, which its target does not have`,
    showAxes(value.axes),
    `axes among ${showAxes(domain)}`,
    `reduce over ${missing}, or give the target that dimension`,
    value.span,
  );
}
