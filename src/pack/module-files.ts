/** Entry modules -> the files of everything that they import, found by reading the imports of compiled JavaScript. */

import { readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, resolve } from 'node:path';

export interface ModuleWalk {
  /** Absolute paths of the modules to begin with. */
  readonly entries: readonly string[];
  /** Modules of which another file takes the place: absolute path -> absolute path. */
  readonly instead?: ReadonlyMap<string, string>;
  /** Packages that need not be found: whoever asks brings them along. */
  readonly packages?: readonly string[];
}

/**
 * Absolute path of each module -> its bytes; what is imported dynamically counts too. Throws where a module imports a
 * package that is not brought along, or computes what it imports: nothing that is not there may be left to chance.
 */
export async function moduleFiles(walk: ModuleWalk): Promise<ReadonlyMap<string, Uint8Array>> {
  const { init, parse } = await import('es-module-lexer');
  await init;
  const found = new Map<string, Uint8Array>();
  const waiting = [...walk.entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue;
    const bytes = await readFile(walk.instead?.get(path) ?? path);
    found.set(path, bytes);
    const [imports] = parse(bytes.toString('utf8'), path);
    for (const { n: name, d: kind } of imports) {
      // -2 is `import.meta`.
      if (kind === -2) continue;
      if (name === undefined) throw new Error(`${path} computes the name of what it imports`);
      if (name.startsWith('.')) waiting.push(resolve(dirname(path), name));
      else if (!isBuiltin(name) && walk.packages?.includes(name) !== true)
        throw new Error(`${path} imports ${name}, which a bundle does not have`);
    }
  }
  return found;
}
