/**
 * The spec's data model: what a kernel computes, before any choice is bound.
 *
 * Text (YAML or `defineKernel()`) -> `KernelSpec` (names checked, formula parsed and type-checked, frozen)
 * -> `bindKernel()` -> `BoundKernel` (dtypes, flags and static dimensions chosen), which the IR is built from.
 */

export type * from './declared-types.js';
export type * from './bound-types.js';
