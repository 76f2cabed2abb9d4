/** Which errors say that a target cannot run a variant, as opposed to a spec that is wrong. */

import { RoseError, type ErrorCode } from '../util/errors.js';

const REJECTIONS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['SCHEDULE_ILLEGAL', 'TARGET_UNSUPPORTED']);

export function isRejection(error: unknown): error is RoseError {
  return error instanceof RoseError && REJECTIONS.has(error.code);
}
