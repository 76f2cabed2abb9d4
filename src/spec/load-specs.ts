/** Files and folders -> specs by kernel name. */

import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { RoseError } from '../util/errors.js';
import { errorMessage } from '../util/system-error.js';
import { parseSpec } from './parse-spec.js';
import type { KernelSpec } from './types.js';

/** @throws SPEC_SYNTAX where the file cannot be read, and all that `parseSpec` throws. */
export async function loadSpec(path: string): Promise<KernelSpec> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new RoseError({
      code: 'SPEC_SYNTAX',
      message: `the spec cannot be read: ${path}`,
      actual: errorMessage(error),
      expected: 'a YAML file',
      next: 'name a file that exists; `rose-gen new NAME` makes one',
      cause: error,
    });
  }
  const shown = relative(process.cwd(), path);
  return parseSpec(text, shown.startsWith('..') ? path : shown);
}

/** Every `.yaml` of a folder. @throws SPEC_NAME where two specs have one name. */
export async function loadSpecs(folder: string): Promise<ReadonlyMap<string, KernelSpec>> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
  const specs = await Promise.all(files.map(async (name) => loadSpec(join(folder, name))));
  const byName = new Map<string, KernelSpec>();
  for (const spec of specs) {
    const other = byName.get(spec.name);
    if (other) {
      throw new RoseError({
        code: 'SPEC_NAME',
        message: `two specs are called ${spec.name}`,
        place: { file: spec.origin.file },
        actual: `${other.origin.file} and ${spec.origin.file}`,
        expected: 'one spec a name',
        next: 'rename one of them',
      });
    }
    byName.set(spec.name, spec);
  }
  return byName;
}
