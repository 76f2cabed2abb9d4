// Sampling on a GPU: microseconds a call in a CUDA graph, logits in f32, the L2 cold (each call reads logits of its own).
//   node bench/sampling/run.mjs FOLDER [--python PYTHON] [--out FILE]
// FOLDER is a build that has greedy, sample_temperature and sample_top_k_top_p for f32 logits and the GPU of this host. With --python the
// same is timed in torch right after (bench/sampling/peers.py). Tokens are checked: greedy against the largest logit, draws
// against the filters they must pass.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureCeilings } from '../../dist/bench/ceilings.js';
import { GraphTimer } from '../../dist/bench/graph-timer.js';
import { openCuda, openLibrary } from '../../dist/runtime/index.js';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string' },
    out: { type: 'string' },
    batches: { type: 'string', default: '1,8,64' },
  },
});
const KERNELS = ['greedy', 'sample_temperature', 'sample_top_k_top_p'];
const [TOP_K, TOP_P] = [50, 0.9];
const COLD_BYTES = 200e6;
const TURNS = 25;

const device = await openCuda();
const library = await openLibrary(positionals[0], { device });
const stream = device.createStream();
const ceilings = measureCeilings(device, stream);

/** Normal numbers, from a counter-based generator, so that each run has the same. */
function normal(count, seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0;
    let x = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
  };
  return Float32Array.from(
    { length: count },
    () => 2 * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  );
}

const chosen = new Map();
for (const variant of library.variants) {
  // The filters and penalties that are measured here are in the plain form.
  const plain = ['penalised', 'biased', 'masked'].every((flag) => !variant.flags[flag]);
  if (KERNELS.includes(variant.kernel) && plain && variant.types.L === 'f32')
    chosen.set(variant.kernel, variant);
}

const results = [];
for (const batch of options.batches.split(',').map(Number)) {
  for (const [kernel, variant] of chosen) {
    const { vocab } = variant.dims;
    const sets = Math.max(2, Math.min(64, Math.ceil(COLD_BYTES / (batch * vocab * 4))));
    const shared = {
      temperature: library.tensor('f32', [batch], { values: new Float32Array(batch).fill(1) }),
      top_k: library.tensor('i32', [batch], { values: new Int32Array(batch).fill(TOP_K) }),
      top_p: library.tensor('f32', [batch], { values: new Float32Array(batch).fill(TOP_P) }),
      min_p: library.tensor('f32', [batch]),
      seed: library.tensor('i64', [batch], { values: Float64Array.from({ length: batch }, (_, i) => i) }),
      offset: library.tensor('i64', [batch]),
    };
    const needed = Object.fromEntries(
      variant.tensors.filter(({ name }) => shared[name]).map(({ name }) => [name, shared[name]]),
    );
    const values = normal(batch * vocab, 1);
    const arguments_ = Array.from({ length: sets }, () => ({
      ...needed,
      logits: library.tensor('f32', [batch, vocab], { values }),
      token: library.tensor('i32', [batch]),
    }));
    // As a caller does, who leaves the phase to the library.
    const { types, flags } = variant;
    const question = { kernel, types, flags };
    const launches = arguments_.map((each) => library.bind(question, each, { stream: stream.handle }));
    launches[0].run();
    stream.wait();
    const wrong = check(kernel, values, vocab, arguments_[0].token.read());
    const timer = new GraphTimer(device, stream, sets, () => launches.forEach((launch) => launch.run()));
    const times = [...timer.round(TURNS)].sort((a, b) => a - b);
    timer[Symbol.dispose]();
    const microseconds = times[Math.floor(TURNS / 2)];
    const floor = (batch * vocab * 4) / ceilings.read / 1e-6;
    results.push({
      kernel,
      variant: library.why({ ...question, rows: batch }).variant,
      batch,
      cache: 'cold',
      microseconds,
      ofReadRate: floor / microseconds,
      wrong,
    });
    console.error(
      `${kernel} ${batch}: ${microseconds.toFixed(2)} us, ${((100 * floor) / microseconds).toFixed(0)} % of the read rate ${wrong.join('; ')}`,
    );
    for (const tensor of [
      ...Object.values(shared),
      ...arguments_.flatMap(({ logits, token }) => [logits, token]),
    ])
      tensor.close();
  }
}

/** What is wrong with the tokens: of greedy another than the largest, of filtered draws one that the filters leave out. */
function check(kernel, values, vocab, tokens) {
  return [...tokens].flatMap((token, row) => {
    const logits = values.subarray(row * vocab, (row + 1) * vocab);
    if (kernel === 'greedy') {
      const largest = logits.indexOf(logits.reduce((most, each) => Math.max(most, each)));
      return token === largest ? [] : [`row ${row}: ${token}, not ${largest}`];
    }
    if (kernel !== 'sample_top_k_top_p') return token >= 0 && token < vocab ? [] : [`row ${row}: ${token}`];
    const order = [...logits.keys()].sort((a, b) => logits[b] - logits[a] || a - b).slice(0, TOP_K);
    const place = order.indexOf(token);
    const weights = order.map((each) => Math.exp(logits[each] - logits[order[0]]));
    const total = weights.reduce((sum, each) => sum + each, 0);
    const before = weights.slice(0, place).reduce((sum, each) => sum + each, 0);
    return place >= 0 && before < TOP_P * total * (1 + 1e-6) ? [] : [`row ${row}: ${token} is filtered out`];
  });
}

const { vocab } = [...chosen.values()][0].dims;
const peers = options.python
  ? JSON.parse(
      execFileSync(
        options.python,
        [fileURLToPath(new URL('peers.py', import.meta.url)), String(vocab), options.batches],
        {
          maxBuffer: 2 ** 26,
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      ).toString(),
    )
  : undefined;
const report = {
  date: new Date().toISOString().slice(0, 10),
  device: device.name,
  cuda: device.cudaVersion,
  ceilings,
  vocab,
  top_k: TOP_K,
  top_p: TOP_P,
  results,
  ...peers,
};
if (options.out) writeFileSync(options.out, `${JSON.stringify(report, null, 2)}\n`);
for (const { kernel, batch, peer, microseconds, absent, error } of peers?.peers ?? []) {
  const own = results.find((each) => each.kernel === kernel && each.batch === batch);
  const ratio = microseconds && own ? ` (${(microseconds / own.microseconds).toFixed(2)} times ours)` : '';
  console.log(`${kernel} ${batch} ${peer}: ${microseconds?.toFixed(2) ?? absent ?? error}${ratio}`);
}
if (results.some(({ wrong }) => wrong.length > 0)) process.exitCode = 1;
