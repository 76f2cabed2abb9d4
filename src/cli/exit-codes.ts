/** Exit codes, and which error gives which. */

import type { ErrorCode, RoseError } from '../util/errors.js';

export const EXIT = { ok: 0, failed: 1, usage: 2, missing: 3, interrupted: 130 } as const;

const MISSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'TOOLCHAIN_PYTHON',
  'TOOLCHAIN_INSTALL',
  'TOOLCHAIN_PLATFORM',
  'DEVICE_UNAVAILABLE',
]);

export function exitCodeOf(error: RoseError): number {
  if (error.code === 'USAGE') return EXIT.usage;
  if (error.code === 'CANCELLED') return EXIT.interrupted;
  return MISSING.has(error.code) ? EXIT.missing : EXIT.failed;
}
