// Builds the variants of grid.yaml, with no GPU: node bench/gpu/grid-build.mjs OUT [--arch sm90] [--kernel NAME ...]
//
// Then, on a machine with a GPU: node bench/gpu/grid.mjs OUT --out results.json

import { parseArgs } from 'node:util';
import { build } from '../../dist/build/index.js';
import { readTuning, withTuning } from '../../dist/plan/index.js';
import { packageTuningFiles } from '../../dist/plan/tuning.js';
import { loadSpecs } from '../../dist/spec/index.js';
import { packagePath } from '../../dist/util/package-root.js';
import { gridVariants } from './grid-cases.mjs';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { arch: { type: 'string', default: 'sm90' }, kernel: { type: 'string', multiple: true } },
});
const [outDir] = positionals;
if (outDir === undefined) throw new Error('name the folder to build into');
const specs = new Map(await loadSpecs(packagePath('specs')));
const variants = await gridVariants(specs, values.arch, values.kernel);
const tuning = await Promise.all((await packageTuningFiles()).map(readTuning));
const plan = withTuning({ variants, unsupported: [] }, tuning, specs);
const { rejected, compiled, fromStore, seconds } = await build({
  variants: plan.variants,
  specs,
  outDir,
  onEvent: (event) => {
    if (event.kind === 'notice') console.error(event.message);
  },
});
for (const { id, error } of rejected) console.error(`${id}: ${error.message}`);
console.log(`${compiled + fromStore} variants in ${outDir}, ${compiled} compiled, ${seconds.toFixed(0)} s`);
if (rejected.length > 0) process.exitCode = 1;
