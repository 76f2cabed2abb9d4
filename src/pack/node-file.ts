/** The path of a Node program -> the file that a bundle brings along, checked to be of the bundle's platform. */

import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { RoseError } from '../util/errors.js';
import { errorCode, errorMessage } from '../util/system-error.js';
import type { ArchiveFile } from './archive.js';
import { LAYOUT, type Platform } from './bundle.js';

/** Raises PACK_PART where there is no Node, or one of another platform. */
export function nodeFiles(node: string, platform: Platform): readonly ArchiveFile[] {
  const path = node === 'current' ? process.execPath : node;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw refusal(path, platform, errorMessage(error), error);
  }
  const found = platformOf(bytes);
  if (found !== platform) throw refusal(path, platform, found ?? 'no program of a known platform');
  const program = {
    path: platform.startsWith('win32') ? LAYOUT.node.win32 : LAYOUT.node.linux,
    bytes,
    executable: true,
  };
  const license = licenseBeside(path);
  return license ? [program, { path: 'bin/NODE-LICENSE.txt', bytes: license }] : [program];
}

/** Where Node's own archives have it: beside the program on Windows, above its folder elsewhere. */
function licenseBeside(path: string): Uint8Array | undefined {
  const folder = dirname(path);
  for (const place of basename(folder) === 'bin' ? [join(folder, '..')] : [folder]) {
    try {
      return readFileSync(join(place, 'LICENSE'));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  }
  return undefined;
}

/** Machine numbers of the ELF header's `e_machine` and of the PE header's `Machine`. */
const ELF_MACHINES: Readonly<Record<number, Platform>> = { 62: 'linux-x64', 183: 'linux-arm64' };
const PE_MACHINES: Readonly<Record<number, Platform>> = { 0x8664: 'win32-x64' };

function platformOf(bytes: Uint8Array): Platform | undefined {
  if (bytes.length < 64) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, false) === 0x7f454c46) return ELF_MACHINES[view.getUint16(18, true)];
  const header = view.getUint32(60, true);
  const isPe = view.getUint16(0, false) === 0x4d5a && header + 6 <= bytes.length;
  return isPe ? PE_MACHINES[view.getUint16(header + 4, true)] : undefined;
}

function refusal(path: string, platform: Platform, actual: string, cause?: unknown): RoseError {
  return new RoseError({
    code: 'PACK_PART',
    message: `${path} is no Node program for ${platform}`,
    actual,
    expected: `the node program of ${platform}`,
    next: 'name the node program of an unpacked Node release for that platform, or leave out --node',
    ...(cause !== undefined && { cause }),
  });
}
