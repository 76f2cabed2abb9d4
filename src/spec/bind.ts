/** A spec and its static choices -> a `BoundKernel`: dtypes, flags and extents fixed, every layout checked. */

import { RoseError } from '../util/errors.js';
import { typedSections } from './check-formulas.js';
import { evaluateExtents } from './dims.js';
import { deepFreeze } from './freeze.js';
import { layoutModes } from './layout.js';
import { LIMITS } from './limits.js';
import { closest } from '../util/errors.js';
import type { Binding, BoundKernel, BoundTensor, Dtype, Extent, KernelSpec } from './types.js';

/**
 * @throws SPEC_DIM, SPEC_DTYPE or SPEC_NAME where the binding does not fit the spec, SPEC_LAYOUT where a tensor's layout
 *   does not work out, FORMULA_TYPE where an index leaves its dimension.
 */
export function bindKernel(spec: KernelSpec, binding: Binding): BoundKernel {
  requireKeys(
    spec,
    'dimension',
    Object.keys(binding.dims),
    spec.dims.filter((dim) => dim.kind === 'static').map((dim) => dim.name),
  );
  requireKeys(
    spec,
    'type variable',
    Object.keys(binding.types),
    spec.types.map((type) => type.name),
  );
  requireKeys(
    spec,
    'flag',
    Object.keys(binding.flags),
    spec.flags.map((flag) => flag.name),
  );
  for (const [name, extent] of Object.entries(binding.dims)) {
    if (!Number.isInteger(extent) || extent < 1 || extent > LIMITS.extent) {
      throw bindError(
        spec,
        'SPEC_DIM',
        `${name} has no legal extent`,
        String(extent),
        `1 to ${LIMITS.extent}`,
      );
    }
  }
  for (const type of spec.types) {
    const dtype = binding.types[type.name]!;
    if (!type.choices.includes(dtype))
      throw bindError(
        spec,
        'SPEC_DTYPE',
        `${type.name} cannot be ${dtype}`,
        dtype,
        `one of ${type.choices.join(', ')}`,
      );
  }
  for (const flag of spec.flags) {
    const value = binding.flags[flag.name]!;
    if (!flag.choices.includes(value))
      throw bindError(
        spec,
        'SPEC_NAME',
        `${flag.name} cannot be ${value}`,
        String(value),
        `one of ${flag.choices.join(', ')}`,
      );
  }
  const extents = evaluateExtents(spec.dims, new Map(Object.entries(binding.dims)));
  const exists = (decl: { readonly when?: string }) =>
    decl.when === undefined || binding.flags[decl.when] === true;
  const tensors = spec.tensors.filter(exists).map((tensor): BoundTensor => {
    const { name, access, constant, span, align, usual, doc } = tensor;
    const dtype = binding.types[tensor.dtype] ?? (tensor.dtype as Dtype);
    return {
      name,
      dtype,
      access,
      ...(constant && { constant }),
      modes: layoutModes(tensor, extents),
      ...(align !== undefined && { align }),
      ...(usual !== undefined && { usual }),
      ...(doc !== undefined && { doc }),
      span,
    };
  });
  const sections = typedSections(spec, binding, extents);
  const all = Object.fromEntries([...extents].map(([name, extent]): [string, Extent] => [name, extent!]));
  return deepFreeze({ spec, binding, extents: all, tensors, params: spec.params.filter(exists), sections });
}

function requireKeys(
  spec: KernelSpec,
  what: string,
  given: readonly string[],
  wanted: readonly string[],
): void {
  const odd = given.find((name) => !wanted.includes(name));
  if (odd !== undefined) {
    const near = closest(odd, wanted);
    throw bindError(
      spec,
      'SPEC_NAME',
      `${spec.name} has no ${what} ${odd} to bind`,
      odd,
      wanted.join(', ') || `no ${what}`,
      near && `did you mean ${near}?`,
    );
  }
  const missing = wanted.find((name) => !given.includes(name));
  if (missing !== undefined)
    throw bindError(
      spec,
      'SPEC_DIM',
      `the ${what} ${missing} is not bound`,
      given.join(', ') || 'nothing bound',
      wanted.join(', '),
    );
}

function bindError(
  spec: KernelSpec,
  code: 'SPEC_DIM' | 'SPEC_DTYPE' | 'SPEC_NAME',
  message: string,
  actual: string,
  expected: string,
  next = 'bind a value that the spec allows',
): RoseError {
  return new RoseError({ code, message, place: { file: spec.origin.file }, actual, expected, next });
}
