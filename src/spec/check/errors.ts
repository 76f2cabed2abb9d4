/** The two errors that checking a formula raises most. */

import { RoseError, type Place } from '../../util/errors.js';

export function typeError(
  message: string,
  actual: string,
  expected: string,
  next: string,
  place: Place,
): RoseError {
  return new RoseError({ code: 'FORMULA_TYPE', message, place, actual, expected, next });
}

export function unsupported(
  message: string,
  actual: string,
  expected: string,
  next: string,
  place: Place,
): RoseError {
  return new RoseError({ code: 'FORMULA_UNSUPPORTED', message, place, actual, expected, next });
}
