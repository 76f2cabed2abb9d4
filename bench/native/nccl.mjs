// Collectives of NCCL through the runtime: in one process that has all GPUs, then in a process a GPU; values checked, times taken,
// one operation at a time and in CUDA graphs.
//   node bench/native/nccl.mjs [--gpus 2] [--timeout 180] [--out FILE]
// On a host with as many GPUs, `npm run build` done, and NCCL (loader path, CUDA_HOME, a pip-installed nvidia folder, ROSE_GEN_NCCL).
// The work is done by child processes (nccl-rank.mjs); this one passes the id on and ends them where they stand still.
// Exits with 1 where a value is wrong, a call failed or a process stood still.
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { clearTimeout, setTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    gpus: { type: 'string', default: '2' },
    timeout: { type: 'string', default: '180' },
    out: { type: 'string' },
  },
});
const RANK = fileURLToPath(new URL('nccl-rank.mjs', import.meta.url));
const gpus = Number(options.gpus);

/** Processes with these ranks each, until all have ended. */
function runProcesses(name, ranksOfEach) {
  return new Promise((resolve) => {
    const result = { name, processes: ranksOfEach.length, results: [], failures: [] };
    let running = ranksOfEach.length;
    /** Whether one failed, so that the others were ended: they would wait for it for ever. */
    let failed = false;
    const last = ranksOfEach.map(() => 'starting');
    const fail = (i, failure) => {
      failed = true;
      result.failures.push({ process: i, step: last[i], ...failure });
    };
    const children = ranksOfEach.map((ranks, i) => {
      const child = fork(RANK, [JSON.stringify({ ranks, of: gpus })], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      child.on('message', (message) => {
        if (message.id) for (const other of children) other.send({ id: message.id });
        if (message.step) last[i] = message.step;
        if (message.about) Object.assign(result, message.about);
        if (message.result && i === 0) result.results.push(message.result);
        if (message.failure) fail(i, message.failure);
      });
      child.on('exit', (code, signal) => {
        if (code !== 0 && !failed) fail(i, { error: `ended with ${signal ?? `code ${code}`}` });
        if (failed) for (const other of children) if (other !== child) other.kill('SIGKILL');
        if (--running > 0) return;
        clearTimeout(timer);
        resolve(result);
      });
      return child;
    });
    const standStill = () => {
      ranksOfEach.forEach((_, i) => fail(i, { error: `stood still for ${options.timeout} s` }));
      for (const child of children) child.kill('SIGKILL');
    };
    const timer = setTimeout(standStill, 1000 * Number(options.timeout));
  });
}

const ranks = Array.from({ length: gpus }, (_, rank) => rank);
const runs = [await runProcesses('one process', [ranks])];
if (gpus > 1)
  runs.push(
    await runProcesses(
      'a process a GPU',
      ranks.map((rank) => [rank]),
    ),
  );

for (const { name, results, failures } of runs) {
  console.error(`${name}: ${results.length} checks passed, ${failures.length} failures`);
  for (const { process: which, step, error } of failures)
    console.error(`FAILED process ${which}, ${step}\n${error}`);
}
const text = `${JSON.stringify({ gpus, runs }, null, 2)}\n`;
if (options.out === undefined) console.log(text);
else writeFileSync(options.out, text);
process.exitCode = runs.some(({ results, failures }) => failures.length > 0 || results.length === 0) ? 1 : 0;
