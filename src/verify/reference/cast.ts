/** A cast: the values of its dtype, and which of them a correct kernel's could round to instead. */

import type { TypedExpr } from '../../spec/index.js';
import { mapped } from './grid.js';
import type { Result } from './operands.js';
import { isFloat, isInteger, overflows, rounderTo, wrapTo } from './rounding.js';
import { INFINITY, abs, max, nan } from './numbers.js';

export function applyCast(
  { operand, dtype, rounding, saturate }: TypedExpr & { kind: 'cast' },
  values: Float64Array,
  error: Float64Array | undefined,
): Result {
  const fromFloat = isFloat(operand.dtype);
  // f32 holds every value of the storage floats: a cast to it changes nothing.
  if (dtype === 'f32' && fromFloat) return { values, ...(error && { error }) };
  const toInteger = isInteger(dtype);
  const wraps = toInteger && !fromFloat && !saturate;
  const round = wraps ? (x: number) => wrapTo(x, dtype) : rounderTo(dtype, rounding, saturate);
  const rounded = mapped(values, round);
  let bound = error && new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    const ex = error ? error[i]! : 0;
    const y = rounded[i]!;
    let off = 0;
    if (toInteger && fromFloat && (nan(x) || (!saturate && overflows(x, dtype)))) off = INFINITY;
    else if (ex > 0) off = wraps && overflowsNear(x, ex, dtype) ? INFINITY : castError(x, ex, y, round);
    // The largest i64 is one less.
    if (dtype === 'i64' && y === 2 ** 63) off = max(off, 1);
    if (off === 0) continue;
    bound ??= new Float64Array(values.length);
    bound[i] = off;
  }
  return { values: rounded, ...(bound && { error: bound }) };
}

/** How far the values may be from `rounded` that anything within `off` of `value` rounds to. */
function castError(value: number, off: number, rounded: number, round: (x: number) => number): number {
  if (off === INFINITY) return INFINITY;
  return max(apart(round(value + off), rounded), apart(round(value - off), rounded));
}

/** One may be infinite: then the other is infinitely far, or the same. */
const apart = (x: number, y: number): number => (x === y ? 0 : abs(x - y));

const overflowsNear = (x: number, off: number, dtype: TypedExpr['dtype']): boolean =>
  overflows(x - off, dtype) || overflows(x + off, dtype);
