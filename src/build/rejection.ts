/** Which errors say that one variant cannot be built, as opposed to a spec that is wrong, and how a plan words them. */

import { RoseError, type ErrorCode } from '../util/errors.js';

const REJECTIONS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SCHEDULE_ILLEGAL',
  'TARGET_UNSUPPORTED',
  'FORMULA_UNSUPPORTED',
]);

export function isRejection(error: unknown): error is RoseError {
  return error instanceof RoseError && REJECTIONS.has(error.code);
}

/** What is wrong, what there was and what there may be, in one line. */
export function rejectionReason({ message, actual, expected }: RoseError): string {
  const found = actual === undefined ? '' : `: ${actual}`;
  return `${message}${found}${expected === undefined ? '' : `; expected ${expected}`}`;
}
