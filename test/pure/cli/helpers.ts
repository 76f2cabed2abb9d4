/** What the command line's tests share: a command run in this process, or in one of its own from dist/. */

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { run } from '../../../src/cli/main.js';
import { packagePath } from '../../../src/util/package-root.js';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `rose-gen ...args` in this process. */
export async function rose(...args: readonly string[]): Promise<Outcome> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    jest.spyOn(process[stream], 'write').mockImplementation((data) => {
      written[stream] += String(data);
      return true;
    }),
  );
  try {
    const code = await run(['node', 'rose-gen', ...args]);
    return { code, ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** What the command prints as JSON; fails the test where it does not end with 0. */
export async function roseJson<T>(...args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await rose(...args, '--json');
  if (code !== 0) throw new Error(`exit ${code}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

/** `rose-gen ...args` as a user runs it. */
export function spawnRose(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Outcome> {
  const { cwd = tmpdir(), env = {} } = options;
  return new Promise((done) => {
    execFile(
      process.execPath,
      [packagePath('bin/rose-gen.js'), ...args],
      { cwd, env: { ...process.env, ...env } },
      (error, stdout, stderr) => done({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

/** A folder that is gone after the test; `use` it in a test file as `let folder` with these two hooks. */
export const makeFolder = (): string => mkdtempSync(join(tmpdir(), 'rose-gen-cli-'));
export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true });

/** A spec that no model needs. */
export const OWN_SPEC = `kernel: halve
doc: Halves each row.
dims: { tokens: dynamic, hidden: static }
types: { T: [bf16, f16] }
tensors:
  x: { shape: [tokens, hidden], dtype: T }
  out: { shape: [tokens, hidden], dtype: T, access: out }
formula: |
  out = T(f32(x) * 0.5)
`;
