/** Why a variant cannot serve a call. */

import { RoseError } from '../../util/errors.js';

export interface Refusal {
  /** `shape`: another variant may serve the call; `guard`: the call itself is wrong. */
  readonly kind: 'shape' | 'guard';
  readonly message: string;
  readonly actual: string;
  readonly expected: string;
  readonly next: string;
}

export function shapeRefusal(message: string, actual: string, expected: string): Refusal {
  return { kind: 'shape', message, actual, expected, next: 'build a variant for these dims' };
}

export function guardRefusal(message: string, actual: string, expected: string, next: string): Refusal {
  return { kind: 'guard', message, actual, expected, next };
}

/** The refusal as an error that names the variant. */
export function guardError(refusal: Refusal, variant: string): RoseError {
  const { message, actual, expected, next } = refusal;
  return new RoseError({
    code: 'LAUNCH_GUARD',
    message: `${message} (${variant})`,
    actual,
    expected,
    next,
  });
}
