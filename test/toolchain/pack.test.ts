/** `rose-gen pack` as a user runs it: a model's build for one architecture, packed, unpacked and looked at. */

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { extract } from 'tar';
import { ensureToolchain } from '../../src/toolchain/toolchain.js';
import { packagePath } from '../../src/util/package-root.js';

const MEGABYTE = 1e6;

let folder: string;
let build: string;
beforeAll(async () => {
  await ensureToolchain();
  folder = mkdtempSync(join(tmpdir(), 'rose-gen-pack-'));
  build = join(folder, 'qwen3-8b');
  await rose('build', '--model', 'qwen3-8b', '--arch', 'sm90', '--out', build);
}, 900_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function node(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Outcome> {
  return new Promise((done) => {
    execFile(process.execPath, args, { cwd: folder, env }, (error, stdout, stderr) =>
      done({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

/** `rose-gen ...args`; fails the test unless it ends with 0. */
async function rose(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await node([packagePath('bin/rose-gen.js'), ...args], process.env);
  if (code !== 0) throw new Error(`exit ${code}: ${stderr}`);
  return stdout;
}

test('a model for one architecture is a bundle of less than 4 MB that runs where nothing else is', async () => {
  const result = JSON.parse(await rose('pack', build, '--json')) as {
    readonly out: string;
    readonly bytes: number;
    readonly variants: number;
    readonly archs: readonly string[];
    readonly platform: string;
  };
  expect(result.out).toBe(`${build}-sm90-${result.platform}.tar.gz`);
  expect(result.archs).toEqual(['sm90']);
  expect(result.variants).toBeGreaterThanOrEqual(10);
  expect(result.bytes).toBeLessThan(4 * MEGABYTE);
  await extract({ file: result.out, cwd: folder, strict: true });
  const root = join(folder, `qwen3-8b-sm90-${result.platform}`);
  const doctor = await node([join(root, 'doctor.mjs'), '--driver', join(folder, 'no-driver')], {});
  expect(doctor.code).toBe(3);
  expect(doctor.stdout).toMatch(/^ok {7}files/m);
  expect(doctor.stdout).toMatch(/^missing {2}driver/m);
  expect(await rose('pack', build)).toMatch(/variants for sm90, .* MiB, SHA-256 [0-9a-f]{64}/);
});

test('what is wrong with the command line ends with 2, and leaves what is there', async () => {
  const pack = (...args: readonly string[]): Promise<Outcome> =>
    node([packagePath('bin/rose-gen.js'), 'pack', build, ...args], process.env);
  expect(await pack('--platform', 'linux-x65')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('did you mean linux-x64?') as unknown,
  });
  expect(await pack('--out', join(folder, 'bundle.zip'))).toMatchObject({ code: 2 });
  expect(existsSync(join(folder, 'bundle.zip'))).toBe(false);
  const taken = join(folder, 'taken.tar.gz');
  writeFileSync(taken, 'my notes');
  expect(await pack('--out', taken)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('exists and is no bundle') as unknown,
  });
});
