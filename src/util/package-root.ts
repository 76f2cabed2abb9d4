/** Where this package's own data files are (python/, schemas/, specs/ ...): the same from src/ and from dist/. */

import { fileURLToPath } from 'node:url';

/** Absolute path of a file or folder of the package, given relative to the package's root. */
export function packagePath(relative: string): string {
  return fileURLToPath(new URL(`../../${relative}`, import.meta.url));
}
