/** A subject -> its verdict, or the error that kept it from one: what a worker hands back. */

import { RoseError } from '../util/errors.js';
import { errorMessage } from '../util/system-error.js';
import { outOfMemory, type Answer, type Job } from './job.js';
import { verifyVariant } from './verify-variant.js';

export function attempt({ subject, options }: Job): Answer {
  try {
    return { kind: 'verdict', verdict: verifyVariant(subject, options) };
  } catch (error) {
    if (error instanceof RoseError) return { kind: 'error', error: error.toJSON() };
    if (error instanceof RangeError && /allocation failed|array length/i.test(error.message))
      return { kind: 'error', error: outOfMemory(subject.variant.id, error).toJSON() };
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    return { kind: 'defect', message: `${subject.variant.id}: ${errorMessage(error)}`, stack };
  }
}
