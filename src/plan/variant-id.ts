/**
 * A variant -> its id: `KERNEL.hidden4096.bf16.sm90.decode`.
 *
 * In order: kernel; static dimensions, each with its name; dtypes of the type variables; flags that are true;
 * architecture; phase. Dimensions and types come in the spec's order, and a spec has a fixed number of both, so two
 * variants have one id only if they are the same. Made of [a-z0-9_.-], it is a file name on every system.
 */

import type { Binding, KernelSpec } from '../spec/types.js';
import { sha256 } from '../util/hash.js';
import type { Phase } from './recipe.js';

export interface VariantChoice {
  readonly spec: Pick<KernelSpec, 'name' | 'dims' | 'types' | 'flags'>;
  readonly binding: Binding;
  readonly arch: string;
  readonly phase: Phase;
  /** Dependent launch was switched off on an architecture that has it. */
  readonly withoutPdl: boolean;
}

/** File systems take names of 255 bytes; a suffix of an extension or two must fit. */
const LONGEST = 200;

export function variantId({ spec, binding, arch, phase, withoutPdl }: VariantChoice): string {
  const parts = [
    spec.name,
    ...spec.dims.flatMap(({ kind, name }) => (kind === 'static' ? [`${name}${binding.dims[name]}`] : [])),
    ...spec.types.map(({ name }) => binding.types[name]!),
    ...spec.flags.flatMap(({ name }) => (binding.flags[name] ? [name] : [])),
    ...(withoutPdl ? ['no-pdl'] : []),
    arch,
    phase,
  ];
  const id = parts.map(lowerCase).join('.');
  if (id.length <= LONGEST) return id;
  const hash = sha256(id).slice(0, 16);
  return `${id.slice(0, LONGEST - hash.length - 1)}.${hash}`;
}

/** Names may hold capitals, which some file systems do not tell apart. No name holds a dash. */
function lowerCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `--${letter.toLowerCase()}`);
}
