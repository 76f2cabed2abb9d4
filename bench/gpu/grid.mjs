// Measures the cases of grid.yaml on the GPU of this machine, the most important first:
//
//   node bench/gpu/grid.mjs BUILD --out results.json [--seconds N] [--against torch,triton] [--python PYTHON] [--kernel NAME ...]
//
// BUILD is what grid-build.mjs wrote. The results have the form of `rose-gen bench --out`; they are written after each case, and
// cases that are in the file already are left out: the same command goes on where it stopped. With --seconds no case is begun
// after that time. torch.compile takes 10 to 40 s a case where its cache has none of it.

import { existsSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { measureCeilings } from '../../dist/bench/ceilings.js';
import { measure } from '../../dist/bench/measure.js';
import { PeerSession } from '../../dist/bench/peer-session.js';
import { caseLine } from '../../dist/bench/table.js';
import { openCuda, openLibrary } from '../../dist/runtime/index.js';
import { loadSpecs } from '../../dist/spec/index.js';
import { packagePath } from '../../dist/util/package-root.js';
import { Scope } from '../../dist/util/scope.js';
import { readSubjects } from '../../dist/verify/read-subjects.js';
import { gridCases } from './grid-cases.mjs';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string' },
    seconds: { type: 'string', default: 'Infinity' },
    against: { type: 'string', default: 'torch,torch.compile,triton,quack,flashinfer' },
    python: { type: 'string', default: 'python3' },
    kernel: { type: 'string', multiple: true },
    cache: { type: 'string', default: 'cold' },
    list: { type: 'boolean', default: false },
  },
});
const [dir] = positionals;
const { out, cache } = values;
if (dir === undefined || (out === undefined && !values.list)) throw new Error('name a build and --out FILE');
const against = values.against.split(',').filter((name) => name !== '');
const began = performance.now();
const elapsed = () => (performance.now() - began) / 1000;

const specs = new Map(await loadSpecs(packagePath('specs')));
const subjects = new Map(
  (await readSubjects({ dir, specs })).map((subject) => [subject.variant.id, subject]),
);
const archs = new Set([...subjects.values()].map(({ variant }) => variant.arch));

const same = (a) => (b) => a.variant === b.variant && a.rows === b.rows && a.cache === b.cache;
const keyOf = ({ variant, rows }) => ({ variant, rows, cache });

if (values.list) {
  for (const arch of archs)
    for (const { variant, rows } of await gridCases(specs, arch, values.kernel))
      console.log(`${subjects.has(variant) ? '' : 'NOT BUILT '}${variant} ${rows}`);
} else {
  await run();
}

async function run() {
  const scope = new Scope();
  try {
    await measureAll(scope);
  } finally {
    scope[Symbol.dispose]();
  }
}

async function measureAll(scope) {
  const device = scope.use(await openCuda());
  const library = scope.use(await openLibrary(dir, { device }));
  const stream = scope.use(device.createStream());
  const runnable = new Set(library.variants.map(({ id }) => id));
  const cases = (await gridCases(specs, device.arch, values.kernel)).filter(({ variant }) =>
    runnable.has(variant),
  );
  const ceilings = measureCeilings(device, stream);
  const before = existsSync(out) ? JSON.parse(readFileSync(out, 'utf8')) : undefined;
  if (before && before.device !== device.name)
    throw new Error(`${out} is of another device: ${before.device}`);
  const results = {
    schema: 1,
    date: new Date().toISOString().slice(0, 10),
    device: device.name,
    cuda: `${Math.floor(device.cudaVersion / 1000)}.${(device.cudaVersion % 1000) / 10}`,
    node: process.version,
    l2Bytes: device.info.l2Bytes,
    ceilings,
    peers: {},
    cases: before?.cases ?? [],
    // Cases that could not be measured, and why.
    failed: [],
  };
  let peers;
  try {
    for (const [number, { variant, rows }] of cases.entries()) {
      if (results.cases.some(same(keyOf({ variant, rows })))) continue;
      if (elapsed() > Number(values.seconds)) {
        console.log(`time is up: ${number} of ${cases.length} cases; the same command goes on from here`);
        break;
      }
      if (!peers && against.length > 0) {
        peers = await PeerSession.open(against, values.python);
        results.peers = peers.ready.peers;
      }
      try {
        const bench = { device, stream, library, ceilings, ...(peers && { peers }) };
        const found = await measure(bench, { ...subjects.get(variant), rows, cache });
        results.cases.push(found);
        console.log(`[${number + 1}/${cases.length}] ${elapsed().toFixed(0)} s ${caseLine(found)}`);
        if (Object.values(found.peers).some(({ error }) => /CUDA error/i.test(error ?? '')))
          peers = await closed(peers);
      } catch (error) {
        results.failed.push({
          variant,
          rows,
          cache,
          error: String(error.message ?? error),
          actual: error.actual,
        });
        console.log(
          `[${number + 1}/${cases.length}] ${variant} ${rows}: ${error.message} (${error.actual ?? ''})`,
        );
        if (error.code === 'DEVICE_LOST') throw error;
        // Whatever it was, the next case has a process of its own.
        peers = await closed(peers);
      }
      await write(results);
    }
  } finally {
    await closed(peers);
  }
  await write(results);
  const wrong = results.cases.filter(({ check }) => check.wrong.length > 0);
  for (const { variant, rows, check } of wrong) console.log(`WRONG ${variant} ${rows}: ${check.wrong[0]}`);
  if (wrong.length > 0 || results.failed.length > 0) process.exitCode = 1;
}

async function closed(peers) {
  await peers?.[Symbol.asyncDispose]();
  return undefined;
}

/** Whole or not at all: a run may be stopped at any time. */
async function write(results) {
  await writeFile(`${out}.new`, `${JSON.stringify(results, undefined, 1)}\n`);
  await rename(`${out}.new`, out);
}
