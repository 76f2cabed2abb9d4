/** The files that `loadModel` reads for a name or path: their bytes decide whether a plan may have changed. */

import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { packagePath } from '../util/package-root.js';

const BESIDE = ['modules.json', '1_Pooling/config.json'];

/** Those that exist; an unknown model gives none, and `loadModel` then says what is wrong. */
export async function modelFiles(nameOrPath: string): Promise<readonly string[]> {
  const candidates = [
    packagePath(`models/${nameOrPath.trim().toLowerCase()}/config.json`),
    join(nameOrPath, 'config.json'),
    nameOrPath,
  ];
  for (const config of candidates) {
    if (!config.endsWith('.json') || !(await exists(config))) continue;
    const beside = BESIDE.map((name) => join(dirname(config), name));
    const found = await Promise.all(beside.map(exists));
    return [config, ...beside.filter((_, i) => found[i])];
  }
  return [];
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
