/** Declarations and the names that a formula uses -> nothing, or the error that a declaration serves nothing. */

import { dependencies } from '../dims.js';
import { dimExprNames } from '../parse-dim-expr.js';
import { entryDims } from '../shapes.js';
import type { DimDecl, KernelSpec } from '../types.js';
import { typeError } from './errors.js';

/** `used`: names in the formula. Raises FORMULA_TYPE. */
export function refuseUnused(spec: KernelSpec, used: ReadonlySet<string>): void {
  const names = new Set(used);
  for (const { shape, strides, dtype } of spec.tensors) {
    for (const name of shape.flatMap(entryDims)) names.add(name);
    for (const stride of strides ?? []) {
      if (stride !== 'dynamic') for (const name of dimExprNames(stride)) names.add(name);
    }
    names.add(dtype);
  }
  for (const { when } of [...spec.tensors, ...spec.params]) if (when !== undefined) names.add(when);
  addDependencies(spec.dims, names);
  const groups = {
    tensor: spec.tensors,
    param: spec.params,
    dimension: spec.dims,
    type: spec.types,
    flag: spec.flags,
  };
  for (const [what, declarations] of Object.entries(groups)) {
    const unused = declarations.find(({ name }) => !names.has(name));
    if (!unused) continue;
    throw typeError(
      `the ${what} ${unused.name} is declared and never used`,
      'no use',
      what === 'tensor' || what === 'param' ? 'a use in the formula' : 'a use in a tensor or the formula',
      'use it, or remove it',
      unused.span,
    );
  }
}

/** Adds the dimensions that used ones are computed from. */
function addDependencies(dims: readonly DimDecl[], names: Set<string>): void {
  const byName = new Map(dims.map((dim) => [dim.name, dim]));
  const waiting = dims.filter(({ name }) => names.has(name));
  for (let dim = waiting.pop(); dim; dim = waiting.pop()) {
    for (const name of dependencies(dim)) {
      if (!names.has(name)) waiting.push(byName.get(name)!);
      names.add(name);
    }
  }
}
