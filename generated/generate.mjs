// Renders the modules and bindings of the default matrix anew: `npm run generate`. Nothing here is edited by hand.

import { copyFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, loadModel, loadSpecs, plan, withPackageTuning } from '../dist/index.js';
import { ARCHS, MODELS } from './matrix.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const specs = await loadSpecs(join(here, '..', 'specs'));
const costs = {};
for (const name of MODELS) {
  const whole = plan({ model: await loadModel(name), archs: ARCHS, specs: [...specs.values()] });
  const { variants } = await withPackageTuning(whole, specs);
  const out = await mkdtemp(join(tmpdir(), 'rose-gen-generate-'));
  // A store of its own: costs are measured, not looked up.
  await build({ variants, specs, outDir: out, storeDir: join(out, 'store'), onEvent: (event) => console.log(event.id ?? event.message) });
  const target = join(here, name);
  await rm(target, { recursive: true, force: true });
  await mkdir(join(target, 'modules'), { recursive: true });
  for (const file of await readdir(join(out, 'modules'))) await copyFile(join(out, 'modules', file), join(target, 'modules', file));
  await copyFile(join(out, 'bindings.ts'), join(target, 'bindings.ts'));
  Object.assign(costs, JSON.parse(await readFile(join(out, 'costs.json'), 'utf8')));
  await rm(out, { recursive: true, force: true });
}
await writeFile(join(here, 'costs.json'), `${JSON.stringify(costs, null, 2)}\n`);
