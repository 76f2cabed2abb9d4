// One process of nccl.mjs: its ranks, each on the GPU of its number. Tells its parent each step, result and failure.
import {
  DeviceTensor,
  group,
  ncclUniqueId,
  openCommunicator,
  openCommunicators,
  openCuda,
} from '../../dist/runtime/index.js';

const { ranks, of } = JSON.parse(process.argv[2]);
const REPEATS = 20;
const ROUNDS = 15;
/** Hidden states of Qwen3-8B in bf16: one row, 128, 4096. */
const COUNTS = [4096, 128 * 4096, 4096 * 4096];

const tell = (message) => process.send(message);
let step = 'opening the devices';
const at = (what) => {
  step = what;
  tell({ step });
};

async function open() {
  const devices = [];
  for (const rank of ranks) devices.push(await openCuda({ ordinal: rank }));
  at('opening the communicators');
  if (ranks.length === of) return openCommunicators(devices);
  const received = new Promise((resolve) => process.once('message', resolve));
  if (ranks[0] === 0) tell({ id: [...(await ncclUniqueId())] });
  const { id } = await received;
  return [await openCommunicator({ device: devices[0], rank: ranks[0], ranks: of, id: Uint8Array.from(id) })];
}

/** Element i of the tensor that a rank gives: small whole numbers, whose sums bf16 holds. */
const given = (rank, i) => ((i * 7 + rank * 13) % 17) - 8;
const tensor = (device, count) => DeviceTensor.create(device, 'bf16', [count]);

/** Each operation: elements of its output, what it queues, and element i of the output of a rank. */
const OPERATIONS = {
  'all-reduce': {
    outputs: 1,
    queue: ({ communicator, stream, input, output }) => communicator.allReduce(input, output, 'sum', stream),
    expected: (_rank, i) => Array.from({ length: of }, (_, rank) => given(rank, i)).reduce((x, y) => x + y),
  },
  'all-gather': {
    outputs: of,
    queue: ({ communicator, stream, input, output }) => communicator.allGather(input, output, stream),
    expected: (_rank, i, count) => given(Math.floor(i / count), i % count),
  },
  'reduce-scatter': {
    outputs: 1 / of,
    queue: ({ communicator, stream, input, output }) =>
      communicator.reduceScatter(input, output, 'sum', stream),
    expected: (rank, i, count) => OPERATIONS['all-reduce'].expected(0, (rank * count) / of + i),
  },
  broadcast: {
    outputs: 1,
    queue: ({ communicator, stream, input, output }) => communicator.broadcast(input, output, of - 1, stream),
    expected: (_rank, i) => given(of - 1, i),
  },
  'send and receive': {
    outputs: 1,
    queue: ({ communicator, stream, input, output }) => {
      communicator.send(input, (communicator.rank + 1) % of, stream);
      communicator.recv(output, (communicator.rank + of - 1) % of, stream);
    },
    expected: (rank, i) => given((rank + of - 1) % of, i),
  },
};

/** One graph a device, of what `work` queues on all of them. */
function captureAll(locals, work) {
  const graphs = [];
  const capture = (i) => {
    if (i === locals.length) work();
    else graphs[i] = locals[i].device.capture(locals[i].stream, () => capture(i + 1));
  };
  capture(0);
  return graphs;
}

async function wait(locals) {
  for (const { communicator, stream } of locals) await communicator.synchronize(stream);
}

/** Microseconds of one operation, of `repeats` that `work` queues. */
async function time(locals, repeats, work) {
  const { device, stream } = locals[0];
  const [start, end] = [device.createEvent({ timing: true }), device.createEvent({ timing: true })];
  const times = [];
  for (let round = -3; round < ROUNDS; round++) {
    start.record(stream);
    work();
    end.record(stream);
    await wait(locals);
    if (round >= 0) times.push((end.since(start) * 1000) / repeats);
  }
  for (const event of [start, end]) event.close();
  return Number(times.sort((x, y) => x - y)[times.length >> 1].toPrecision(4));
}

function check(locals, count, expected) {
  for (const { communicator, output } of locals) {
    const values = output.read();
    for (let i = 0; i < values.length; i++) {
      const wanted = expected(communicator.rank, i, count);
      if (values[i] !== wanted)
        throw new Error(`element ${i} of rank ${communicator.rank} is ${values[i]}, not ${wanted}`);
    }
  }
}

async function exercise(communicators, name, count) {
  const { outputs, queue, expected } = OPERATIONS[name];
  const locals = communicators.map((communicator) => {
    const { device, rank } = communicator;
    const input = tensor(device, count);
    input.write(Float64Array.from({ length: count }, (_, i) => given(rank, i)));
    return {
      communicator,
      device,
      input,
      output: tensor(device, count * outputs),
      stream: device.createStream(),
    };
  });
  const all = () => group(communicators, () => locals.forEach(queue));
  const clear = () =>
    locals.forEach(({ device, output, stream }) => device.fill(output.buffer, 0x7f, stream));
  const result = { operation: name, bytes: 2 * count };
  at(`${name} of ${count} elements`);
  clear();
  all();
  await wait(locals);
  check(locals, count, expected);
  result.us = await time(locals, REPEATS, () => {
    for (let i = 0; i < REPEATS; i++) all();
  });
  at(`${name} of ${count} elements in a graph`);
  const graphs = captureAll(locals, () => {
    for (let i = 0; i < REPEATS; i++) all();
  });
  const execs = graphs.map((graph) => graph.instantiate());
  const replay = () => execs.forEach((exec, i) => exec.launch(locals[i].stream));
  clear();
  replay();
  await wait(locals);
  check(locals, count, expected);
  result.usInGraph = await time(locals, REPEATS, replay);
  for (const thing of [...execs, ...graphs]) thing.close();
  for (const { input, output, stream } of locals) for (const thing of [input, output, stream]) thing.close();
  tell({ result });
  if (ranks[0] === 0)
    console.error(`ok ${name} of ${2 * count} bytes: ${result.us} us, ${result.usInGraph} us in a graph`);
}

try {
  const communicators = await open();
  const { device, nccl } = communicators[0];
  tell({ about: { device: device.name, library: nccl.library } });
  for (const name of Object.keys(OPERATIONS)) {
    for (const count of COUNTS) await exercise(communicators, name, count);
  }
  at('closing');
  for (const communicator of communicators) communicator.close();
  for (const each of communicators) each.device.close();
  process.disconnect();
} catch (error) {
  process.send({ failure: { step, error: error.format?.() ?? error.stack } }, () => process.exit(1));
}
