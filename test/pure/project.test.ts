/** What holds of the repository as a whole. */

import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { packagePath } from '../../src/util/package-root.js';

const textOf = (path: string): string => readFileSync(packagePath(path), 'utf8');

const specNames = readdirSync(packagePath('specs'))
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.replace(/\.yaml$/, ''));

/** rms_norm -> rms_norm, rmsNorm, RmsNorm, rms-norm, RMS_NORM */
function spellings(name: string): readonly string[] {
  const parts = name.split('_');
  const capital = parts.map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join('');
  const camel = capital.charAt(0).toLowerCase() + capital.slice(1);
  return [...new Set([name, camel, capital, parts.join('-'), name.toUpperCase()])];
}

function filesUnder(folder: string): readonly string[] {
  return readdirSync(packagePath(folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(packagePath('.'), join(entry.parentPath, entry.name)));
}

describe('the compiler knows no kernel', () => {
  const forbidden = new RegExp(`\\b(?:${specNames.flatMap(spellings).join('|')})\\b`);

  test('the search finds what it looks for', () => {
    expect(specNames.length).toBeGreaterThan(10);
    for (const name of specNames) expect(`a ${name}, or`).toMatch(forbidden);
    expect('rmsNorm.hidden').toMatch(forbidden);
    expect('normalise a row').not.toMatch(forbidden);
  });

  test.each(['src', 'templates'])('nothing in %s/ names one of specs/', (folder) => {
    const named = filesUnder(folder).flatMap((file) =>
      textOf(file)
        .split('\n')
        .flatMap((line, i) => (forbidden.test(line) ? [`${file}:${i + 1}: ${line.trim()}`] : [])),
    );
    expect(named).toEqual([]);
  });

  test('every spec is in a file of its name', () => {
    for (const name of specNames)
      expect(textOf(`specs/${name}.yaml`)).toMatch(new RegExp(`^kernel: ${name}$`, 'm'));
  });
});

describe('the package', () => {
  interface Manifest {
    readonly bin: Readonly<Record<string, string>>;
    readonly files: readonly string[];
    readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  }
  const manifest = JSON.parse(textOf('package.json')) as Manifest;

  test('its exports are files that a build makes from sources that are there', () => {
    for (const target of Object.values(manifest.exports).flatMap((entry) =>
      typeof entry === 'string' ? [] : [entry.types, entry.default],
    )) {
      expect(existsSync(packagePath(target))).toBe(true);
      const source = target.replace('./dist/', 'src/').replace(/(\.d\.ts|\.js)$/, '.ts');
      expect(existsSync(packagePath(source))).toBe(true);
    }
  });

  test.each(['rose-gen', 'rose-gen/layout', 'rose-gen/errors'])('%s can be imported by its name', (name) => {
    expect(existsSync(new URL(import.meta.resolve(name)))).toBe(true);
  });

  test('what it names to be packed is there', () => {
    for (const name of manifest.files) expect(existsSync(packagePath(name))).toBe(true);
  });

  test('its command has its run bit and a first line that starts Node', () => {
    const bin = manifest.bin['rose-gen']!;
    expect(() => accessSync(packagePath(bin), constants.X_OK)).not.toThrow();
    expect(textOf(bin)).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  test('its lock file names no place to download from', () => {
    const lock = JSON.parse(textOf('package-lock.json')) as {
      packages: Record<string, { resolved?: string }>;
    };
    expect(Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
    expect(textOf('.npmrc')).toContain('omit-lockfile-registry-resolved=true');
  });
});

describe('continuous integration', () => {
  test('.ci/run calls exactly the test line of the README', () => {
    expect(textOf('.ci/run')).toMatch(/^npm ci && npm test$/m);
    expect(textOf('README.md')).toMatch(/^npm ci && npm test$/m);
    expect(() => accessSync(packagePath('.ci/run'), constants.X_OK)).not.toThrow();
  });
});

describe('the documents', () => {
  const documents = [
    ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
    ...filesUnder('docs').filter((file) => file.endsWith('.md')),
  ];

  test.each(documents)('%s links to files that are there', (document) => {
    const prose = textOf(document)
      .replace(/^```[^]*?^```$/gm, '')
      .replace(/`[^`]*`/g, '');
    const links = [...prose.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, link = '']) => link);
    const inside = links.filter((link) => !/^[a-z]+:/.test(link));
    const missing = inside.filter((link) => !existsSync(packagePath(join(document, '..', link))));
    expect(missing).toEqual([]);
  });

  test('ARCHITECTURE.md has every folder of src/ and every pass in its order', () => {
    const text = textOf('ARCHITECTURE.md');
    const folders = readdirSync(packagePath('src'), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    for (const { name } of folders) expect(text).toContain(`src/${name}/`);
    const passes = [...textOf('src/passes/pipeline.ts').matchAll(/\{ name: '([\w-]+)'/g)].map(
      ([, name = '']) => name,
    );
    expect(passes.length).toBeGreaterThan(5);
    const places = passes.map((name) => text.indexOf(`\n| ${name} `));
    expect(places.every((place) => place >= 0)).toBe(true);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });
});
