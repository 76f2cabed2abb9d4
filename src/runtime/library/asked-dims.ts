/**
 * The tensors of a call, and a variant that is too narrow or too wide for them -> the static dims that would serve the call.
 *
 * A manifest gives a static axis by its extent. Of several dims that are as long, the first that no other axis has claimed is taken.
 */

import type { VariantEntry } from '../../device/manifest.js';
import type { CallArguments } from './parameter-writer.js';

export function askedDims(variant: VariantEntry, args: CallArguments): Readonly<Record<string, number>> {
  const asked: Record<string, number> = {};
  for (const { name, shape } of variant.tensors) {
    const tensor = args[name];
    if (typeof tensor !== 'object' || tensor.shape.length !== shape.length) continue;
    shape.forEach((expression, axis) => {
      const given = tensor.shape[axis]!;
      const names =
        expression.kind === 'dim'
          ? [expression.name]
          : expression.kind === 'const'
            ? Object.keys(variant.dims).filter((dim) => variant.dims[dim] === expression.value)
            : [];
      const dim = names.find((each) => asked[each] === undefined || asked[each] === given);
      const extent = dim === undefined ? 'dynamic' : variant.dims[dim];
      if (dim !== undefined && typeof extent === 'number' && extent !== given) asked[dim] = given;
    });
  }
  return asked;
}
