/** AbortSignal -> RoseError: an interrupted wait or job is an ordinary failure with the code CANCELLED. */

import { RoseError } from './errors.js';

export function cancelled(what: string, cause?: unknown): RoseError {
  return new RoseError({
    code: 'CANCELLED',
    message: `${what} was interrupted`,
    next: 'run the command again',
    cause,
  });
}

export function throwIfCancelled(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw cancelled(what, signal.reason);
}
