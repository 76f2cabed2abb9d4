/** Exit codes, and which error gives which. */

import { RoseError, type ErrorCode } from '../util/errors.js';

export const EXIT = { ok: 0, failed: 1, usage: 2, missing: 3, interrupted: 130 } as const;

const MISSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'TOOLCHAIN_PYTHON',
  'TOOLCHAIN_INSTALL',
  'TOOLCHAIN_PLATFORM',
  'DEVICE_UNAVAILABLE',
]);

/** Whether the error says that this machine lacks something, whatever was asked for. */
export function isMissing(error: unknown): error is RoseError {
  return error instanceof RoseError && MISSING.has(error.code);
}

export function exitCodeOf(error: RoseError): number {
  if (error.code === 'USAGE') return EXIT.usage;
  if (error.code === 'CANCELLED') return EXIT.interrupted;
  return isMissing(error) ? EXIT.missing : EXIT.failed;
}
