/** The package's own version, as package.json states it. */

import { readFileSync } from 'node:fs';
import { packagePath } from '../util/package-root.js';

export const GENERATOR_VERSION = (
  JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as { version: string }
).version;
