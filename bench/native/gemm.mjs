// Matrix products of cuBLASLt through the runtime: values against float64 sums, microseconds in a CUDA graph.
//   node bench/native/gemm.mjs [--out FILE] [--quick]
// On any host with a GPU, `npm run build` done, and cuBLASLt (CUDA_HOME, a pip-installed nvidia folder, ROSE_GEN_CUBLASLT).
// Prints one line a case, then JSON; exits with 1 where a value is wrong or a call failed.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { DeviceTensor, openCuda, openGemm } from '../../dist/runtime/index.js';
import { elementOf, operand } from './operands.mjs';

const { values: options } = parseArgs({
  options: { out: { type: 'string' }, quick: { type: 'boolean', default: false } },
});

/** Qwen3-8B: hidden 4096, 32 + 2 * 8 heads of 128, feed-forward 12288, vocabulary 151936. */
const SHAPES = [
  { name: 'qkv', n: 6144, k: 4096 },
  { name: 'o', n: 4096, k: 4096 },
  { name: 'gate_up', n: 24576, k: 4096 },
  { name: 'down', n: 4096, k: 12288 },
  { name: 'lm_head', n: 151936, k: 4096 },
];
const ROWS = options.quick ? [1, 128] : [1, 128, 4096];
const SAMPLES = 96;
const REPEATS = 20;
const ROUNDS = 15;

/**
 * Units of the last place of an output, and how far sums may be off, in parts of the sum of magnitudes: f32 sums err by 2^-24 a
 * step at most, of which few add up in one direction; TF32 rounds each operand to 2^-11; tensor cores keep some 13 bits of FP8
 * products and add them to f32 every 128.
 */
const ULP = { bf16: 2 ** -8, f16: 2 ** -11, f32: 2 ** -23 };
const SUM_ERROR = { f32: 2 ** -18, tf32: 2 ** -10, fp8: 2 ** -11 };

const gelu = (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const ACTIVATE = { relu: (x) => Math.max(x, 0), gelu };

async function open() {
  try {
    const device = await openCuda();
    return { device, gemm: await openGemm(device) };
  } catch (error) {
    console.error(error.format?.() ?? error.stack);
    process.exit(1);
  }
}

const { device, gemm } = await open();
const results = [];
const failures = [];
console.error(`${device.name} (${device.arch}), cuBLASLt ${gemm.version}`);

/** One product, checked: `problem` as for `Gemm.bind`, more as for its operands. */
function run(name, problem, { alpha = 1, beta = 0, timed = false } = {}) {
  const { m, n, k, types, transposes = {}, epilogue = 'none' } = problem;
  const a = operand(device, types.a, transposes.a ? [k, m] : [m, k], 1);
  const b = operand(device, types.b, transposes.b ? [n, k] : [k, n], 2);
  const before =
    beta === 0
      ? { tensor: DeviceTensor.create(device, types.out, [m, n]), at: () => 0 }
      : operand(device, types.out, [m, n], 3);
  // What is not written stays NaN.
  if (beta === 0) device.fill(before.tensor.buffer, 0xff);
  const fp8 = types.a.startsWith('e');
  const bias = epilogue.startsWith('bias')
    ? operand(device, fp8 && types.out === 'f32' ? 'bf16' : types.out, [n], 4)
    : undefined;
  const scales = fp8 ? { scaleA: 0.5, scaleB: 0.25 } : {};
  const tensors = Object.fromEntries(
    Object.entries(scales).map(([key, value]) => [
      key,
      DeviceTensor.create(device, 'f32', [1], { values: [value] }),
    ]),
  );
  const all = [a.tensor, b.tensor, before.tensor, ...(bias ? [bias.tensor] : []), ...Object.values(tensors)];
  const bound = gemm.bind(problem, {
    a: a.tensor,
    b: b.tensor,
    out: before.tensor,
    ...(bias && { bias: bias.tensor }),
    ...tensors,
    alpha,
    beta,
  });
  try {
    bound.run();
    device.stream.wait();
    const scale = alpha * (scales.scaleA ?? 1) * (scales.scaleB ?? 1);
    const sumError = fp8 ? SUM_ERROR.fp8 : problem.tf32 ? SUM_ERROR.tf32 : SUM_ERROR.f32;
    let worst = 0;
    for (let sample = 0; sample < SAMPLES; sample++) {
      // The corners, then elements spread by a step that is coprime to the size.
      const index = sample === 0 ? 0 : sample === 1 ? m * n - 1 : (sample * 2_147_483_629) % (m * n);
      const [row, column] = [Math.floor(index / n), index % n];
      let [sum, magnitude] = [0, 0];
      for (let l = 0; l < k; l++) {
        const x = a.at(transposes.a ? l * m + row : row * k + l);
        const y = b.at(transposes.b ? column * k + l : l * n + column);
        sum += x * y;
        magnitude += Math.abs(x * y);
      }
      const plain = scale * sum + beta * before.at(index) + (bias?.at(column) ?? 0);
      const expected = (ACTIVATE[epilogue.split('-').at(-1)] ?? ((x) => x))(plain);
      const found = elementOf(device, before.tensor, index);
      // GELU's slope is at most 1.13; its own approximation of tanh errs by 2^-10.
      const allowed =
        1.13 * Math.abs(scale) * magnitude * sumError +
        Math.abs(expected) * ULP[types.out] +
        (epilogue.endsWith('gelu') ? 2 ** -10 : 0);
      const error = Math.abs(found - expected);
      worst = Math.max(worst, error / allowed);
      if (!(error <= allowed)) {
        throw new Error(`element (${row}, ${column}) is ${found}, not ${expected} within ${allowed}`);
      }
    }
    const result = {
      name,
      m,
      n,
      k,
      ...types,
      epilogue,
      ...(transposes.a && { transposeA: true }),
      worst: round(worst),
    };
    results.push({ ...result, ...gemm.plan(problem), ...(timed && timeOf(bound, problem)) });
  } finally {
    bound.close();
    for (const tensor of all) tensor.close();
  }
}

/** Of a product among others in one graph, with the same operands each time: a weight below the L2 cache's size stays there. */
function timeOf(bound, { m, n, k, types }) {
  const stream = device.createStream();
  const [start, end] = [device.createEvent({ timing: true }), device.createEvent({ timing: true })];
  const graph = device.capture(stream, () => {
    for (let i = 0; i < REPEATS; i++) bound.run();
  });
  const exec = graph.instantiate();
  const times = [];
  for (let round = -3; round < ROUNDS; round++) {
    start.record(stream);
    exec.launch(stream);
    end.record(stream);
    stream.wait();
    if (round >= 0) times.push((end.since(start) * 1000) / REPEATS);
  }
  for (const thing of [exec, graph, start, end, stream]) thing.close();
  const us = times.sort((x, y) => x - y)[times.length >> 1];
  const size = { e4m3: 1, e5m2: 1, bf16: 2, f16: 2, f32: 4 };
  const bytes = m * k * size[types.a] + n * k * size[types.b] + m * n * size[types.out];
  return { us: round(us), tflops: round((2 * m * n * k) / us / 1e6), gbps: round(bytes / us / 1e3) };
}

const round = (value) => Number(value.toPrecision(4));

function attempt(name, problem, more) {
  const text = `${name} (${problem.m}, ${problem.n}, ${problem.k}) ${Object.values(problem.types).join(' ')}`;
  try {
    run(name, problem, more);
    const { us, tflops, worst } = results.at(-1);
    console.error(
      `ok     ${text}: ${us === undefined ? '' : `${us} us, ${tflops} TFLOP/s, `}worst ${worst} of what is allowed`,
    );
  } catch (error) {
    const said = error.format?.() ?? error.stack;
    failures.push({ case: text, error: said });
    console.error(`FAILED ${text}\n${said}`);
  }
}

const small = { m: 96, n: 160, k: 224 };
for (const a of [false, true]) {
  for (const b of [false, true]) {
    attempt('form', { ...small, types: { a: 'bf16', b: 'bf16', out: 'bf16' }, transposes: { a, b } });
  }
}
for (const [type, out] of [
  ['f16', 'f16'],
  ['bf16', 'f32'],
  ['f32', 'f32'],
]) {
  attempt(
    'dtype',
    { ...small, types: { a: type, b: type, out }, transposes: { b: true } },
    { alpha: 0.5, beta: 2 },
  );
}
attempt('tf32', { ...small, types: { a: 'f32', b: 'f32', out: 'f32' }, tf32: true });
for (const types of [
  { a: 'e4m3', b: 'e5m2', out: 'bf16' },
  { a: 'e5m2', b: 'e4m3', out: 'f32' },
]) {
  attempt('fp8', { ...small, types, transposes: { b: true } });
}
for (const epilogue of ['bias', 'relu', 'bias-relu', 'gelu', 'bias-gelu']) {
  for (const type of ['bf16', 'e4m3']) {
    const types = { a: type, b: type, out: 'bf16' };
    attempt(
      epilogue,
      { m: 128, n: 4096, k: 4096, types, transposes: { b: true }, epilogue },
      { alpha: 1 / 64 },
    );
  }
}
for (const type of ['bf16', 'e4m3']) {
  for (const { name, n, k } of SHAPES) {
    for (const m of ROWS) {
      attempt(
        name,
        { m, n, k, types: { a: type, b: type, out: 'bf16' }, transposes: { b: true } },
        { timed: true },
      );
    }
  }
}

const report = {
  device: { name: device.name, arch: device.arch, cuda: device.cudaVersion },
  cublasLt: gemm.version,
  repeats: REPEATS,
  results,
  failures,
};
gemm.close();
device.close();
const text = `${JSON.stringify(report, null, 2)}\n`;
if (options.out === undefined) console.log(text);
else writeFileSync(options.out, text);
process.exitCode = failures.length > 0 ? 1 : 0;
