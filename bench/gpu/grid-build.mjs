// Builds the variants of grid.yaml, with no GPU: node bench/gpu/grid-build.mjs OUT [--arch sm90] [--kernel NAME ...]
//
// Then, on a machine with a GPU: node bench/gpu/grid.mjs OUT --out results.json
//
// With --candidates it builds what `rose-gen tune --from OUT` times there instead: the same variants in many schedules.
// --only takes those variants whose ids match a regular expression.

import { parseArgs } from 'node:util';
import { build, openBuilder } from '../../dist/build/index.js';
import { readTuning, withTuning } from '../../dist/plan/index.js';
import { packageTuningFiles } from '../../dist/plan/tuning.js';
import { loadSpecs } from '../../dist/spec/index.js';
import { prepareTuning } from '../../dist/tune/index.js';
import { packagePath } from '../../dist/util/package-root.js';
import { gridVariants } from './grid-cases.mjs';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    arch: { type: 'string', default: 'sm90' },
    kernel: { type: 'string', multiple: true },
    only: { type: 'string', default: '' },
    candidates: { type: 'boolean', default: false },
  },
});
const [outDir] = positionals;
if (outDir === undefined) throw new Error('name the folder to build into');
const specs = new Map(await loadSpecs(packagePath('specs')));
const chosen = new RegExp(values.only);
const variants = (await gridVariants(specs, values.arch, values.kernel)).filter(({ id }) => chosen.test(id));
const onEvent = (event) => {
  if (event.kind === 'notice') console.error(event.message);
};
await (values.candidates ? prepare() : buildAll());

async function prepare() {
  const builder = openBuilder();
  const tasks = await prepareTuning({ builder, variants, specs, outDir, onEvent }).finally(() =>
    builder[Symbol.asyncDispose](),
  );
  const count = tasks.reduce((sum, { candidates }) => sum + candidates.length, 0);
  console.log(`${count} candidates of ${tasks.length} variants in ${outDir}`);
}

async function buildAll() {
  const tuning = await Promise.all((await packageTuningFiles()).map(readTuning));
  const plan = withTuning({ variants, unsupported: [] }, tuning, specs);
  const { rejected, compiled, fromStore, seconds } = await build({
    variants: plan.variants,
    specs,
    outDir,
    onEvent,
  });
  for (const { id, error } of rejected) console.error(`${id}: ${error.message}`);
  console.log(`${compiled + fromStore} variants in ${outDir}, ${compiled} compiled, ${seconds.toFixed(0)} s`);
  if (rejected.length > 0) process.exitCode = 1;
}
