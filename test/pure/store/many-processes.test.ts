import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { LocalStore } from '../../../src/store/local-store.js';
import { storeStats, trimStore, verifyStore } from '../../../src/store/maintenance.js';
import { sha256 } from '../../../src/util/hash.js';
import { transpile, type Transpiled } from '../../support/transpile.js';

let code: Transpiled;
beforeAll(async () => {
  code = await transpile(['util', 'device', 'store']);
});
afterAll(() => code.remove());

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rose-gen-test-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A process that runs these lines with `store`, `getOrBuild`, `sha256` and `log(text)` at hand. */
function builder(body: string): ChildProcess {
  const url = (path: string): string => JSON.stringify(pathToFileURL(join(code.root, path)).href);
  const script = `
    import { appendFileSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { getOrBuild, LocalStore } from ${url('src/store/index.js')};
    import { sha256 } from ${url('src/util/hash.js')};
    const store = new LocalStore(${JSON.stringify(join(dir, 'store'))}, { lockStaleMs: 2000 });
    const log = (text) => appendFileSync(${JSON.stringify(join(dir, 'log'))}, text + '\\n');
    const artifact = (text, size = 0) => ({ files: { ptx: Buffer.from(text.padEnd(size)) }, info: { text } });
    ${body}`;
  return spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

async function succeeded(child: ChildProcess): Promise<void> {
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  expect(exitCode).toBe(0);
}

const log = (): string[] => {
  const path = join(dir, 'log');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
};

test('four processes that want the same forty keys build each one once', async () => {
  const body = `
    const order = Array.from({ length: 40 }, (_, i) => (i * 7 + process.pid) % 40);
    for (const i of order) {
      const { artifact: made } = await getOrBuild(store, sha256('key ' + i), async () => {
        log('build ' + i);
        await sleep(5);
        return artifact('artifact ' + i);
      });
      if (made.info.text !== 'artifact ' + i) throw new Error('wrong artifact');
    }`;
  await Promise.all(Array.from({ length: 4 }, () => succeeded(builder(body))));
  expect(log()).toHaveLength(40);
  expect(new Set(log()).size).toBe(40);
  const store = new LocalStore(join(dir, 'store'));
  expect(await verifyStore(store)).toEqual({ checked: 40, damaged: [] });
  expect(await storeStats(store)).toMatchObject({ entries: 40, blobs: 40, leftovers: 0 });
}, 60_000);

test('a builder killed in the middle of writing leaves a store that is whole', async () => {
  const body = `
    for (let i = 0; ; i++) {
      await Promise.all([0, 1, 2].map((j) => store.put(sha256(process.pid + ' ' + i + ' ' + j), artifact('a' + process.pid + i + j, 4_000_000))));
      log('put');
    }`;
  const store = new LocalStore(join(dir, 'store'));
  for (let round = 0; round < 4; round++) {
    const before = log().length;
    const victim = builder(body);
    while (log().length < before + 2) await sleep(5);
    await sleep(7 * round);
    victim.kill('SIGKILL');
    await once(victim, 'exit');
    const report = await verifyStore(store);
    expect(report.checked).toBeGreaterThan(0);
    expect(report.damaged).toEqual([]);
    await trimStore(store, { maxBytes: 0 });
  }
}, 60_000);

test('the key of a builder that was killed is built by one of those that wait', async () => {
  const key = sha256('contended');
  const victim = builder(
    `await store.withKeyLock('${key}', async () => { log('locked'); await sleep(600_000); });`,
  );
  while (!log().includes('locked')) await sleep(10);
  const others = [0, 1].map(() =>
    builder(`await getOrBuild(store, '${key}', async () => { log('built'); return artifact('made'); });`),
  );
  victim.kill('SIGKILL');
  await once(victim, 'exit');
  await Promise.all(others.map(succeeded));
  expect(log().filter((line) => line === 'built')).toHaveLength(1);
  expect(await new LocalStore(join(dir, 'store')).get(key)).toMatchObject({ info: { text: 'made' } });
}, 60_000);

test('builders and a trim at the same time: whatever is read is right', async () => {
  const body = `
    for (let round = 0; round < 15; round++) {
      for (let i = 0; i < 10; i++) {
        const { artifact: made } = await getOrBuild(store, sha256('key ' + i), async () => artifact('artifact ' + i));
        if (made.files.ptx.toString() !== 'artifact ' + i) throw new Error('wrong bytes');
      }
    }`;
  const builders = [0, 1].map(() => succeeded(builder(body)));
  const store = new LocalStore(join(dir, 'store'));
  let running = true;
  const done = Promise.all(builders).finally(() => (running = false));
  while (running) {
    await trimStore(store, { maxBytes: 300 });
    await sleep(5);
  }
  await done;
  // A trim may take a blob from under an entry; that shows as a miss, once, and never as wrong bytes.
  await verifyStore(store);
  expect((await verifyStore(store)).damaged).toEqual([]);
}, 60_000);
