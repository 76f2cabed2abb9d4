/** What a worker says of a failed module -> an error a user can read. */

import { RoseError } from '../util/errors.js';

/** A failed job as a worker reports it. */
export interface WorkerFailure {
  readonly type: string;
  readonly message: string;
  /** Line in the module, 1-based, where the traceback passes through it. */
  readonly line: number | null;
  readonly traceback: string;
}

/**
 * COMPILE_FAILED: the toolchain rejected a rendered module. `place` is in the module; whoever knows which line of the
 * spec a module line came from can say so with `moduleLine`.
 */
export class CompileError extends RoseError {
  /** The exception's class in the toolchain. */
  readonly exception: string;
  /** Line in the module, or undefined where the failure has none (the backend rejected the whole kernel). */
  readonly moduleLine: number | undefined;

  constructor(file: string, source: string, options: string, failure: WorkerFailure) {
    const line = failure.line ?? undefined;
    const text = line === undefined ? undefined : source.split('\n')[line - 1];
    super({
      code: 'COMPILE_FAILED',
      message: `the toolchain rejected the module: ${failure.message}`,
      place: { file, ...(line !== undefined && { line }), ...(text !== undefined && { text }) },
      actual: `${failure.type} with ${options}`,
      next: 'look at the module at this line; --verbose shows the Python traceback',
      detail: failure.traceback,
    });
    this.exception = failure.type;
    this.moduleLine = line;
  }
}
