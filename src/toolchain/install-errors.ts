/** What a failed install printed -> one error that says what to do about it. */

import { RoseError } from '../util/errors.js';
import { errorCode, errorMessage } from '../util/system-error.js';

/** What pip and uv print for a cause we know, with the sentence and the next step for it. */
const CAUSES = [
  {
    pattern: /No space left on device|Errno 28\b|os error 28\b|disk quota exceeded/i,
    message: 'the disk is full',
    next: 'free some space, or put the cache elsewhere with ROSE_GEN_CACHE_DIR',
  },
  {
    pattern: /do not match the hashes|hash mismatch/i,
    message: 'a downloaded file is not the one that the lock names',
    next: 'try again; if it stays, a proxy or mirror on your network serves altered files',
  },
  {
    pattern: /CERTIFICATE_VERIFY_FAILED|invalid peer certificate|UnknownIssuer/i,
    message: 'the certificate of the package index is not trusted',
    next: 'point PIP_CERT (pip) or SSL_CERT_FILE (uv) at the certificates of your network, then try again',
  },
  {
    pattern:
      /Failed to establish a new connection|Temporary failure in name resolution|Name or service not known|Network is unreachable|Connection refused|Connection reset|ConnectTimeout|Read timed out|Max retries exceeded|ProxyError|dns error|tcp connect error|error sending request|Failed to fetch|operation timed out|Could not connect/i,
    message: 'the package index cannot be reached',
    next: 'connect to the network (or set a proxy, or an index that pip reaches) and run the command again',
  },
  {
    pattern:
      /No matching distribution found|no wheels with a matching|not a supported wheel|no compatible wheel/i,
    message: 'there is no build of the toolchain for this machine',
    next: 'use Linux with glibc 2.28 or newer (x86-64 or aarch64) or Windows (x86-64), and CPython 3.10 to 3.14',
  },
  {
    pattern: /Permission denied|Errno 13\b|os error 13\b|Read-only file system/i,
    message: 'the cache folder cannot be written',
    next: 'make it writable, or choose another with ROSE_GEN_CACHE_DIR',
  },
] as const;

/** A TOOLCHAIN_INSTALL error; `output` is what the installer printed and goes into the detail. */
export function installFailed(name: string, what: string, cause: unknown, output?: string): RoseError {
  const text = [
    errorCode(cause) === 'ENOSPC' ? 'No space left on device' : '',
    errorMessage(cause),
    output,
  ].join('\n');
  for (const { pattern, message, next } of CAUSES) {
    const match = pattern.exec(text);
    if (match)
      return failure(`the ${name} could not be installed: ${message}`, match[0], next, cause, output);
  }
  const next = 'run the command again with --verbose to see what the installer printed';
  return failure(`the ${name} could not be installed: ${what}`, lastError(text), next, cause, output);
}

function failure(
  message: string,
  actual: string | undefined,
  next: string,
  cause: unknown,
  detail: string | undefined,
): RoseError {
  return new RoseError({
    code: 'TOOLCHAIN_INSTALL',
    message,
    ...(actual !== undefined && { actual }),
    next,
    cause,
    ...(detail && { detail }),
  });
}

export function noSpace(name: string, folder: string, free: number, needed: number): RoseError {
  const mib = (bytes: number): string => `${Math.floor(bytes / 2 ** 20)} MiB`;
  return new RoseError({
    code: 'TOOLCHAIN_INSTALL',
    message: `the ${name} could not be installed: the disk is full`,
    actual: `${mib(free)} free in ${folder}`,
    expected: `${mib(needed)}`,
    next: 'free some space, or put the cache elsewhere with ROSE_GEN_CACHE_DIR',
  });
}

/** The last line that the installer itself calls an error, short enough to show. */
function lastError(text: string): string | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const line = lines.findLast((candidate) => /\berror\b|\bE[A-Z]{3,}:/i.test(candidate));
  return line?.slice(0, 300);
}
