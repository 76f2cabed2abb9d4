/** Sources -> JavaScript that a plain child process can run: tests that need several processes of our own code. */

import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { transformFile } from '@swc/core';
import { packagePath } from '../../src/util/package-root.js';

export interface Transpiled {
  /** Folder that stands for the package's root: `src/store/index.js` is in it. */
  readonly root: string;
  remove(): Promise<void>;
}

/** Transpiles these folders of src/ into a folder of build/, beside links to what they read at run time. */
export async function transpile(folders: readonly string[]): Promise<Transpiled> {
  await mkdir(packagePath('build'), { recursive: true });
  const root = await mkdtemp(packagePath('build/test-'));
  await writeFile(join(root, 'package.json'), '{ "type": "module" }');
  for (const data of ['python', 'schemas']) await symlink(packagePath(data), join(root, data));
  for (const folder of folders) {
    const names = await readdir(packagePath(`src/${folder}`), { recursive: true });
    for (const name of names.filter((file) => file.endsWith('.ts'))) {
      const source = packagePath(join('src', folder, name));
      const target = join(root, relative(packagePath('.'), source).replace(/\.ts$/, '.js'));
      const { code } = await transformFile(source, {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'es6' },
      });
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, code);
    }
  }
  return { root, remove: () => rm(root, { recursive: true, force: true }) };
}
