/** Ctrl-C -> an AbortSignal: the work stops between two files, never inside one. A second Ctrl-C ends the process. */

import { EXIT } from './exit-codes.js';

export async function withInterrupt<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  // Not `once`: libraries that clean up at exit end the process where they find no listener but their own.
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', interrupt);
  }
}
