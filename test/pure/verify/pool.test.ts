import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { transpile, type Transpiled } from '../../support/transpile.js';
import { broken, keepPositive, twice, twiceApart } from './subjects.js';

let code: Transpiled;
beforeAll(async () => {
  code = await transpile(['util', 'device', 'spec', 'store', 'sim', 'verify']);
}, 60_000);
afterAll(() => code.remove());

/** Output of a process that runs these lines with `subjects`, `VerifyPool` and `told(promise)` at hand. */
async function run(subjects: readonly unknown[], body: string): Promise<unknown> {
  const url = JSON.stringify(pathToFileURL(join(code.root, 'src/verify/pool.js')).href);
  const script = `
    import { VerifyPool } from ${url};
    const subjects = ${JSON.stringify(subjects)};
    const told = (promise) => promise.then(
      (verdict) => [verdict.id, verdict.passed],
      (error) => [error.code ?? error.message, error.place?.line ?? null],
    );
    ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  expect(child.exitCode).toBe(0);
  return JSON.parse(output);
}

const wrong = broken(keepPositive, 'setp.leu.f32', 'setp.lt.f32');
const unknown = broken(twice, 'mul.f32', 'frobnicate.f32');
const endless = broken(twiceApart, '$L__DONE:\n', '$L__DONE:\n\tbra 	$L__DONE;\n');

test('a thread that is free takes the longest of the kernels that wait', async () => {
  const output = await run(
    [wrong, twice, twiceApart],
    `const pool = new VerifyPool({ workers: 1 });
    const done = [];
    await Promise.all(subjects.map((subject) => pool.verify(subject).then(({ id }) => done.push(id))));
    console.log(JSON.stringify(done));
    await pool[Symbol.asyncDispose]();`,
  );
  expect(output).toEqual([wrong, twiceApart, twice].map(({ variant }) => variant.id));
});

test('two threads give the verdicts and errors that this one gives, and the process ends', async () => {
  const output = await run(
    [twice, wrong, twiceApart, unknown],
    `const pool = new VerifyPool({ workers: 2 });
    console.log(JSON.stringify(await Promise.all(subjects.map((subject) => told(pool.verify(subject))))));
    await pool[Symbol.asyncDispose]();`,
  );
  const line = twice.ptx.split('\n').findIndex((each) => each.includes('mul.f32')) + 1;
  expect(output).toEqual([
    [twice.variant.id, true],
    [wrong.variant.id, false],
    [twiceApart.variant.id, true],
    ['PTX_UNSUPPORTED', line],
  ]);
}, 60_000);

test('a kernel under way is stopped by its signal, and the pool goes on with another thread', async () => {
  const output = await run(
    [endless, twice],
    `const pool = new VerifyPool({ workers: 1 });
    const controller = new AbortController();
    const options = { limits: { steps: 2 ** 31 - 1 } };
    const stuck = told(pool.verify(subjects[0], options, controller.signal));
    const waiting = told(pool.verify(subjects[1]));
    setTimeout(() => controller.abort(), 200);
    console.log(JSON.stringify([await stuck, await waiting, await told(pool.verify(subjects[1], {}, controller.signal))]));
    await pool[Symbol.asyncDispose]();`,
  );
  expect(output).toEqual([
    ['CANCELLED', null],
    [twice.variant.id, true],
    ['CANCELLED', null],
  ]);
}, 60_000);

test('a pool that is disposed cancels what is under way and what waits', async () => {
  const output = await run(
    [endless, twice],
    `const pool = new VerifyPool({ workers: 1 });
    const options = { limits: { steps: 2 ** 31 - 1 } };
    const all = Promise.all(subjects.map((subject) => told(pool.verify(subject, options))));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await pool[Symbol.asyncDispose]();
    console.log(JSON.stringify([...(await all), await told(pool.verify(subjects[1]))]));`,
  );
  expect(output).toEqual([
    ['CANCELLED', null],
    ['CANCELLED', null],
    ['CANCELLED', null],
  ]);
}, 60_000);
