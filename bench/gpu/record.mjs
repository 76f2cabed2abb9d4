// Records launches of a build as the simulator runs them: node record.mjs BUILD_FOLDER OUT_FOLDER [--rows N] [--spec FILE ...]
//
// For each sm90 variant: cubin, launch shape, parameter buffer, memory before, and what the simulator leaves in the outputs.
// `replay.py` runs the same on a GPU and compares bits.

import { Buffer } from 'node:buffer';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { readManifest } from '../../dist/device/index.js';
import { compileKernel, parsePtx } from '../../dist/sim/index.js';
import { loadSpec, loadSpecs } from '../../dist/spec/index.js';
import { Launcher } from '../../dist/verify/launch.js';
import { problemOfRows, problemsOf } from '../../dist/verify/problems.js';
import { readSubjects } from '../../dist/verify/read-subjects.js';
import { packagePath } from '../../dist/util/package-root.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: 'string' },
    spec: { type: 'string', multiple: true },
    arch: { type: 'string', default: 'sm90' },
  },
});
const [build, out] = positionals;
const specs = new Map(await loadSpecs(packagePath('specs')));
for (const file of values.spec ?? []) {
  const spec = await loadSpec(file);
  specs.set(spec.name, spec);
}
await mkdir(out, { recursive: true });
const manifest = await readManifest(join(build, 'manifest.json'));
const subjects = await readSubjects({ dir: build, specs, select: ({ arch }) => arch === values.arch });
const launches = [];
for (const { bound, variant, ptx } of subjects) {
  const launcher = new Launcher(bound, variant, compileKernel(parsePtx(ptx, variant.id), variant.entry));
  const problems = values.rows
    ? [problemOfRows(bound, variant, Number(values.rows))]
    : problemsOf(bound, variant);
  await copyFile(join(build, variant.files.cubin.path), join(out, basename(variant.files.cubin.path)));
  for (const { name, problem, multiprocessors } of problems) {
    let prepared;
    const { outputs } = launcher.run(problem, {
      checks: 'none',
      multiprocessors,
      onLaunch: (launch) => (prepared = launch),
    });
    if (!prepared) continue;
    const file = `${launches.length}.bin`;
    const parts = [];
    let at = 0;
    const put = (bytes) => {
      parts.push(bytes, new Uint8Array((16 - (bytes.length % 16)) % 16));
      const offset = at;
      at += bytes.length + parts.at(-1).length;
      return { offset, bytes: bytes.length };
    };
    const parameters = put(prepared.parameters);
    const tensors = bound.tensors.map((tensor) => {
      const output = outputs.find((each) => each.tensor.name === tensor.name);
      return {
        name: tensor.name,
        dtype: tensor.dtype,
        access: tensor.access,
        before: put(prepared.before.get(tensor.name)),
        ...(output && {
          after: put(output.bytes),
          // Elements that both must agree on, as element offsets; left out where that is all there are.
          ...(isWhole(output) ? {} : { written: put(writtenOffsets(output)) }),
        }),
      };
    });
    await writeFile(join(out, file), Buffer.concat(parts));
    const pointers = variant.params.flatMap(({ offset, source }) =>
      source.kind === 'tensor' ? [{ offset, tensor: source.tensor }] : [],
    );
    const { block, cluster, sharedMemoryBytes, pdl } = variant.launch;
    launches.push({
      id: variant.id,
      problem: name,
      file,
      cubin: basename(variant.files.cubin.path),
      entry: variant.entry,
      grid: prepared.grid,
      block,
      cluster,
      sharedMemoryBytes,
      pdl,
      parameters,
      pointers,
      tensors,
    });
  }
}
await writeFile(join(out, 'launches.json'), JSON.stringify({ toolchain: manifest.toolchain, launches }));
console.log(`${launches.length} launches of ${subjects.length} variants`);

function isWhole({ offsets, written }) {
  return offsets.every((offset, i) => offset === i) && !written.includes(0);
}

function writtenOffsets({ offsets, written }) {
  return new Uint8Array(Float64Array.from([...offsets].filter((_, i) => written[i] !== 0)).buffer);
}
