// Host cost of a launch through the runtime against a C program that makes the same driver call with the same bytes:
//   taskset -c 3 node bench/launch/launch.mjs FOLDER [--kernel rms_norm] [--c BINARY] [--out FILE]
// The C program is compiled with `cc -O2` where no binary is named. Both run in turns; medians over all rounds.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { evaluateExpr, evaluateGrid } from '../../dist/device/index.js';
import { openCuda, openLibrary } from '../../dist/runtime/index.js';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kernel: { type: 'string', default: 'rms_norm' },
    c: { type: 'string' },
    turns: { type: 'string', default: '9' },
    out: { type: 'string' },
  },
});
/** Launches of a batch: fewer than the driver's queue holds, so that none waits for the GPU. */
const BATCH = 200;
const ROUNDS = 60;

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const nanoseconds = () => Number(process.hrtime.bigint());

function binary() {
  if (options.c !== undefined) return options.c;
  const path = join(mkdtempSync(join(tmpdir(), 'launch-')), 'launch');
  const source = fileURLToPath(new URL('launch.c', import.meta.url));
  execFileSync('cc', ['-O2', '-w', '-std=gnu11', source, '-o', path, '-ldl']);
  return path;
}

const device = await openCuda();
const opened = nanoseconds();
const library = await openLibrary(positionals[0], { device });
const variant = library.variants.find(({ kernel, phase }) => kernel === options.kernel && phase === 'decode');
const dims = Object.fromEntries(
  Object.entries(variant.dims).map(([name, extent]) => [name, extent === 'dynamic' ? 1 : extent]),
);
const shapes = variant.tensors.map(({ shape }) =>
  shape.map((expression) => evaluateExpr(expression, { dims })),
);
const args = { ...dims };
variant.tensors.forEach(({ name, dtype }, i) => {
  args[name] = library.tensor(dtype, shapes[i]);
  device.fill(args[name].buffer, 0);
});
for (const { source } of variant.params) if (source.kind === 'scalar') args[source.name] = 1e-6;
const choice = { kernel: variant.kernel, types: variant.types, flags: variant.flags };
library.launch(choice, args, { phase: 'decode' });
const firstLaunchMs = (nanoseconds() - opened) / 1e6;
await device.synchronize();

const stream = device.createStream();
const call = { phase: 'decode', stream: stream.handle };
const bound = library.bind(choice, args, call);
const graph = device.capture(stream, () => {
  for (let i = 0; i < BATCH; i++) bound.run();
});
const replay = graph.instantiate();

/** One driver call of the same kind with nothing around it. */
function batches(work, per) {
  const times = [];
  for (let round = -3; round < ROUNDS; round++) {
    const start = nanoseconds();
    for (let i = 0; i < per; i++) work();
    const end = nanoseconds();
    stream.wait();
    if (round >= 0) times.push((end - start) / BATCH);
  }
  return times;
}

const [grid] = evaluateGrid(variant.launch, { dims, smCount: device.multiprocessors });
const word = (value, kind) => {
  const view = new DataView(new ArrayBuffer(8));
  if (kind === 'f32') view.setFloat32(0, value, true);
  else view.setBigInt64(0, BigInt(value), true);
  return view.getBigUint64(0, true).toString(16);
};
const parameters = variant.params.map(({ offset, size, kind, source }) => {
  if (source.kind === 'tensor') return `${offset}:p${args[source.tensor].byteLength}`;
  const value = source.kind === 'dim' ? dims[source.dim] : source.kind === 'scalar' ? args[source.name] : 0;
  return `${offset}:${size}:${word(value, kind)}`;
});
const { block, sharedMemoryBytes, pdl } = variant.launch;
const numbers = [grid, block[0], sharedMemoryBytes, pdl ? 1 : 0, ROUNDS, BATCH].map(String);
const program = binary();
const cubin = join(positionals[0], variant.files.cubin.path);

const times = { c: [], cGraph: [], bound: [], launch: [], graph: [] };
for (let turn = 0; turn < Number(options.turns); turn++) {
  const lines = execFileSync(program, [cubin, variant.entry, ...numbers, ...parameters], {
    encoding: 'utf8',
  });
  for (const line of lines.trim().split('\n')) {
    const [launch, graphed] = line.split(' ').map(Number);
    times.c.push(launch);
    times.cGraph.push(graphed);
  }
  times.bound.push(...batches(() => bound.run(), BATCH));
  times.launch.push(...batches(() => library.launch(choice, args, call), BATCH));
  times.graph.push(...batches(() => replay.launch(stream), 1));
}
const result = {
  device: device.name,
  cuda: device.cudaVersion,
  node: process.version,
  variant: variant.id,
  variants: library.variants.length,
  firstLaunchMs,
  nanosecondsPerLaunch: {
    c: median(times.c),
    bound: median(times.bound),
    launch: median(times.launch),
    graphC: median(times.cGraph),
    graph: median(times.graph),
  },
  boundToC: median(times.bound) / median(times.c),
  launchToC: median(times.launch) / median(times.c),
};
if (options.out !== undefined) writeFileSync(options.out, `${JSON.stringify(result, undefined, 1)}\n`);
console.log(JSON.stringify(result, undefined, 1));
replay.close();
graph.close();
library.close();
device.close();
