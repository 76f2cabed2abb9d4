/** The compiled package -> the files of its runtime and of the bundle's doctor, without the compiler. */

import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ArchiveFile } from './archive.js';
import { LAYOUT } from './bundle.js';
import { moduleFiles } from './module-files.js';

export interface RuntimeFilesOptions {
  readonly simulator: boolean;
  /** Folder of the package's compiled code; default: the one that this file lies in. */
  readonly code?: string;
}

export async function runtimeFiles(options: RuntimeFilesOptions): Promise<readonly ArchiveFile[]> {
  const code = options.code ?? fileURLToPath(new URL('..', import.meta.url));
  const at = (path: string): string => join(code, path);
  const modules = await moduleFiles({
    entries: [at('runtime/index.js'), at('pack/doctor.js')],
    instead: options.simulator ? new Map() : new Map([[at('sim/device.js'), at('pack/no-simulator.js')]]),
    packages: ['koffi'],
  });
  return [...modules].map(([path, bytes]) => ({
    path: [LAYOUT.runtime, ...relative(code, path).split(sep)].join('/'),
    bytes,
  }));
}
