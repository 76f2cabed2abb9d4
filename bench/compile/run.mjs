// Measures compile times: rose-gen's own builds, and one RMSNorm beside nvcc and Triton, all on this machine in one run.
//
//   node bench/compile/run.mjs [--peers VENV] [--runs N]
//
// VENV is a virtual environment with triton==3.6.0, nvidia-cuda-nvcc, nvidia-cuda-runtime, nvidia-cuda-cccl, and
// nvidia-cutlass==4.2.0.0 installed with --no-deps. Writes bench/results/compile.json and bench/results/compile.svg.

import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { barChart } from './chart.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
};
const runs = Number(option('runs', '3'));
const work = mkdtempSync(join(tmpdir(), 'rose-gen-bench-'));
const cli = join(root, 'bin', 'rose-gen.js');

function seconds(command, args, env = {}) {
  const start = process.hrtime.bigint();
  const result = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, CI: '1', ...env },
    encoding: 'utf8',
  });
  const elapsed = Number(process.hrtime.bigint() - start) / 1e9;
  if (result.status !== 0)
    throw new Error(`${command} ${args.join(' ')}\n${result.stdout}\n${result.stderr}`);
  return elapsed;
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const repeat = (measure) => median(Array.from({ length: runs }, measure));

function coldBuild(args) {
  const out = mkdtempSync(join(work, 'out-'));
  const store = mkdtempSync(join(work, 'store-'));
  return { out, store, seconds: seconds('node', [cli, 'build', ...args, '--out', out, '--store', store]) };
}

const model = ['--model', 'qwen3-8b', '--arch', 'sm100'];
seconds('node', [cli, 'build', ...model, '--out', join(work, 'warm-up')]); // installs the toolchain where it is missing
const colds = Array.from({ length: runs }, () => coldBuild(model));
const cold = median(colds.map((each) => each.seconds));
const last = colds.at(-1);
const variants = JSON.parse(readFileSync(join(last.out, 'manifest.json'), 'utf8')).variants.length;
const unchanged = repeat(() =>
  seconds('node', [cli, 'build', ...model, '--out', last.out, '--store', last.store]),
);
const help = repeat(() => seconds('node', [cli, '--help']));
const costs = JSON.parse(readFileSync(join(last.out, 'costs.json'), 'utf8'));

const results = {
  machine: { processor: cpus()[0].model, cores: cpus().length, node: process.version },
  runs,
  build: {
    model: 'qwen3-8b',
    arch: 'sm100',
    variants,
    coldSeconds: cold,
    boundSeconds: 4 + 0.1 * variants,
    unchangedSeconds: unchanged,
  },
  helpSeconds: help,
  costs,
};

const peers = option('peers');
if (peers) results.rmsNorm = measurePeers(peers);

function measurePeers(venv) {
  const python = join(venv, 'bin', 'python');
  const nvcc = find(venv, (path) => path.endsWith('/bin/nvcc'));
  const include = find(venv, (path) => path.endsWith('cutlass_library/source/include/cute/tensor.hpp'));
  const cuda = (extra) =>
    repeat(() =>
      seconds(nvcc, [
        '-cubin',
        '-arch=sm_90a',
        '-std=c++17',
        ...extra,
        '-o',
        join(work, 'rms.cubin'),
        join(here, 'rms_norm.cu'),
      ]),
    );
  const triton = Array.from({ length: runs }, () =>
    JSON.parse(
      execFileSync(python, [join(here, 'triton_aot.py')], {
        env: { ...process.env, TRITON_CACHE_DIR: mkdtempSync(join(work, 'triton-')) },
        encoding: 'utf8',
      }),
    ),
  );
  const own = colds
    .flatMap((each) => Object.entries(JSON.parse(readFileSync(join(each.out, 'costs.json'), 'utf8'))))
    .filter(([id]) => id.startsWith('rms_norm.'));
  const one = repeat(
    () =>
      coldBuild(['--model', 'qwen3-8b', '--arch', 'sm90', '--phase', 'prefill', '--kernel', 'rms_norm'])
        .seconds,
  );
  return {
    roseGenCommand: one,
    roseGenVariant: own.length > 0 ? median(own.map(([, value]) => value)) : null,
    nvccPlain: cuda([]),
    nvccCute: cuda(['-DWITH_CUTE', '-I', dirname(dirname(include))]),
    tritonFirst: median(triton.map((each) => each.first)),
    tritonNext: median(triton.flatMap((each) => each.next)),
    versions: {
      nvcc: execFileSync(nvcc, ['--version'], { encoding: 'utf8' }).match(/release [\d.]+/)?.[0] ?? '',
      triton: '3.6.0',
      cutlass: '4.2.0.0',
    },
  };
}

function find(folder, matches) {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && matches(path)) return path;
  }
  throw new Error(`not found below ${folder}`);
}

const folder = join(root, 'bench', 'results');
if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'compile.json'), `${JSON.stringify(results, null, 2)}\n`);
if (results.rmsNorm) {
  const { rmsNorm } = results;
  writeFileSync(
    join(folder, 'compile.svg'),
    barChart('One RMSNorm kernel for sm_90a, seconds from source to cubin', [
      ['rose-gen, in a warm worker', rmsNorm.roseGenVariant],
      ['rose-gen, whole command', rmsNorm.roseGenCommand],
      ['Triton 3.6, next kernel', rmsNorm.tritonNext],
      ['Triton 3.6, first kernel', rmsNorm.tritonFirst],
      ['nvcc, plain CUDA', rmsNorm.nvccPlain],
      ['nvcc, CuTe headers', rmsNorm.nvccCute],
    ]),
  );
}
rmSync(work, { recursive: true, force: true });
console.log(JSON.stringify(results, null, 2));
