/** What a thread of the pool is given and gives back: plain data. */

import { RoseError, type RoseErrorJson } from '../util/errors.js';
import { errorMessage } from '../util/system-error.js';
import type { Subject, Verdict } from './types.js';
import type { VerifyOptions } from './verify-variant.js';

/** Options that can be sent to another thread. */
export type SentOptions = Omit<VerifyOptions, 'onCase'>;

export interface Job {
  readonly subject: Subject;
  readonly options: SentOptions;
}

/** Plain data. A `defect` is a failure of the verifier itself, with its stack. */
export type Answer =
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'error'; readonly error: RoseErrorJson }
  | { readonly kind: 'defect'; readonly message: string; readonly stack: string };

export function outOfMemory(id: string, cause: unknown): RoseError {
  return new RoseError({
    code: 'SIM_LIMIT',
    message: `${id} needs more memory than this machine gives`,
    actual: errorMessage(cause),
    next: 'verify with fewer workers, or on a machine with more memory',
    cause,
  });
}
