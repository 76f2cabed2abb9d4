// Rows a second that the simulator runs: node bench/sim/run.mjs
//
// RMSNorm of 4096 elements, bf16, sm90 prefill, built by rose-gen itself; one core. Writes bench/results/simulator.json.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../../dist/build/index.js';
import { compileKernel, parsePtx } from '../../dist/sim/index.js';
import { bindKernel, loadSpecs } from '../../dist/spec/index.js';
import { packagePath } from '../../dist/util/package-root.js';
import { Launcher } from '../../dist/verify/launch.js';
import { problemOfRows } from '../../dist/verify/problems.js';

const ROWS = 512;
const RUNS = 5;
const specs = await loadSpecs(packagePath('specs'));
const spec = specs.get('rms_norm');
const binding = { dims: { hidden: 4096 }, types: { T: 'bf16' }, flags: { gated: false, unit_offset: false } };
const variant = {
  id: 'rms_norm.sm90',
  kernel: 'rms_norm',
  binding,
  arch: 'sm90',
  phase: 'prefill',
  pdl: true,
  reasons: [],
};
const folder = await mkdtemp(join(tmpdir(), 'rose-gen-bench-'));
const { manifest } = await build({ variants: [variant], specs, outDir: folder });
const [entry] = manifest.variants;
const ptx = await readFile(join(folder, entry.files.ptx.path), 'utf8');
await rm(folder, { recursive: true, force: true });
const bound = bindKernel(spec, binding);

/** Median rows a second over some launches, after one that lets the engine compile. */
function rowsPerSecond(checks) {
  const launcher = new Launcher(bound, entry, compileKernel(parsePtx(ptx, entry.id), entry.entry));
  const { problem } = problemOfRows(bound, entry, ROWS);
  const rates = [];
  for (let run = 0; run <= RUNS; run++) {
    // What is timed is the launch; tensors are laid out before `onLaunch`, and read back after.
    let start = 0;
    let seconds = 0;
    launcher.run(problem, {
      checks,
      onLaunch: () => (start = performance.now()),
      onDone: () => (seconds = (performance.now() - start) / 1000),
    });
    if (run > 0) rates.push(ROWS / seconds);
  }
  return Math.round(rates.sort((a, b) => a - b)[RUNS >> 1]);
}

const result = {
  machine: { processor: cpus()[0].model, node: process.version },
  kernel: 'RMSNorm, 4096 elements a row, bf16, sm90 prefill, one core',
  rowsPerSecond: { withoutChecks: rowsPerSecond('none'), allChecks: rowsPerSecond('all') },
  bounds: { withoutChecks: 8000, allChecks: 2500 },
};
await writeFile(packagePath('bench/results/simulator.json'), `${JSON.stringify(result, null, 2)}\n`);
console.log(JSON.stringify(result, null, 2));
