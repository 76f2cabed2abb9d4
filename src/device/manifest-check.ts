/**
 * Manifest -> the first thing wrong with it that a schema cannot say: names that refer to nothing, parameters that
 * overlap, ids given twice. A manifest that passes can be used without looking again.
 */

import { ARCHITECTURES } from './arch.js';
import { exprDims, type LaunchExpr } from './launch-expr.js';
import type { Guard, Manifest, ParamSource, VariantEntry } from './manifest.js';

export interface ManifestProblem {
  /** Where in the manifest: a variant's id, and the field. */
  readonly where: string;
  readonly actual: string;
  readonly expected: string;
}

export function findManifestProblem(manifest: Manifest): ManifestProblem | undefined {
  const archs = new Set(manifest.archs);
  const seen = new Set<string>();
  for (const variant of manifest.variants) {
    if (seen.has(variant.id)) return { where: variant.id, actual: 'this id twice', expected: 'unique ids' };
    seen.add(variant.id);
    if (!archs.has(variant.arch)) {
      return {
        where: `${variant.id} arch`,
        actual: variant.arch,
        expected: `one of archs: ${manifest.archs.join(', ')}`,
      };
    }
    const problem = findVariantProblem(variant);
    if (problem) return { ...problem, where: `${variant.id} ${problem.where}` };
  }
  return undefined;
}

function findVariantProblem(variant: VariantEntry): ManifestProblem | undefined {
  const { launch } = variant;
  if (!ARCHITECTURES.some((arch) => arch.name === variant.arch)) {
    return { where: 'arch', actual: variant.arch, expected: 'an architecture this version knows' };
  }
  const threads = launch.block.reduce((product, extent) => product * extent, 1);
  if (threads > 1024)
    return { where: 'launch.block', actual: `${threads} threads`, expected: 'at most 1024' };
  return (
    findExprProblem('launch.grid', launch.grid, variant) ??
    findTensorProblem(variant) ??
    findParamProblem(variant) ??
    findGuardProblem(variant)
  );
}

function findTensorProblem(variant: VariantEntry): ManifestProblem | undefined {
  const names = new Set<string>();
  for (const tensor of variant.tensors) {
    const where = `tensors.${tensor.name}`;
    if (names.has(tensor.name)) return { where, actual: 'this tensor twice', expected: 'unique names' };
    names.add(tensor.name);
    if (tensor.shape.length !== tensor.strides.length) {
      return {
        where,
        actual: `${tensor.strides.length} strides`,
        expected: `${tensor.shape.length}, one an axis`,
      };
    }
    const problem = findExprProblem(where, [...tensor.shape, ...tensor.strides], variant);
    if (problem) return problem;
  }
  return undefined;
}

function findParamProblem(variant: VariantEntry): ManifestProblem | undefined {
  let end = 0;
  for (const param of variant.params) {
    const where = `params.${param.name}`;
    if (param.offset < end) {
      return {
        where,
        actual: `offset ${param.offset}`,
        expected: `at least ${end}: params in order, none overlapping`,
      };
    }
    end = param.offset + param.size;
    const problem = findSourceProblem(where, param.source, variant);
    if (problem) return problem;
  }
  return undefined;
}

function findSourceProblem(
  where: string,
  source: ParamSource,
  variant: VariantEntry,
): ManifestProblem | undefined {
  switch (source.kind) {
    case 'tensor':
      return findTensorName(where, source.tensor, undefined, variant);
    case 'stride':
      return findTensorName(where, source.tensor, source.axis, variant);
    case 'dim':
      return findDimName(where, source.dim, variant);
    case 'expr':
      return findExprProblem(where, [source.expr], variant);
    case 'scalar':
    case 'zero':
      return undefined;
    default:
      source satisfies never;
      return undefined;
  }
}

function findGuardProblem(variant: VariantEntry): ManifestProblem | undefined {
  for (const guard of variant.guards) {
    const problem = findGuardName(guard, variant);
    if (problem) return problem;
  }
  return undefined;
}

function findGuardName(guard: Guard, variant: VariantEntry): ManifestProblem | undefined {
  const where = `guards.${guard.kind}`;
  switch (guard.kind) {
    case 'arch':
      return guard.arch === variant.arch ? undefined : { where, actual: guard.arch, expected: variant.arch };
    case 'dtype':
    case 'alignment':
      return findTensorName(where, guard.tensor, undefined, variant);
    case 'strideMultiple':
      return findTensorName(where, guard.tensor, guard.axis, variant);
    case 'dimEquals':
    case 'dimMin':
    case 'dimMax':
    case 'dimMultiple':
      return findDimName(where, guard.dim, variant);
    default:
      guard satisfies never;
      return undefined;
  }
}

function findExprProblem(
  where: string,
  expressions: readonly LaunchExpr[],
  variant: VariantEntry,
): ManifestProblem | undefined {
  for (const expression of expressions) {
    for (const dim of exprDims(expression)) {
      const problem = findDimName(where, dim, variant);
      if (problem) return problem;
    }
  }
  return undefined;
}

function findDimName(where: string, dim: string, variant: VariantEntry): ManifestProblem | undefined {
  if (Object.hasOwn(variant.dims, dim)) return undefined;
  return { where, actual: `dimension ${dim}`, expected: `one of ${Object.keys(variant.dims).join(', ')}` };
}

function findTensorName(
  where: string,
  name: string,
  axis: number | undefined,
  variant: VariantEntry,
): ManifestProblem | undefined {
  const tensor = variant.tensors.find((entry) => entry.name === name);
  if (!tensor) {
    const names = variant.tensors.map((entry) => entry.name).join(', ');
    return { where, actual: `tensor ${name}`, expected: `one of ${names}` };
  }
  if (axis !== undefined && axis >= tensor.shape.length) {
    return { where, actual: `axis ${axis} of ${name}`, expected: `below ${tensor.shape.length}` };
  }
  return undefined;
}
