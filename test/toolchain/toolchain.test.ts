import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ARCHITECTURES, architecture } from '../../src/device/arch.js';
import { CompileError } from '../../src/toolchain/compile-error.js';
import { CompilePool, type CompileJob, type CompileOutput } from '../../src/toolchain/compile-pool.js';
import { readCubin } from '../../src/toolchain/cubin.js';
import { diagnose } from '../../src/toolchain/doctor.js';
import { reportResources } from '../../src/toolchain/resources.js';
import {
  ensureToolchain,
  findToolchain,
  type Toolchain,
  WORKER_SCRIPT,
} from '../../src/toolchain/toolchain.js';
import { sha256 } from '../../src/util/hash.js';

const RMS_NORM = readFileSync(new URL('fixtures/rms_norm.py', import.meta.url), 'utf8');
const MIB = 2 ** 20;

let toolchain: Toolchain;
let pool: CompilePool;
beforeAll(async () => {
  toolchain = await ensureToolchain();
  pool = new CompilePool({ python: toolchain.python, workers: 2 });
}, 600_000);
afterAll(async () => {
  await pool[Symbol.asyncDispose]();
});

const job = (arch: string, source = RMS_NORM, name = 'rms_norm'): CompileJob => ({ name, source, arch });

/** The RMSNorm with some of its text replaced; fails the test where the text is not there. */
function edited(...edits: readonly (readonly [from: string, to: string])[]): string {
  return edits.reduce((source, [from, to]) => {
    expect(source).toContain(from);
    return source.replace(from, to);
  }, RMS_NORM);
}

async function rejection(source: string, arch = 'sm_90a'): Promise<CompileError> {
  const error: unknown = await pool.compile(job(arch, source)).then(
    () => 'it compiled',
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CompileError);
  return error as CompileError;
}

/** Line of the RMSNorm (or of an edited one) that holds this text. */
const lineOf = (text: string, source = RMS_NORM): number =>
  source.slice(0, source.indexOf(text)).split('\n').length;

describe('the toolchain', () => {
  test('is installed once and then found without a process', async () => {
    expect(await findToolchain()).toEqual(toolchain);
    expect(await ensureToolchain()).toEqual(toolchain);
    expect(toolchain).toMatchObject({ cutlassDsl: '4.8.1', cudaFlavour: 'cu12', minimumDriver: '525.60.13' });
    expect(toolchain.lockHash).toBe(
      sha256(readFileSync(new URL('../../python/requirements.lock', import.meta.url))),
    );
  });

  test('doctor finds nothing wrong with it', async () => {
    const found = await diagnose();
    expect(found.map(({ id }) => id)).toEqual([
      'node',
      'platform',
      'python',
      'toolchain',
      'cache',
      'disk',
      'gpu',
    ]);
    expect(found.find(({ id }) => id === 'toolchain')).toMatchObject({
      status: 'ok',
      found: expect.stringContaining('nvidia-cutlass-dsl 4.8.1, cu12') as unknown,
    });
  });

  test('its locks name no host', () => {
    for (const name of ['requirements.lock', 'requirements-test.lock', 'requirements.in']) {
      expect(readFileSync(new URL(`../../python/${name}`, import.meta.url), 'utf8')).not.toMatch(
        /https?:|index-url/,
      );
    }
  });
});

describe('compiling', () => {
  test.each(ARCHITECTURES.map((arch) => arch.name))('%s', async (name) => {
    const arch = architecture(name);
    const { ptx, cubin } = await pool.compile(job(arch.target));
    expect(ptx).toMatch(new RegExp(`^\\.target ${arch.target}\\b`, 'm'));
    const { sm, kernels } = readCubin(cubin);
    expect(sm).toBe(arch.computeCapability[0] * 10 + arch.computeCapability[1]);
    expect(kernels).toHaveLength(1);
    expect(kernels[0]).toMatchObject({
      name: 'rms_norm_0',
      requiredBlock: [256, 1, 1],
      params: [0, 8, 16, 24, 28].map((offset, index) => ({ index, offset, size: index < 3 ? 8 : 4 })),
      spillStoreBytes: 0,
    });
    const report = reportResources(arch, kernels[0]!, { threads: 256, dynamicSharedBytes: 32 });
    expect(report.registers).toBeGreaterThan(16);
    expect(report.ctasPerSm).toBeGreaterThanOrEqual(4);
  });

  test('gives the same bytes in any worker, in any order', async () => {
    const targets = ['sm_90a', 'sm_100a', 'sm_80'];
    const first = await Promise.all(targets.map((target) => pool.compile(job(target))));
    await using fresh = new CompilePool({ python: toolchain.python, workers: 1 });
    const again: CompileOutput[] = [];
    for (const target of targets.toReversed()) again.unshift(await fresh.compile(job(target)));
    expect(again.map(({ ptx, cubin }) => sha256(ptx) + sha256(cubin))).toEqual(
      first.map(({ ptx, cubin }) => sha256(ptx) + sha256(cubin)),
    );
  });

  test('a kernel that holds too much in registers is seen to spill', async () => {
    const source = edited(['HIDDEN = 4096', 'HIDDEN = 131072'], ['THREADS = 256', 'THREADS = 1024']);
    const { cubin } = await pool.compile(job('sm_90a', source));
    const [kernel] = readCubin(cubin).kernels;
    expect(kernel!.registers).toBe(64); // 65,536 over 1,024 threads
    expect(kernel!.spillStoreBytes).toBeGreaterThan(500);
    expect(kernel!.localBytes).toBeGreaterThan(500);
  });

  test('the user’s environment shapes nothing', async () => {
    const plain = await pool.compile(job('sm_90a'));
    const names = {
      CUTE_DSL_LINEINFO: '1',
      CUTE_DSL_DRYRUN: '1',
      PYTHONPATH: '/nowhere',
      CUTE_DSL_ARCH: 'sm_80',
    };
    Object.assign(process.env, names);
    try {
      await using other = new CompilePool({ python: toolchain.python, workers: 1 });
      const made = await other.compile(job('sm_90a'));
      expect(sha256(made.cubin)).toBe(sha256(plain.cubin));
      expect(made.ptx).toBe(plain.ptx);
    } finally {
      for (const name of Object.keys(names)) Reflect.deleteProperty(process.env, name);
    }
  });

  test('workers stay below 600 MB, and what a module prints does not disturb the answers', async () => {
    const noisy = edited([
      '    scale = ',
      '    print("noise"); import os; os.write(1, b"raw noise\\n")\n    scale = ',
    ]);
    const { ptx } = await pool.compile(job('sm_90a', noisy));
    expect(ptx).toBe((await pool.compile(job('sm_90a'))).ptx);
    const answers = work(
      Array.from({ length: 24 }, (_, i) => edited(['HIDDEN = 4096', `HIDDEN = ${2048 * (i + 1)}`])),
    );
    expect(answers).toHaveLength(24);
    for (const { ok, rss } of answers) {
      expect(ok).toBe(true);
      expect(rss).toBeLessThan(600 * MIB);
    }
  });
});

/** What one worker answers to these modules, started by hand in a folder of its own. */
function work(sources: readonly string[]): { ok: boolean; rss: number }[] {
  const folder = mkdtempSync(join(tmpdir(), 'rose-gen-test-'));
  try {
    const input = sources.map((source, id) =>
      JSON.stringify({ id, file: 'rose/k.py', source, options: '--gpu-arch sm_90a' }),
    );
    const output = execFileSync(toolchain.python, ['-I', WORKER_SCRIPT, '--scratch', folder], {
      cwd: folder,
      input: `${input.join('\n')}\n`,
      stdio: ['pipe', 'pipe', 'ignore'],
      encoding: 'utf8',
      maxBuffer: 100 * MIB,
    });
    // Nothing is left where it ran: the worker removes its folder, and the one it was given if that is empty.
    expect(() => readdirSync(folder)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    const [ready, ...answers] = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { ok: boolean; rss: number });
    expect(ready).toHaveProperty('ready.cutlassDsl', '4.8.1');
    return answers;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('a module that the toolchain rejects', () => {
  afterEach(async () => {
    // The pool works on.
    await expect(pool.compile(job('sm_90a'))).resolves.toBeDefined();
  });

  test('a name that does not exist, in the kernel', async () => {
    const source = edited(['cute.math.rsqrt', 'cute.math.rsqrtt']);
    const error = await rejection(source);
    expect(error.moduleLine).toBe(lineOf('cute.math.rsqrtt', source));
    expect(error.place).toMatchObject({
      file: 'rose/rms_norm.py',
      text: expect.stringContaining('rsqrtt') as unknown,
    });
    expect(error.message).toBe(
      "the toolchain rejected the module: module 'cutlass.cute.math' has no attribute 'rsqrtt'",
    );
    expect(error.format()).not.toContain('Traceback');
    expect(error.detail).toContain('Traceback');
  });

  test('a mistake of syntax', async () => {
    const source = edited(['row, _, _ =', 'row, _, _ = =']);
    expect(await rejection(source)).toMatchObject({
      moduleLine: lineOf('row, _, _ =', source),
      exception: 'SyntaxError',
    });
  });

  test('a variable that a branch may leave unset: the DSL’s own message and line', async () => {
    const source = edited([
      '    cute.arch.barrier()',
      '    if thread == 0:\n        late = 1\n    late = late + 1\n    cute.arch.barrier()',
    ]);
    const error = await rejection(source);
    expect(error.moduleLine).toBe(lineOf('late = late + 1', source));
    expect(error.message).toContain("'late'");
  });

  test('an instruction that the architecture lacks', async () => {
    const source = RMS_NORM.replaceAll('BFloat16', 'Float8E4M3FN');
    const error = await rejection(source, 'sm_80');
    expect(error.message).toBe('the toolchain rejected the module: libNVVM: unsupported operation');
    await expect(pool.compile(job('sm_89', source))).resolves.toBeDefined();
  });

  test('an architecture for which it makes nothing, and one it does not know', async () => {
    expect((await rejection(RMS_NORM, 'sm_110a')).message).toContain('no PTX or cubin');
    expect(await rejection(RMS_NORM, 'sm_75')).toMatchObject({ exception: 'KeyError' });
  });

  test('a module without compile_kernel', async () => {
    const error = await rejection('x = 1\n');
    expect(error.message).toContain('no compile_kernel');
    expect(error.moduleLine).toBeUndefined();
  });
});

describe('a worker that is hurt', () => {
  const broken = (how: string): string =>
    edited([
      'def compile_kernel(options: str):',
      `def compile_kernel(options: str):\n    import os, time\n    ${how}`,
    ]);

  test('one that dies takes its job down after a second try, and no other', async () => {
    const died = pool.compile(job('sm_90a', broken('os.kill(os.getpid(), 9)'), 'deadly'));
    const others = ['sm_80', 'sm_86', 'sm_90a'].map((target) => pool.compile(job(target)));
    await expect(died).rejects.toEqual(
      expect.objectContaining({ code: 'COMPILE_CRASHED', actual: 'killed by SIGKILL' }),
    );
    await Promise.all(others);
  });

  test('one that hangs is ended', async () => {
    await using hasty = new CompilePool({ python: toolchain.python, workers: 1, timeoutMs: 1500 });
    await expect(hasty.compile(job('sm_90a', broken('time.sleep(600)')))).rejects.toEqual(
      expect.objectContaining({ code: 'COMPILE_TIMEOUT' }),
    );
    await expect(hasty.compile(job('sm_90a'))).resolves.toBeDefined();
  });

  test('one that asks for more memory than it may have is not given it', async () => {
    await using tight = new CompilePool({ python: toolchain.python, workers: 1, memoryBytes: 1500 * MIB });
    await expect(tight.compile(job('sm_90a', broken('bytearray(2 * 2**30)')))).rejects.toEqual(
      expect.objectContaining({
        code: 'COMPILE_CRASHED',
        actual: expect.stringContaining('more than') as unknown,
      }),
    );
    await expect(tight.compile(job('sm_90a'))).resolves.toBeDefined();
  });
});
