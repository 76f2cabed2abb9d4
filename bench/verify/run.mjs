// How long proving takes: node bench/verify/run.mjs
//
// The default matrix (the models and architectures of generated/matrix.mjs) verified from nothing and unchanged, and
// `build --watch --verify` from saving a spec to its verdict. Each in a store of its own. Writes bench/results/verify.json.

import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ARCHS, MODELS } from '../../generated/matrix.mjs';

const run = promisify(execFile);
const root = new URL('../..', import.meta.url).pathname;
const bin = join(root, 'bin/rose-gen.js');
const RUNS = 3;
const folder = await mkdtemp(join(tmpdir(), 'rose-gen-bench-'));
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const round = (seconds) => Number(seconds.toFixed(3));

/** Seconds that a command takes as a whole, and what it printed. */
async function timed(args) {
  const start = performance.now();
  const { stdout } = await run(process.execPath, [bin, ...args], { maxBuffer: 2 ** 26 });
  return { seconds: (performance.now() - start) / 1000, stdout };
}

const matrix = { models: MODELS, archs: ARCHS, variants: 0, seconds: 0, unchangedSeconds: 0 };
for (const model of MODELS) {
  const args = [
    '--model',
    model,
    '--arch',
    ARCHS.join(','),
    '--out',
    join(folder, model),
    '--store',
    join(folder, 'store'),
  ];
  const { stdout } = await timed(['build', ...args, '--json']);
  matrix.variants += JSON.parse(stdout).variants;
  matrix.seconds += (await timed(['verify', ...args])).seconds;
  const unchanged = [];
  for (let i = 0; i < RUNS; i++) unchanged.push((await timed(['verify', ...args])).seconds);
  matrix.unchangedSeconds = Math.max(matrix.unchangedSeconds, median(unchanged));
}

const result = {
  machine: { processor: cpus()[0].model, cores: availableParallelism(), node: process.version },
  matrix: {
    ...matrix,
    seconds: round(matrix.seconds),
    unchangedSeconds: round(matrix.unchangedSeconds),
    boundSeconds: 120,
    unchangedBoundSeconds: 0.5,
  },
  watch: { secondsFromSaveToVerdict: round(await watchSeconds()), boundSeconds: 2 },
};
await rm(folder, { recursive: true, force: true });
await writeFile(join(root, 'bench/results/verify.json'), `${JSON.stringify(result, null, 2)}\n`);
console.log(JSON.stringify(result, null, 2));

/** Median seconds from saving an edited spec to the line that gives its verdict. */
async function watchSeconds() {
  const spec = join(folder, 'my_norm.yaml');
  const text = (await readFile(join(root, 'specs/rms_norm.yaml'), 'utf8')).replace(
    'kernel: rms_norm',
    'kernel: my_norm',
  );
  await writeFile(spec, text);
  const args = [
    'build',
    '--model',
    'qwen3-8b',
    '--arch',
    'sm90',
    '--spec',
    spec,
    '--kernel',
    'my_norm',
    '--watch',
    '--verify',
  ];
  const watcher = spawn(process.execPath, [
    bin,
    ...args,
    '--out',
    join(folder, 'watched'),
    '--store',
    join(folder, 'watch-store'),
  ]);
  let printed = '';
  for (const stream of [watcher.stdout, watcher.stderr])
    stream.setEncoding('utf8').on('data', (more) => (printed += more));
  const until = async (pattern) => {
    while (!pattern.test(printed)) await sleep(2);
  };
  await until(/watching \d+ files/);
  await until(/variants pass/);
  const times = [];
  for (let i = 1; i <= RUNS; i++) {
    printed = '';
    const start = performance.now();
    await writeFile(spec, text.replace('h * h', `(h * ${1 + i / 8}) * h`));
    await until(/variants pass/);
    times.push((performance.now() - start) / 1000);
    await until(/watching/);
  }
  watcher.kill('SIGINT');
  return median(times);
}
