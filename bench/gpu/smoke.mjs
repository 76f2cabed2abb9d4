// Runs every variant of a build that fits the GPU on seeded inputs and compares it with the simulator on the same ones:
//   node bench/gpu/smoke.mjs FOLDER [--rows 1,5] [--kernel NAME] [--out FILE]
// Prints JSON: for each variant and row count the share of elements that are equal bit for bit and the largest distance
// in units of the last place of the output's dtype; then the same over everything.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { evaluateExpr, exprDims } from '../../dist/device/index.js';
import { DeviceTensor, dtypeBytes, encode, openLibrary } from '../../dist/runtime/index.js';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: 'string', default: '1,5' }, kernel: { type: 'string' }, out: { type: 'string' } },
});
const folder = positionals[0];
const rowCounts = options.rows.split(',').map(Number);

/** Extent of dynamic dims that the grid does not depend on: a vocabulary, positions, pages. */
const OTHER_EXTENT = 40;

/** Uniform numbers from 0 to 1: xorshift, 32 bits. */
function random(seed) {
  let state = seed * 2654435761 + 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function normal(next) {
  return Math.sqrt(-2 * Math.log(next() + 1e-9)) * Math.cos(2 * Math.PI * next());
}

function dimsOf(variant, rows) {
  const inGrid = new Set(variant.launch.grid.flatMap((expression) => exprDims(expression)));
  return Object.fromEntries(
    Object.entries(variant.dims).map(([name, extent]) => [
      name,
      extent === 'dynamic' ? (inGrid.has(name) ? rows : OTHER_EXTENT) : extent,
    ]),
  );
}

/** Values of an index tensor: no two alike, so that no two rows write one place; ascending where it holds bounds. */
function indices(count, bounds, next) {
  const list = Array.from({ length: count }, (_, i) =>
    bounds ? Math.floor((i * OTHER_EXTENT) / (count - 1 || 1)) : i,
  );
  if (bounds) return list;
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}

function bytesOf(entry, shape, next) {
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (entry.access === 'out') return new Uint8Array(count * dtypeBytes(entry.dtype)).fill(0xa5);
  const integer = /^[iu]\d+$/.test(entry.dtype);
  const bounds = entry.shape.some((expression) => expression.kind === 'binary');
  return encode(
    entry.dtype,
    integer ? indices(count, bounds, next) : Float64Array.from({ length: count }, () => 2 * normal(next)),
  );
}

/** A float's bits -> its place among all floats, so that neighbours differ by one. */
function place(code, bits) {
  return code >= 2 ** (bits - 1) ? 2 ** (bits - 1) - code : code;
}

function isNaNCode(code, dtype) {
  const rest = (mask) => code & mask;
  if (dtype === 'bf16') return rest(0x7fff) > 0x7f80;
  if (dtype === 'f16') return rest(0x7fff) > 0x7c00;
  if (dtype === 'f32') return (code & 0x7fffffff) > 0x7f800000;
  if (dtype === 'e4m3') return rest(0x7f) === 0x7f;
  return dtype === 'e5m2' && rest(0x7f) > 0x7c;
}

function compare(dtype, actual, expected) {
  const size = dtypeBytes(dtype);
  const float = !/^[iu]\d+$|^bool$/.test(dtype);
  const read = { 1: 'getUint8', 2: 'getUint16', 4: 'getUint32' }[size] ?? 'getUint32';
  const step = Math.min(size, 4);
  const views = [actual, expected].map((bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
  let [equal, count, ulps] = [0, 0, 0];
  for (let at = 0; at < actual.length; at += step, count++) {
    const [a, b] = views.map((view) => view[read](at, true));
    if (a === b || (float && isNaNCode(a, dtype) && isNaNCode(b, dtype))) equal++;
    else ulps = Math.max(ulps, float ? Math.abs(place(a, 8 * step) - place(b, 8 * step)) : Infinity);
  }
  return { equal, count, ulps };
}

function run(library, variant, inputs, scalars) {
  const args = { ...scalars };
  for (const [name, { entry, shape, bytes }] of inputs) {
    args[name] = DeviceTensor.create(library.device, entry.dtype, shape, { bytes, name });
  }
  try {
    library.launchVariant(variant.id, args, {});
    return new Map(
      [...inputs]
        .filter(([, { entry }]) => entry.access !== 'in')
        .map(([name, { entry }]) => [name, { dtype: entry.dtype, bytes: args[name].readBytes() }]),
    );
  } finally {
    for (const [name] of inputs) args[name].close();
  }
}

const cuda = await openLibrary(folder, { device: 'cuda' });
const sim = await openLibrary(folder, { device: 'sim', arch: cuda.device.arch });
const total = { equal: 0, count: 0, ulps: 0 };
const results = [];
for (const variant of cuda.variants) {
  if (options.kernel !== undefined && variant.kernel !== options.kernel) continue;
  for (const rows of rowCounts) {
    const dims = dimsOf(variant, rows);
    const next = random(rows * 7919 + variant.id.length);
    const inputs = new Map(
      variant.tensors.map((entry) => {
        const shape = entry.shape.map((expression) => evaluateExpr(expression, { dims }));
        return [entry.name, { entry, shape, bytes: bytesOf(entry, shape, next) }];
      }),
    );
    const scalars = Object.fromEntries(
      variant.params.flatMap(({ source }) =>
        source.kind === 'scalar' ? [[source.name, source.name.includes('eps') ? 1e-6 : 0.03]] : [],
      ),
    );
    try {
      const [found, wanted] = [cuda, sim].map((library) =>
        run(library, variant, inputs, { ...dims, ...scalars }),
      );
      const outputs = {};
      for (const [name, { dtype, bytes }] of found) {
        const one = compare(dtype, bytes, wanted.get(name).bytes);
        outputs[name] = { equal: one.equal / one.count, ulps: one.ulps };
        total.equal += one.equal;
        total.count += one.count;
        total.ulps = Math.max(total.ulps, one.ulps);
      }
      results.push({ id: variant.id, rows, outputs });
    } catch (error) {
      results.push({ id: variant.id, rows, error: error.format?.() ?? String(error.stack) });
      if (error.code === 'DEVICE_LOST') throw error;
    }
  }
}
const { name, info } = cuda.device;
const summary = {
  device: name,
  cuda: info.cudaVersion,
  node: process.version,
  runs: results.length,
  failed: results.filter(({ error }) => error).length,
  elements: total.count,
  equalShare: total.equal / total.count,
  largestUlps: total.ulps,
};
sim.close();
cuda.close();
const text = JSON.stringify({ ...summary, results }, undefined, 1);
if (options.out === undefined) console.log(text);
else {
  writeFileSync(options.out, `${text}\n`);
  console.log(JSON.stringify(summary));
}
