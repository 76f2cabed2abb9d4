/** What identifies a variant and an artifact. Nothing of the host, the clock or a path is in a key. */

import { canonicalSpec, type KernelSpec } from '../spec/index.js';
import type { PlannedVariant } from '../plan/index.js';
import { architecture } from '../device/arch.js';
import { compileOptions } from '../toolchain/compile-pool.js';
import { generatorHash } from './generator-hash.js';
import { hashJson, sha256 } from '../util/hash.js';

/** Everything that the formula and the schedule are made from; the generator's own version is not in it. */
export function variantKey(variant: PlannedVariant, spec: KernelSpec): string {
  const { binding, arch, phase, pdl, schedule } = variant;
  return hashJson({
    spec: canonicalSpec(spec),
    binding,
    arch: architecture(arch).target,
    phase,
    pdl,
    ...(schedule && { schedule }),
  });
}

/** `variantKey` and the generator: equal keys give equal modules. */
export function specKey(variant: PlannedVariant, spec: KernelSpec): string {
  return hashJson({ variant: variantKey(variant, spec), generator: generatorHash() });
}

/** What the toolchain makes depends on the module's bytes, its name, the options and the toolchain, and on nothing else. */
export function artifactKey(module: string, name: string, arch: string, lockHash: string): string {
  const target = architecture(arch).target;
  return hashJson({
    module: sha256(module),
    name,
    target,
    options: compileOptions({ arch: target }),
    toolchain: lockHash,
  });
}
