import { describe, expect, test } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../../src/build/index.js';
import { loadModel, plan, withPackageTuning } from '../../src/plan/index.js';
import { loadSpecs } from '../../src/spec/index.js';
import { packagePath } from '../../src/util/package-root.js';
import { ARCHS, MODELS } from '../../generated/matrix.mjs';

describe('generated/', () => {
  test.each(MODELS)(
    '%s: modules and bindings are what a build renders; `npm run generate` refreshes them',
    async (name) => {
      const specs = await loadSpecs(packagePath('specs'));
      const whole = plan({ model: await loadModel(name), archs: ARCHS, specs: [...specs.values()] });
      const { variants } = await withPackageTuning(whole, specs);
      const out = await mkdtemp(join(tmpdir(), 'rose-gen-generated-'));
      try {
        await build({ variants, specs, outDir: out });
        const committed = packagePath(`generated/${name}`);
        expect(await readdir(join(committed, 'modules'))).toEqual(await readdir(join(out, 'modules')));
        for (const file of [
          'bindings.ts',
          ...(await readdir(join(out, 'modules'))).map((each) => `modules/${each}`),
        ]) {
          expect([file, await readFile(join(committed, file), 'utf8')]).toEqual([
            file,
            await readFile(join(out, file), 'utf8'),
          ]);
        }
      } finally {
        await rm(out, { recursive: true, force: true });
      }
    },
    300_000,
  );
});
