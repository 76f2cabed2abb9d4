/** What is loaded before a command runs: a command line that is asked for help, or has nothing to build, must be quick. */

import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { packagePath } from '../../../src/util/package-root.js';

/** Packages that these sources import with an `import` statement, directly or through others; types do not count. */
function loadedBy(...entries: readonly string[]): {
  readonly packages: Set<string>;
  readonly files: Set<string>;
} {
  const packages = new Set<string>();
  const files = new Set<string>();
  const open = entries.map((entry) => packagePath(`src/${entry}`));
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    const statements = readFileSync(file, 'utf8').matchAll(
      /^(?:import|export)\b(?!\s+type\b)(?:(?!^(?:import|export)\b)[^;'])*?from '([^']+)'/gm,
    );
    for (const [, name = ''] of statements) {
      if (name.startsWith('.')) open.push(join(dirname(file), name.replace(/\.js$/, '.ts')));
      else if (!name.startsWith('node:') && !builtinModules.includes(name)) packages.add(name);
    }
  }
  return { packages, files: new Set([...files].map((file) => relative(packagePath('src'), file))) };
}

describe('what is loaded at once', () => {
  test('by any command: the option parser, colours and the cache folder', () => {
    const { packages, files } = loadedBy('cli/main.ts');
    expect([...packages].sort()).toEqual(['commander', 'env-paths', 'picocolors']);
    const folders = new Set([...files].map((file) => file.split('/')[0]));
    expect([...folders].sort()).toEqual(['cli', 'util']);
  });

  test('by a build that has nothing to do: nothing of the compiler', () => {
    const { packages, files } = loadedBy('cli/main.ts', 'build/up-to-date.ts', 'plan/model-files.ts');
    const heavy = ['ajv', 'chokidar', 'execa', 'handlebars', 'listr2', 'proper-lockfile', 'ts-morph', 'yaml'];
    expect(heavy.filter((name) => packages.has(name))).toEqual([]);
    expect([...files].filter((file) => /^(spec|ir|passes|emit|layout|store)\//.test(file))).toEqual([]);
  });
});
