/** Whether a manifest's entry speaks of this PTX: its kernel, its parameters, its block and its cluster. */

import type { VariantEntry } from '../device/index.js';
import type { PtxModule } from '../sim/index.js';
import { RoseError } from '../util/errors.js';

/** @throws MANIFEST_INVALID with what differs */
export function requireMatch(variant: VariantEntry, module: PtxModule): void {
  const refuse = (what: string, actual: string, expected: string): never => {
    throw new RoseError({
      code: 'MANIFEST_INVALID',
      message: `the manifest does not match the PTX of ${variant.id}: ${what}`,
      place: { file: module.source.file },
      actual,
      expected,
      next: 'build it again with `rose-gen build`',
    });
  };
  const entry = module.entries.find(({ name }) => name === variant.entry);
  if (!entry) {
    const there = module.entries.map(({ name }) => name).join(', ');
    return refuse('it has no kernel of that name', there || 'no kernel', variant.entry);
  }
  const places = (params: readonly { readonly offset: number; readonly bytes: number }[]): string =>
    params.map(({ offset, bytes }) => `${bytes} bytes at ${offset}`).join(', ') || 'none';
  const actual = places(entry.parameters);
  const expected = places(variant.params.map(({ offset, size }) => ({ offset, bytes: size })));
  if (actual !== expected) refuse('the parameters are others', actual, expected);
  const text = (extents: readonly number[]): string => extents.join(' x ');
  const { block, cluster } = variant.launch;
  if (entry.requiredThreads && text(entry.requiredThreads) !== text(block))
    refuse('the block is another', text(entry.requiredThreads), text(block));
  if (entry.requiredCluster && text(entry.requiredCluster) !== text(cluster))
    refuse('the cluster is another', text(entry.requiredCluster), text(cluster));
}
