/** The command line as a user runs it, with the toolchain: builds, watching, interruptions, shards. */

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ensureToolchain } from '../../src/toolchain/toolchain.js';
import { packagePath } from '../../src/util/package-root.js';

const BIN = packagePath('bin/rose-gen.js');
const SPEC = `kernel: halve
doc: Halves each row.
dims: { tokens: dynamic, hidden: static }
types: { T: [bf16, f16] }
tensors:
  x: { shape: [tokens, hidden], dtype: T }
  out: { shape: [tokens, hidden], dtype: T, access: out }
formula: |
  out = T(f32(x) * 0.5)
`;

let folder: string;
let spec: string;
/** Qwen3-0.6B without its vocabulary: sampling takes longer to compile than all of the rest. */
let MODEL: readonly string[];
beforeAll(async () => {
  await ensureToolchain();
  folder = mkdtempSync(join(tmpdir(), 'rose-gen-cli-'));
  spec = join(folder, 'halve.yaml');
  writeFileSync(spec, SPEC);
  const { vocab_size: _, ...config } = JSON.parse(
    readFileSync(packagePath('models/qwen3-0.6b/config.json'), 'utf8'),
  ) as Record<string, unknown>;
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  MODEL = ['--model', join(folder, 'config.json'), '--arch', 'sm90'];
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Built {
  readonly variants: number;
  readonly compiled: number;
  readonly fromStore: number;
  readonly unchanged: boolean;
}

/** `rose-gen ...args`; fails the test unless it ends with 0. */
function rose(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  return new Promise((done, failed) => {
    execFile(
      process.execPath,
      [BIN, ...args],
      { cwd: folder, env: { ...process.env, ...env } },
      (error, stdout, stderr) =>
        error ? failed(new Error(`${error.message}\n${stderr}`, { cause: error })) : done(stdout),
    );
  });
}

const built = async (...args: readonly string[]): Promise<Built> =>
  JSON.parse(await rose(['build', ...MODEL, '--store', join(folder, 'store'), '--json', ...args])) as Built;

/** A running command and what it has printed. */
class Running {
  text = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<number | null>;

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [BIN, ...args], { cwd: folder });
    this.ended = new Promise((done) => this.child.on('exit', done));
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.text += text;
      });
    }
  }

  /** Waits until `pattern` has been printed after `from`. */
  async printed(pattern: RegExp, from = 0): Promise<void> {
    while (!pattern.test(this.text.slice(from))) {
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.text}`);
      await sleep(10);
    }
  }

  async interrupt(): Promise<number | null> {
    this.child.kill('SIGINT');
    return this.ended;
  }
}

describe('build', () => {
  test('what was built is up to date: no Python is looked for', async () => {
    const out = join(folder, 'once');
    const first = await built('--out', out, '--phase', 'decode');
    expect(first).toMatchObject({ unchanged: false, compiled: first.variants });
    const nothing = {
      PATH: '',
      ROSE_GEN_PYTHON: join(folder, 'none'),
      ROSE_GEN_CACHE_DIR: join(folder, 'no'),
    };
    const args = ['build', ...MODEL, '--phase', 'decode', '--out', out];
    expect(await rose(args, nothing)).toBe(`${first.variants} variants in ${out} are up to date\n`);
    rmSync(join(out, 'ptx'), { recursive: true });
    const again = await built('--out', out, '--phase', 'decode');
    expect(again).toMatchObject({ unchanged: false, compiled: 0, fromStore: first.variants });
  }, 120_000);

  test('an edited spec rebuilds its own variants only', async () => {
    const out = join(folder, 'edited');
    await built('--out', out, '--spec', spec);
    writeFileSync(spec, SPEC.replace('0.5', '0.25'));
    expect(await built('--out', out, '--spec', spec)).toMatchObject({ compiled: 2 });
    writeFileSync(spec, SPEC);
    expect(await built('--out', out, '--spec', spec)).toMatchObject({ compiled: 0, unchanged: false });
  }, 120_000);

  test('shards merge to the build of the whole, byte for byte', async () => {
    const [whole, merged] = [join(folder, 'whole'), join(folder, 'merged')];
    const { variants } = await built('--out', whole);
    const shards = await Promise.all(
      [1, 2].map((i) => built('--shard', `${i}/2`, '--out', join(folder, `shard-${i}`))),
    );
    expect(shards.reduce((sum, shard) => sum + shard.variants, 0)).toBe(variants);
    await rose(['merge', 'shard-1', 'shard-2', '--out', merged, ...MODEL]);
    for (const file of ['manifest.json', 'bindings.ts']) {
      expect(readFileSync(join(merged, file), 'utf8')).toBe(readFileSync(join(whole, file), 'utf8'));
    }
  }, 120_000);

  test('Ctrl-C ends it with 130 and no half of an output; the next build completes', async () => {
    const out = join(folder, 'interrupted');
    const args = [...MODEL, '--out', out, '--store', join(folder, 'another-store')];
    const running = new Running(['build', ...args, '--jobs', '1']);
    await running.printed(/\[ *1\//);
    expect(await running.interrupt()).toBe(130);
    expect(running.text).toContain('error[CANCELLED]');
    expect(existsSync(join(out, 'manifest.json'))).toBe(false);
    expect(await rose(['build', ...args])).toMatch(/from the store\) in/);
    expect(existsSync(join(out, 'manifest.json'))).toBe(true);
  }, 120_000);
});

describe('verify', () => {
  interface Verified {
    readonly passed: boolean;
    readonly ran: number;
    readonly variants: readonly { readonly id: string; readonly passed: boolean; readonly cases: number }[];
  }

  test('builds, runs every variant once, and knows the verdict the next time', async () => {
    const out = join(folder, 'verified');
    const store = join(folder, 'verdicts');
    const args = ['verify', ...MODEL, '--spec', spec, '--kernel', 'halve', '--out', out, '--store', store];
    const first = JSON.parse(await rose([...args, '--json', '--junit', join(out, 'verify.xml')])) as Verified;
    expect(first).toMatchObject({ passed: true, ran: 2 });
    expect(first.variants.every(({ passed, cases }) => passed && cases > 5)).toBe(true);
    expect(readFileSync(join(out, 'verify.xml'), 'utf8')).toContain(
      '<testsuite name="halve" tests="2" failures="0"',
    );
    const manifest = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')) as {
      variants: readonly { verification?: { cases: number; batchInvariant: boolean } }[];
    };
    expect(manifest.variants.map(({ verification }) => verification?.batchInvariant)).toEqual([true, true]);
    const again = JSON.parse(await rose([...args, '--json'])) as Verified;
    expect(again).toMatchObject({ passed: true, ran: 0 });
    expect(await rose(args)).toContain('2 of 2 variants pass (0 run, 2 on record)');
  }, 120_000);

  test('build fails where all that was asked for is rejected, and says so each time', async () => {
    const args = [
      'build',
      ...MODEL,
      '--kernel',
      'argsort',
      '--dim',
      'cols=100000',
      '--out',
      join(folder, 'none'),
    ];
    for (let run = 0; run < 2; run++) {
      const failure = rose(args);
      await expect(failure).rejects.toThrow('FORMULA_UNSUPPORTED');
      await expect(failure).rejects.toMatchObject({ cause: { code: 1 } });
    }
  }, 120_000);

  test('build --verify runs again what an edit changed, and only that', async () => {
    const out = join(folder, 'built-verified');
    const own = join(folder, 'scale.yaml');
    const args = ['build', ...MODEL, '--spec', own, '--spec', spec, '--kernel', 'halve', '--kernel', 'scale'];
    const more = ['--out', out, '--store', join(folder, 'verdicts'), '--verify', '--json'];
    const text = SPEC.replace('halve', 'scale');
    writeFileSync(own, text);
    await rose([...args, ...more]);
    writeFileSync(own, text.replace('0.5', '0.75'));
    const verified = JSON.parse(await rose([...args, ...more])) as {
      passed: boolean;
      verified: readonly { id: string; from: string }[];
    };
    expect(verified.passed).toBe(true);
    const run = verified.verified.filter(({ from }) => from === 'run').map(({ id }) => id.split('.')[0]);
    expect(run).toEqual(['scale', 'scale']);
  }, 120_000);

  test('explain --profile counts what one launch does', async () => {
    const text = await rose([
      'explain',
      'rms_norm.hidden1024.bf16.sm90.prefill',
      '--profile',
      '--rows',
      '8',
      '--json',
    ]);
    const { profile, needed } = JSON.parse(text) as {
      profile: { global: { store: { bytes: number } }; barriers: number };
      needed: { read: number; written: number };
    };
    expect(needed).toEqual({ read: 8 * 1024 * 2 + 1024 * 2, written: 8 * 1024 * 2 });
    expect(profile.global.store.bytes).toBe(needed.written);
  }, 120_000);
});

describe('build --watch', () => {
  test('rebuilds what an edit touches, survives an error, and ends with 0', async () => {
    const out = join(folder, 'watched');
    const args = [...MODEL, '--spec', spec, '--out', out, '--store', join(folder, 'store')];
    const running = new Running(['build', ...args, '--watch']);
    await running.printed(/watching \d+ files/);
    const ptx = join(out, 'ptx/halve.hidden1024.bf16.sm90.decode.ptx');
    const before = statSync(ptx).mtimeMs;

    writeFileSync(spec, SPEC.replace('0.5', '0.125'));
    await running.printed(/\(2 compiled, \d+ from the store\)(.*\n)*.*; watching/);
    expect(statSync(ptx).mtimeMs).toBeGreaterThan(before);

    let from = running.text.length;
    writeFileSync(spec, SPEC.replace('f32(x)', 'f32(y)'));
    await running.printed(/error\[FORMULA_NAME\](.*\n)*.*; watching/, from);

    from = running.text.length;
    writeFileSync(spec, SPEC);
    await running.printed(/built(.*\n)*.*; watching/, from);
    expect(await running.interrupt()).toBe(0);
  }, 120_000);
});
