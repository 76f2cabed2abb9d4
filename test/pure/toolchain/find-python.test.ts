import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findPython } from '../../../src/toolchain/find-python.js';

let bin: string;
const saved = { PATH: process.env['PATH'], ROSE_GEN_PYTHON: process.env['ROSE_GEN_PYTHON'] };
beforeEach(() => {
  bin = join(mkdtempSync(join(tmpdir(), 'rose-gen-test-')), 'bin');
  mkdirSync(bin);
  process.env['PATH'] = bin;
  delete process.env['ROSE_GEN_PYTHON'];
});
afterEach(() => {
  rmSync(join(bin, '..'), { recursive: true, force: true });
  for (const [name, value] of Object.entries(saved)) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
});

/** A command that answers the probe as this Python would. */
function fakePython(name: string, version: string, answer: object = {}): string {
  const path = join(bin, name);
  const text = JSON.stringify({
    executable: `/real/${name}`,
    version,
    implementation: 'CPython',
    hasVenv: true,
    ...answer,
  });
  writeFileSync(path, `#!/bin/sh\necho '${text}'\n`);
  chmodSync(path, 0o755);
  return path;
}

const refused = (fields: object): unknown => expect.objectContaining({ code: 'TOOLCHAIN_PYTHON', ...fields });

describe('findPython', () => {
  test('takes python3 where it fits', async () => {
    fakePython('python3', '3.12');
    fakePython('python3.13', '3.13');
    await expect(findPython()).resolves.toEqual({
      executable: '/real/python3',
      version: '3.12',
      hasVenv: true,
    });
  });

  test('else the newest that fits', async () => {
    fakePython('python3', '3.9');
    fakePython('python3.10', '3.10');
    fakePython('python3.13', '3.13', { hasVenv: false });
    await expect(findPython()).resolves.toMatchObject({ version: '3.13', hasVenv: false });
  });

  test('passes over a command that does not run, and one that is another implementation', async () => {
    writeFileSync(join(bin, 'python3'), '#!/bin/sh\necho "command not found" >&2\nexit 127\n');
    chmodSync(join(bin, 'python3'), 0o755);
    fakePython('python3.14', '3.14', { implementation: 'PyPy' });
    fakePython('python3.11', '3.11');
    await expect(findPython()).resolves.toMatchObject({ version: '3.11' });
  });

  test('says what it tried', async () => {
    await expect(findPython()).rejects.toEqual(refused({ actual: 'no python3' }));
    fakePython('python3', '3.9');
    fakePython('python3.14', '3.15');
    await expect(findPython()).rejects.toEqual(
      refused({
        actual: 'python3 is 3.9; python3.14 is 3.15',
        expected: 'Python 3.10 to 3.14',
        next: expect.stringContaining('ROSE_GEN_PYTHON') as unknown,
      }),
    );
  });

  test('ROSE_GEN_PYTHON decides alone', async () => {
    fakePython('python3', '3.12');
    process.env['ROSE_GEN_PYTHON'] = fakePython('mine', '3.10');
    await expect(findPython()).resolves.toMatchObject({ executable: '/real/mine' });
    process.env['ROSE_GEN_PYTHON'] = fakePython('old', '3.8');
    await expect(findPython()).rejects.toEqual(
      refused({ actual: expect.stringContaining('is 3.8') as unknown }),
    );
    process.env['ROSE_GEN_PYTHON'] = join(bin, 'none');
    await expect(findPython()).rejects.toEqual(
      refused({ actual: expect.stringContaining('no such command') as unknown }),
    );
    writeFileSync(join(bin, 'liar'), '#!/bin/sh\necho hello\n');
    chmodSync(join(bin, 'liar'), 0o755);
    process.env['ROSE_GEN_PYTHON'] = join(bin, 'liar');
    await expect(findPython()).rejects.toEqual(
      refused({ actual: expect.stringContaining('does not answer') as unknown }),
    );
  });
});
