import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { getEventListeners } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CompileError } from '../../../src/toolchain/compile-error.js';
import { CompilePool, compileOptions, type CompilePoolOptions } from '../../../src/toolchain/compile-pool.js';

const FAKE_WORKER = fileURLToPath(new URL('fixtures/fake-worker.mjs', import.meta.url));

let dir: string;
let log: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rose-gen-test-'));
  log = join(dir, 'log');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function makePool(options: Partial<CompilePoolOptions> = {}, ...args: string[]): CompilePool {
  const command = { file: process.execPath, args: [FAKE_WORKER, '--log', log, ...args] };
  return new CompilePool({ python: 'unused', workers: 2, command, ...options });
}

const job = (source: string, name = 'rms_norm'): { name: string; source: string; arch: string } => ({
  name,
  source,
  arch: 'sm_90a',
});
const logged = (what: string): string[] =>
  readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes(what));
const error = (code: string, fields: object = {}): unknown => expect.objectContaining({ code, ...fields });

describe('CompilePool', () => {
  test('compiles under the pseudo-name and with the architecture spelled out', async () => {
    await using pool = makePool();
    const made = await pool.compile(job('ok'));
    expect(made).toEqual({
      ptx: '// rose/rms_norm.py --gpu-arch sm_90a',
      cubin: Buffer.from([1, 2, 3]),
      seconds: 0.5,
    });
    expect(compileOptions({ arch: 'sm_100a', options: ['--opt-level', '3'] })).toBe(
      '--gpu-arch sm_100a --opt-level 3',
    );
  });

  test('starts no worker before there is a job, no more than there are jobs, and keeps them', async () => {
    await using pool = makePool({ workers: 4 });
    expect(pool.workers()).toBe(0);
    await pool.compile(job('ok'));
    expect(logged('start')).toHaveLength(1);
    await Promise.all(Array.from({ length: 60 }, (_, i) => pool.compile(job('ok', `k${i}`))));
    expect(logged('job')).toHaveLength(61);
    expect(logged('start').length).toBeLessThanOrEqual(4);
    expect(pool.workers()).toBeLessThanOrEqual(4);
  });

  test('takes the longest of the jobs that wait', async () => {
    await using pool = makePool({ workers: 1 });
    const done: string[] = [];
    const sources = { short: 'ok', long: `ok${' '.repeat(9)}`, middle: 'ok   ' };
    await Promise.all(
      Object.entries(sources).map(async ([name, source]) => {
        await pool.compile(job(source, name));
        done.push(name);
      }),
    );
    expect(done).toEqual(['long', 'middle', 'short']);
  });

  test('warm starts workers ahead of the jobs', async () => {
    await using pool = makePool({ workers: 2 });
    pool.warm(5);
    expect(pool.workers()).toBe(2);
    await Promise.all([pool.compile(job('ok')), pool.compile(job('ok'))]);
    expect(pool.workers()).toBe(2);
  });

  test('a rejected module is an error at its line, with the traceback out of sight', async () => {
    await using pool = makePool();
    const failure = await pool
      .compile(job('fail 3\nsecond\n    third = layout'))
      .catch((reason: unknown) => reason);
    expect(failure).toBeInstanceOf(CompileError);
    expect(failure).toMatchObject({
      code: 'COMPILE_FAILED',
      message: 'the toolchain rejected the module: no such layout',
      moduleLine: 3,
      place: { file: 'rose/rms_norm.py', line: 3, text: '    third = layout' },
      exception: 'ValueError',
    });
    const { format } = failure as CompileError;
    expect(format.call(failure)).not.toContain('Traceback');
    expect(format.call(failure, { verbose: true })).toContain('Traceback');
    // The worker lives on.
    await pool.compile(job('ok'));
    expect(logged('start')).toHaveLength(1);
  });

  test('a crashed worker is replaced and its job retried once', async () => {
    await using pool = makePool({ workers: 1 });
    const crashing = pool.compile(job(`crash-once ${join(dir, 'crashed')}`));
    const other = pool.compile(job('ok', 'other'));
    await expect(crashing).resolves.toMatchObject({ seconds: 0.5 });
    await expect(other).resolves.toMatchObject({ seconds: 0.5 });
    expect(logged('start')).toHaveLength(2);
  });

  test('a job that kills two workers is COMPILE_CRASHED, with what they printed', async () => {
    await using pool = makePool();
    const detail = expect.stringContaining('out of luck') as unknown;
    await expect(pool.compile(job('crash'))).rejects.toEqual(
      error('COMPILE_CRASHED', { actual: 'killed by SIGKILL', detail }),
    );
    expect(logged('job')).toHaveLength(2);
    await pool.compile(job('ok'));
  });

  test.each(['garbage', 'wrong-id', 'memory'])(
    'a worker whose answer is %s counts as crashed',
    async (source) => {
      await using pool = makePool();
      await expect(pool.compile(job(source))).rejects.toEqual(error('COMPILE_CRASHED'));
      expect(logged('start')).toHaveLength(2);
      await pool.compile(job('ok'));
      expect(logged('start')).toHaveLength(3);
    },
  );

  test('what a worker prints on standard error disturbs nothing', async () => {
    await using pool = makePool();
    await expect(pool.compile(job('noise'))).resolves.toMatchObject({ seconds: 0.5 });
  });

  test('a job that takes too long loses its worker, the others do not', async () => {
    await using pool = makePool({ workers: 2, timeoutMs: 300 });
    const hanging = pool.compile(job('hang', 'slow'));
    const others = Array.from({ length: 5 }, (_, i) => pool.compile(job('ok', `k${i}`)));
    await expect(hanging).rejects.toEqual(
      error('COMPILE_TIMEOUT', { message: expect.stringContaining('slow') as unknown }),
    );
    await Promise.all(others);
    expect(logged('job rose/slow.py')).toHaveLength(1); // no second try
  });

  test('a worker that has grown too large is replaced between two jobs', async () => {
    await using pool = makePool({ workers: 1, recycleBytes: 5000 });
    await pool.compile(job('grow 4000'));
    await pool.compile(job('grow 6000'));
    expect(logged('start')).toHaveLength(1);
    await pool.compile(job('ok'));
    expect(logged('start')).toHaveLength(2);
  });

  test('cancelling takes a job out of the queue, or its worker from under it', async () => {
    await using pool = makePool({ workers: 1 });
    const running = new AbortController();
    const queued = new AbortController();
    const first = pool.compile(job('hang', 'first'), running.signal);
    const second = pool.compile(job('ok', 'second'), queued.signal);
    const third = pool.compile(job('ok', 'third'));
    queued.abort();
    await expect(second).rejects.toEqual(error('CANCELLED'));
    running.abort();
    await expect(first).rejects.toEqual(error('CANCELLED'));
    await expect(third).resolves.toMatchObject({ seconds: 0.5 });
    await expect(pool.compile(job('ok'), AbortSignal.abort())).rejects.toEqual(error('CANCELLED'));
    expect(logged('second')).toHaveLength(0);
  });

  test('many jobs may share a signal, and leave nothing on it', async () => {
    await using pool = makePool();
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 20 }, () => pool.compile(job('ok'), signal)));
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('disposing ends every worker, cancels what is left and leaves no folder behind', async () => {
    const scratch = () => readdirSync(tmpdir()).filter((name) => name.startsWith('rose-gen-worker-'));
    const before = scratch();
    await using pool = makePool({ workers: 2 });
    await pool.compile(job('ok'));
    expect(scratch().length).toBeGreaterThan(before.length);
    const left = [pool.compile(job('hang')), pool.compile(job('hang')), pool.compile(job('ok'))];
    const settled = Promise.allSettled(left);
    await pool[Symbol.asyncDispose]();
    for (const result of await settled)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'CANCELLED' } });
    expect(pool.workers()).toBe(0);
    for (const line of logged('start')) {
      const pid = Number(line.split(' ')[0]);
      expect(() => process.kill(pid, 0)).toThrow(expect.objectContaining({ code: 'ESRCH' }));
    }
    expect(scratch().filter((name) => !before.includes(name))).toEqual([]);
    await expect(pool.compile(job('ok'))).rejects.toEqual(error('CANCELLED'));
  });
});

describe('workers that do not start', () => {
  test.each([
    ['exit', 'exit code 3', 'cannot import'],
    ['fatal', 'the toolchain does not import', 'ModuleNotFoundError'],
    ['garbage', expect.stringContaining('no answer') as unknown, ''],
  ])('%s: every job fails, and not by trying for each', async (how, actual, detail) => {
    await using pool = makePool({ workers: 1 }, '--on-start', how);
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => pool.compile(job('ok', `k${i}`))),
    );
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: error('COMPILE_CRASHED', { actual }) });
      expect((result as PromiseRejectedResult).reason).toMatchObject({
        detail: expect.stringContaining(detail) as unknown,
      });
    }
    expect(logged('start')).toHaveLength(2);
  });

  test('one failed start is made good', async () => {
    await using pool = makePool({ workers: 1 }, '--on-start', `exit-once:${join(dir, 'exited')}`);
    await expect(pool.compile(job('ok'))).resolves.toMatchObject({ seconds: 0.5 });
  });

  test('one that never gets ready is given up', async () => {
    await using pool = makePool({ workers: 1, startTimeoutMs: 300 }, '--on-start', 'hang');
    await expect(pool.compile(job('ok'))).rejects.toEqual(
      error('COMPILE_CRASHED', { actual: 'it did not start in time' }),
    );
  });

  test('an interpreter that is not there is an error, not a crash', async () => {
    await using pool = new CompilePool({ python: join(dir, 'no-python'), workers: 1 });
    await expect(pool.compile(job('ok'))).rejects.toEqual(
      error('COMPILE_CRASHED', { next: expect.stringContaining('doctor') as unknown }),
    );
  });
});
