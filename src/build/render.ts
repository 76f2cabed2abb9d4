/** A planned variant and its spec -> kernel IR and rendered module. Starts no process and touches no file. */

import { renderModule, type RenderedModule } from '../emit/index.js';
import { fromSpec, printKernel, type Kernel, type Target } from '../ir/index.js';
import { runPasses } from '../passes/index.js';
import type { PlannedVariant } from '../plan/index.js';
import { bindKernel, type BoundKernel, type KernelSpec } from '../spec/index.js';
import { CUTLASS_DSL_VERSION } from '../toolchain/toolchain.js';
import { GENERATOR_VERSION } from './version.js';
import { variantKey } from './keys.js';

export interface RenderedVariant {
  readonly variant: PlannedVariant;
  readonly bound: BoundKernel;
  readonly kernel: Kernel;
  readonly module: RenderedModule;
  /** IR before the first pass and after each; only where asked for. */
  readonly stages: readonly { readonly pass: string; readonly text: string }[];
}

export interface RenderOptions {
  readonly stages?: boolean;
}

/** @throws the typed rejections of the passes (SCHEDULE_ILLEGAL, TARGET_UNSUPPORTED, FORMULA_UNSUPPORTED). */
export function renderVariant(
  variant: PlannedVariant,
  spec: KernelSpec,
  options: RenderOptions = {},
): RenderedVariant {
  const target: Target = { arch: variant.arch, phase: variant.phase, dependentLaunch: variant.pdl };
  const bound = bindKernel(spec, variant.binding);
  const stages: { pass: string; text: string }[] = [];
  const kernel = runPasses(fromSpec(bound), target, {
    ...(variant.schedule && { override: variant.schedule }),
    ...(options.stages && {
      observe: (pass: string, ir: Kernel) => stages.push({ pass, text: printKernel(ir) }),
    }),
  });
  const module = renderModule(kernel, target, {
    variant: variant.id,
    specKey: variantKey(variant, spec),
    versions: `rose-gen ${GENERATOR_VERSION}, nvidia-cutlass-dsl ${CUTLASS_DSL_VERSION}`,
    doc: spec.doc,
    ...(spec.source !== undefined && { source: spec.source }),
  });
  return { variant, bound, kernel, module, stages };
}
