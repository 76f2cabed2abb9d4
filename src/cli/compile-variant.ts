/** One variant -> its PTX and resources, compiled in a folder that is gone afterwards, or read from the store. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../build/index.js';
import type { VariantEntry } from '../device/index.js';
import type { PlannedVariant } from '../plan/index.js';
import type { KernelSpec } from '../spec/index.js';
import { note } from './output.js';
import { describe } from './progress.js';

export async function compileVariant(
  variant: PlannedVariant,
  specs: ReadonlyMap<string, KernelSpec>,
  signal: AbortSignal,
): Promise<{ readonly ptx: string; readonly resources: unknown }> {
  return withCompiled(variant, specs, signal, ({ resources, launch, params }, ptx) => ({
    ptx,
    resources: { ...resources, launch, params },
  }));
}

/** What `use` makes of a variant's manifest entry and its PTX. */
export async function withCompiled<T>(
  variant: PlannedVariant,
  specs: ReadonlyMap<string, KernelSpec>,
  signal: AbortSignal,
  use: (entry: VariantEntry, ptx: string) => T,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'rose-gen-explain-'));
  try {
    const { manifest } = await build({
      variants: [variant],
      specs,
      outDir: folder,
      jobs: 1,
      signal,
      onEvent: (event) => {
        if (event.kind !== 'variant') note(describe(event));
      },
    });
    const entry = manifest.variants[0]!;
    return use(entry, await readFile(join(folder, entry.files.ptx.path), 'utf8'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
