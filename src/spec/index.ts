/** Specs: what a kernel computes. YAML or a TypeScript object -> `KernelSpec` -> `BoundKernel`. */

export * from './types.js';
export type { DimDefinition, KernelDefinition, ParamDefinition, TensorDefinition } from './definition.js';
export { bindKernel } from './bind.js';
export { canonicalSpec } from './canonical.js';
export { enumerateBindings } from './bindings.js';
export { loadSpec, loadSpecs } from './load-specs.js';
export { defineKernel, parseSpec } from './parse-spec.js';
