import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ensureVenv, findVenv, type InstallProgress, type VenvOptions } from '../../../src/toolchain/venv.js';
import { transpile, type Transpiled } from '../../support/transpile.js';

const FAKE_PYTHON = fileURLToPath(new URL('fixtures/fake-python.mjs', import.meta.url));
const VARIABLES = [
  'ROSE_GEN_CACHE_DIR',
  'ROSE_GEN_PYTHON',
  'FAKE_PYTHON',
  'FAKE_PYTHON_LOG',
  'FAKE_PYTHON_DO',
  'PATH',
];
const saved = new Map(VARIABLES.map((name) => [name, process.env[name]]));

let dir: string;
let options: VenvOptions;
let progress: InstallProgress[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rose-gen-test-'));
  const python = join(dir, 'python3');
  writeFileSync(python, `#!/bin/sh\nexec '${process.execPath}' '${FAKE_PYTHON}' "$@"\n`);
  chmodSync(python, 0o755);
  writeFileSync(join(dir, 'requirements.lock'), 'something==1.0 --hash=sha256:00\n');
  process.env['ROSE_GEN_CACHE_DIR'] = join(dir, 'cache');
  process.env['FAKE_PYTHON'] = process.env['ROSE_GEN_PYTHON'] = python;
  process.env['FAKE_PYTHON_LOG'] = join(dir, 'log');
  process.env['PATH'] = '/usr/bin:/bin';
  delete process.env['FAKE_PYTHON_DO'];
  progress = [];
  options = {
    name: 'toolchain',
    lockFile: join(dir, 'requirements.lock'),
    needsBytes: 1,
    onProgress: (event) => progress.push(event),
  };
});
afterEach(() => {
  for (const [name, value] of saved) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
  rmSync(dir, { recursive: true, force: true });
});

const steps = (): string[] =>
  existsSync(join(dir, 'log')) ? readFileSync(join(dir, 'log'), 'utf8').trim().split('\n') : [];
const installs = (): string[] =>
  readdirSync(join(dir, 'cache', 'toolchain')).filter((name) => !name.endsWith('.lock'));
const failed = (fields: object): unknown => expect.objectContaining({ code: 'TOOLCHAIN_INSTALL', ...fields });

describe('ensureVenv', () => {
  test('installs with hashes once; afterwards finding it starts no process', async () => {
    const venv = await ensureVenv(options);
    expect(venv.pythonVersion).toBe('3.12');
    expect(existsSync(venv.python)).toBe(true);
    const lock = options.lockFile;
    expect(steps()).toEqual([
      'venv',
      `pip install --require-hashes --only-binary :all: -r ${lock} --retries 2 --progress-bar off`,
    ]);
    expect(progress.map(({ stage }) => stage)).toEqual(['create', 'install', 'install', 'done']);
    process.env['FAKE_PYTHON_DO'] = 'fail everything';
    expect(await ensureVenv(options)).toEqual(venv);
    expect(await findVenv(options)).toEqual(venv);
    expect(steps()).toHaveLength(2);
  });

  test('another lock is another environment', async () => {
    const first = await ensureVenv(options);
    writeFileSync(options.lockFile, 'something==2.0 --hash=sha256:11\n');
    expect(await findVenv(options)).toBeUndefined();
    const second = await ensureVenv(options);
    expect(second.dir).not.toBe(first.dir);
    expect(second.lockHash).not.toBe(first.lockHash);
  });

  test('another ROSE_GEN_PYTHON is another environment, installed once', async () => {
    const first = await ensureVenv(options);
    const other = join(dir, 'other-python');
    writeFileSync(other, readFileSync(process.env['FAKE_PYTHON']!));
    chmodSync(other, 0o755);
    process.env['ROSE_GEN_PYTHON'] = other;
    const second = await ensureVenv(options);
    expect(second.dir).not.toBe(first.dir);
    expect(await ensureVenv(options)).toEqual(second);
    expect(steps()).toHaveLength(4);
    delete process.env['ROSE_GEN_PYTHON'];
    expect(await findVenv(options)).toBeDefined(); // whoever asks for none takes any
  });

  test('what a killed install left is wiped and installed again', async () => {
    const venv = await ensureVenv(options);
    rmSync(join(venv.dir, 'rose-gen.json'));
    writeFileSync(join(venv.dir, 'half'), '');
    expect(await findVenv(options)).toBeUndefined();
    await ensureVenv(options);
    expect(existsSync(join(venv.dir, 'half'))).toBe(false);
    writeFileSync(join(venv.dir, 'rose-gen.json'), '{"lockHash":');
    expect(await findVenv(options)).toBeUndefined();
  });

  test('an environment whose interpreter is gone is installed again', async () => {
    const venv = await ensureVenv(options);
    rmSync(venv.python);
    expect(await findVenv(options)).toBeUndefined();
    expect(await ensureVenv(options)).toEqual(venv);
  });

  test.each([
    [
      'ERROR: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution',
      'cannot be reached',
    ],
    ['error: Failed to fetch: dns error: failed to lookup address', 'cannot be reached'],
    [
      'ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device',
      'the disk is full',
    ],
    [
      'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE',
      'not the one that the lock names',
    ],
    [
      'ERROR: No matching distribution found for something==1.0',
      'no build of the toolchain for this machine',
    ],
    ['SSLError: CERTIFICATE_VERIFY_FAILED', 'certificate'],
    ['ERROR: [Errno 13] Permission denied: x', 'cannot be written'],
    ['ERROR: the dog ate it', '-m pip install'],
  ])('pip saying %p is one clear error, and nothing half-installed stays', async (output, message) => {
    process.env['FAKE_PYTHON_DO'] = `fail ${output}`;
    await expect(ensureVenv(options)).rejects.toEqual(
      failed({
        message: expect.stringContaining(message) as unknown,
        detail: expect.stringContaining(output) as unknown,
        actual: expect.any(String) as unknown,
      }),
    );
    expect(installs()).toEqual([]);
    delete process.env['FAKE_PYTHON_DO'];
    await expect(ensureVenv(options)).resolves.toBeDefined();
  });

  test('too little space is said before anything is downloaded', async () => {
    await expect(ensureVenv({ ...options, needsBytes: 2 ** 60 })).rejects.toEqual(
      failed({
        message: expect.stringContaining('the disk is full') as unknown,
        actual: expect.stringContaining('free') as unknown,
      }),
    );
    expect(steps()).toEqual([]);
  });

  test('a Python without venv, and no uv: the package to install is named', async () => {
    process.env['FAKE_PYTHON_DO'] = 'no-venv';
    await expect(ensureVenv(options)).rejects.toEqual(
      expect.objectContaining({
        code: 'TOOLCHAIN_PYTHON',
        next: expect.stringContaining('python3.12-venv') as unknown,
      }),
    );
  });

  test('an environment that does not pass its check does not stay', async () => {
    const verify = (): Promise<void> => Promise.reject(new Error('it does not start'));
    await expect(ensureVenv({ ...options, verify })).rejects.toEqual(failed({}));
    expect(installs()).toEqual([]);
  });

  test('a cache folder that cannot be made is an error with its next step', async () => {
    writeFileSync(join(dir, 'file'), '');
    process.env['ROSE_GEN_CACHE_DIR'] = join(dir, 'file', 'cache');
    await expect(ensureVenv(options)).rejects.toEqual(failed({}));
  });

  test('interrupting ends the installer and leaves nothing', async () => {
    process.env['FAKE_PYTHON_DO'] = 'hang';
    const interrupt = new AbortController();
    const onProgress = (event: InstallProgress): void => {
      if (event.message.startsWith('Collecting')) interrupt.abort();
    };
    await expect(ensureVenv({ ...options, onProgress, signal: interrupt.signal })).rejects.toEqual(
      expect.objectContaining({ code: 'CANCELLED' }),
    );
    expect(installs()).toEqual([]);
  });
});

describe('two commands at once', () => {
  let code: Transpiled;
  beforeAll(async () => {
    code = await transpile(['util', 'toolchain', 'device']);
  });
  afterAll(() => code.remove());

  /** A process that installs, and prints its progress as lines of JSON. */
  function installer(): ChildProcess {
    const module = pathToFileURL(join(code.root, 'src/toolchain/venv.js')).href;
    const script = `import { ensureVenv } from ${JSON.stringify(module)};
      const onProgress = (event) => console.log(JSON.stringify(event));
      const venv = await ensureVenv({ name: 'toolchain', lockFile: ${JSON.stringify(options.lockFile)}, needsBytes: 1, lockStaleMs: 2000, onProgress });
      console.log(JSON.stringify({ stage: 'found', message: venv.python }));`;
    return spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: process.env, // this test's, which is not the one that a child gets by default
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  async function finished(child: ChildProcess): Promise<InstallProgress[]> {
    let output = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (output += text));
    await once(child, 'close');
    return output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as InstallProgress);
  }

  test('one installs, the other waits, says so and uses it', async () => {
    process.env['FAKE_PYTHON_DO'] = 'slow';
    const both = await Promise.all([finished(installer()), finished(installer())]);
    expect(steps().filter((line) => line === 'venv')).toHaveLength(1);
    const [first, second] = both.map((events) => events.at(-1));
    expect(first).toEqual({ stage: 'found', message: expect.stringContaining(dir) as unknown });
    expect(second).toEqual(first);
    const waited = both.filter((events) => events.some(({ stage }) => stage === 'wait'));
    expect(waited).toHaveLength(1);
    expect(waited[0]!.find(({ stage }) => stage === 'wait')!.message).toContain('waiting for it');
  }, 30_000);

  test('a lock left by a killed installer is taken over', async () => {
    process.env['FAKE_PYTHON_DO'] = 'hang';
    const victim = installer();
    while (steps().length < 2) await sleep(20);
    victim.kill('SIGKILL');
    await once(victim, 'close');
    expect(installs()).toHaveLength(1); // half an install
    delete process.env['FAKE_PYTHON_DO'];
    const events = await finished(installer());
    expect(events.at(-1)).toMatchObject({ stage: 'found' });
    expect(steps().filter((line) => line === 'venv')).toHaveLength(2);
  }, 60_000);
});

test('the folder of another lock or a stray file is no environment', async () => {
  mkdirSync(join(dir, 'cache', 'toolchain', 'feedfacefeedface-py3.12'), { recursive: true });
  writeFileSync(join(dir, 'cache', 'toolchain', 'stray'), '');
  expect(await findVenv(options)).toBeUndefined();
});
