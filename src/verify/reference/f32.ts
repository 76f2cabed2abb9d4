/** What f32 arithmetic makes of a float64 result and the bound beside it. */

import { INFINITY, abs, sign } from './numbers.js';

/** Half the distance between 1 and the next f32. */
export const U = 2 ** -24;
/** The smallest f32 above 0: what a product below the normal numbers is rounded to a multiple of. */
export const LEAST = 2 ** -149;
/** Results below this may be flushed to 0. */
export const TINY = 2 ** -126;
export const LARGEST = 3.4028234663852886e38;
/** Half the distance between f32 at the top: a product that overflows, less this, still does. */
export const HALF_STEP = 2 ** 103;

/**
 * Values, and how far a correct kernel's may lie from them: 0 where it has no choice, `Infinity` where nothing is known.
 * Beside an infinity or NaN stands one of these two, but for a term of a sum: see `FUSED`.
 */
export interface Bounded {
  readonly values: Float64Array;
  readonly error: Float64Array;
}

/**
 * The bound beside an infinity that is a product of finite numbers and a term of a sum: a kernel that rounds product and
 * sum at once (fma) has a finite number there.
 */
export const FUSED = LARGEST;

export const bounded = (length: number): Bounded => ({
  values: new Float64Array(length),
  error: new Float64Array(length),
});

/** Puts element `i`: infinite beyond the largest f32, unknown where its bound straddles that. */
export function settle({ values, error }: Bounded, i: number, value: number, off: number): void {
  const size = abs(value);
  if (size + off <= LARGEST) {
    values[i] = value;
    error[i] = off;
    return;
  }
  const beyond = size - off > LARGEST;
  values[i] = beyond ? sign(value) * INFINITY : value;
  error[i] = beyond || off === 0 ? 0 : INFINITY;
}
