// Builds the library's small variants and keeps, for each, what mutants of it are made from.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, renderVariant } from '../../dist/build/index.js';
import { loadSpecs } from '../../dist/spec/index.js';
import { packagePath } from '../../dist/util/package-root.js';
import { libraryVariants } from './library.mjs';

/** @returns subjects by variant id: what `verifyVariant` takes, and the rendered variant with its kernel */
export async function buildSubjects({ archs, kernels, store }) {
  const all = await loadSpecs(packagePath('specs'));
  const specs = new Map([...all].filter(([name]) => !kernels || kernels.includes(name)));
  const variants = libraryVariants(specs, archs);
  const outDir = mkdtempSync(join(tmpdir(), 'rose-gen-mutation-'));
  try {
    const { manifest, rejected } = await build({
      variants,
      specs,
      outDir,
      ...(store && { storeDir: store }),
    });
    if (rejected.length > 0) throw rejected[0].error;
    const planned = new Map(variants.map((variant) => [variant.id, variant]));
    return new Map(
      manifest.variants.map((variant) => {
        const spec = specs.get(variant.kernel);
        const rendered = renderVariant(planned.get(variant.id), spec);
        const ptx = readFileSync(join(outDir, variant.files.ptx.path), 'utf8');
        return [variant.id, { spec, rendered, subject: { bound: rendered.bound, variant, ptx } }];
      }),
    );
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}
