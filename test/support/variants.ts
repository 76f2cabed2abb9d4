/** Variants and bindings for tests, made without a model. */

import { enumerateBindings, type Binding, type Dtype, type KernelSpec } from '../../src/spec/index.js';
import type { PlannedVariant } from '../../src/plan/index.js';

/** Sizes of what is not a row: heads, experts and groups of them, how many a selection takes. */
const USUAL: Readonly<Record<string, number>> = {
  page: 16,
  half: 64,
  q_heads: 5,
  k_heads: 1,
  k: 5,
  top_k: 5,
  top_n: 5,
  experts: 64,
  total: 70,
  pad: 16,
  groups: 8,
  kept: 4,
  vocab: 1000,
};

/** Every static dimension bound: to `sizes` where it names it, else to what is usual, of a row 256. */
export function bindingsOf(
  spec: KernelSpec,
  sizes: Readonly<Record<string, number>> = {},
): readonly Binding[] {
  const dims = Object.fromEntries(
    spec.dims
      .filter((dim) => dim.kind === 'static')
      .map((dim) => [dim.name, sizes[dim.name] ?? USUAL[dim.name] ?? 256]),
  );
  return enumerateBindings(spec).map(({ types, flags }) => ({ dims, types, flags }));
}

export function variantOf(
  spec: KernelSpec,
  binding: Binding,
  arch = 'sm90',
  phase: 'prefill' | 'decode' = 'prefill',
  pdl = true,
): PlannedVariant {
  const fields = { kernel: spec.name, binding, arch, phase, pdl };
  const id = `${spec.name}.${Object.entries(binding.dims)
    .map(([name, size]) => `${name}${size}`)
    .join('.')}.${Object.values(binding.types as Record<string, Dtype>).join('.')}.${
    Object.entries(binding.flags)
      .filter(([, on]) => on)
      .map(([flag]) => flag)
      .join('-') || 'plain'
  }.${arch}.${phase}${pdl ? '' : '.no-pdl'}`;
  return { ...fields, id, reasons: ['a test'] };
}
