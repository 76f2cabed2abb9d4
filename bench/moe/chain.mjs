// Kernels of a mixture of experts one after the other in a CUDA graph, as a layer launches them, the L2 cold (each call has tensors
// of its own):
//   node bench/moe/chain.mjs BUILD [--tokens 1,8,32,128,4096,32768] [--out FILE]
// BUILD is a build of such a model for the GPU of this host. Up to 128 tokens: moe_route, then moe_dispatch. Beyond: moe_permute,
// then moe_move. The rows are checked: those of a sample of tokens lie where `slot` says, which is in their expert's rows.
// A streaming kernel reads each token's row once and writes each expert's row once: at the rates of this host, and as measured of
// the kernel of repeat.yaml, where BUILD has it (--spec bench/moe/repeat.yaml --dim top_k=K).
import { Buffer } from 'node:buffer';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { floorSeconds, measureCeilings } from '../../dist/bench/ceilings.js';
import { GraphTimer } from '../../dist/bench/graph-timer.js';
import { openCuda, openLibrary } from '../../dist/runtime/index.js';
import { Random } from '../../dist/verify/random.js';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { tokens: { type: 'string', default: '1,8,32,128,4096,32768' }, out: { type: 'string' } },
});
const DECODE = 128;
const COLD_BYTES = 200e6;
const MOST_SETS = 64;
const CALLS = 64;
const TURNS = 25;
const SAMPLE = 16;

const device = await openCuda();
const library = await openLibrary(positionals[0], { device });
const stream = device.createStream();
const ceilings = measureCeilings(device, stream);
const variantOf = (kernel, phase) =>
  library.variants.find((each) => each.kernel === kernel && each.phase === phase);
const { top_k, experts, pad, hidden } = variantOf('moe_dispatch', 'decode').dims;

const phaseOf = (tokens) => (tokens <= DECODE ? 'decode' : 'prefill');

const results = [];
for (const tokens of options.tokens.split(',').map(Number)) {
  const chain = (
    phaseOf(tokens) === 'decode'
      ? [variantOf('moe_route', 'decode'), variantOf('moe_dispatch', 'decode')]
      : [variantOf('moe_permute', 'prefill'), variantOf('moe_move', 'prefill')]
  ).filter((variant) => variant !== undefined);
  const moved = { read: tokens * hidden * 2, written: tokens * top_k * hidden * 2 };
  const sets = Math.max(2, Math.min(MOST_SETS, Math.ceil(COLD_BYTES / (moved.read + moved.written))));
  const made = Array.from({ length: sets }, (_, i) => makeTensors(tokens, i));
  const launches = chain.map((variant) => made.map((tensors) => bind(variant, tensors)));
  launches.forEach(([first]) => first.run());
  stream.wait();
  const wrong = check(made[0], tokens);
  const calls = Math.max(sets, Math.min(CALLS, Math.ceil(1e4 / tokens) * sets));
  const time = (kernels) => {
    const timer = new GraphTimer(device, stream, calls, () => {
      for (let i = 0; i < calls; i++) kernels.forEach((each) => each[i % sets].run());
    });
    const times = [...timer.round(TURNS)].sort((a, b) => a - b);
    timer[Symbol.dispose]();
    return times[Math.floor(TURNS / 2)];
  };
  const together = time(launches);
  const alone = Object.fromEntries(chain.map(({ id }, i) => [id, time([launches[i]])]));
  const streamingRate = floorSeconds(ceilings, moved) * 1e6;
  const repeat = variantOf('repeat', phaseOf(tokens));
  const repeated = ({ x, out }) => bind(repeat, { x, out: out.view([tokens, top_k, hidden]) });
  const streaming = repeat && time([made.map(repeated)]);
  results.push({
    tokens,
    cache: 'cold',
    together,
    alone,
    streamingRate,
    ...(repeat && { streaming }),
    wrong,
  });
  console.error(
    `${tokens} tokens: ${together.toFixed(2)} us together, ${Object.values(alone)
      .map((each) => each.toFixed(2))
      .join(
        ' + ',
      )} alone, streaming ${streamingRate.toFixed(2)} at the rates of this host${repeat ? `, ${streaming.toFixed(2)} measured` : ''} ${wrong.join('; ')}`,
  );
  for (const tensors of made) for (const tensor of Object.values(tensors)) tensor.close();
}

/** A launch on those tensors that the variant has: all experts are local, weights are not scaled. */
function bind(variant, tensors) {
  const scalars = { first: 0, scale: 1 };
  const given = { ...tensors, ...scalars };
  const names = [
    ...variant.tensors.map((each) => each.name),
    ...variant.params.flatMap(({ source }) => (source.kind === 'scalar' ? [source.name] : [])),
  ];
  const own = Object.fromEntries(names.map((each) => [each, given[each]]));
  return library.bindVariant(variant.id, own, { stream: stream.handle });
}

/** Tensors of one call. */
function makeTensors(tokens, seed) {
  const random = new Random(seed + 1);
  const rows = tokens * top_k + experts * (pad - 1);
  const ids = new Int32Array(tokens * top_k);
  for (let token = 0; token < tokens; token++) ids.set(distinct(random), token * top_k);
  const i32 = (shape, values) => library.tensor('i32', shape, values && { values });
  return {
    logits: library.tensor('bf16', [tokens, experts], { bytes: noise(tokens * experts, random) }),
    weights: library.tensor('f32', [tokens, top_k]),
    ids: i32([tokens, top_k], ids),
    x: library.tensor('bf16', [tokens, hidden], { bytes: noise(tokens * hidden, random) }),
    slot: i32([tokens, top_k]),
    source: i32([rows]),
    counts: i32([experts]),
    starts: i32([experts]),
    ends: i32([experts]),
    errors: i32([2]),
    out: library.tensor('bf16', [rows, hidden]),
  };
}

/** top_k different experts. */
function distinct(random) {
  const chosen = new Set();
  while (chosen.size < top_k) chosen.add(random.below(experts));
  return [...chosen];
}

/** Elements of bf16 between 1 and 2 and between -2 and -1: a random stretch, again and again, of no round length. */
function noise(count, random) {
  const stretch = Uint16Array.from(
    { length: 65537 },
    () => 0x3f80 | random.below(128) | (random.below(2) << 15),
  );
  const values = new Uint16Array(count);
  for (let i = 0; i < count; i += stretch.length) values.set(stretch.subarray(0, count - i), i);
  return new Uint8Array(values.buffer);
}

/** What is wrong with where the rows of some tokens lie, and with what lies there. */
function check({ ids, slot, starts, ends, x, out }, tokens) {
  const [expert, place, begin, end] = [ids, slot, starts, ends].map((tensor) => tensor.read());
  if (new Set(place).size !== tokens * top_k) return ['a row is written twice'];
  const outside = place.findIndex((row, i) => row < begin[expert[i]] || row >= end[expert[i]]);
  if (outside >= 0)
    return [`choice ${outside} is in row ${place[outside]}, not in those of expert ${expert[outside]}`];
  const rowOf = (tensor, row) => {
    const view = tensor.view([hidden], { offsetBytes: row * hidden * 2 });
    return Buffer.from(view.readBytes()).toString('latin1');
  };
  const sample = Array.from({ length: SAMPLE }, (_, i) => Math.floor((i * (tokens - 1)) / (SAMPLE - 1)));
  const other = sample.find((token) =>
    [...place.slice(token * top_k, (token + 1) * top_k)].some((row) => rowOf(out, row) !== rowOf(x, token)),
  );
  return other === undefined ? [] : [`token ${other} is not in its experts' rows`];
}

const { name, cudaVersion } = device;
const report = {
  date: new Date().toISOString().slice(0, 10),
  device: name,
  cuda: cudaVersion,
  ceilings,
  results,
};
if (options.out) writeFileSync(options.out, `${JSON.stringify(report, null, 2)}\n`);
if (results.some(({ wrong }) => wrong.length > 0)) process.exitCode = 1;
