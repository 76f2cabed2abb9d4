/**
 * pull-scales: a row's scalar comes out of the largest magnitude of its products.
 *
 * Matches a maximum of magnitudes of f32 products of which some factor does not vary along what is reduced and needs a reduction
 * over it itself. Before: max[hidden](abs(h * r * w)), r made of sum[hidden](...).   After: max[hidden](abs(h * w)) * abs(r).
 * Both reductions then belong to one sweep and end behind one barrier. There are as many roundings as before, so the result is
 * within 2 units of the last place of f32; magnitudes below 2^-126 or above 2^128 between the factors count differently.
 * Bails out where every factor varies, or none of the others does.
 */

import { operands, type Kernel, type Section, type Value, type ValueId } from '../ir/kernel.js';
import type { GraphBuilder } from '../ir/graph-builder.js';
import { mapParts } from './parts.js';
import { rebuild } from './rebuild.js';

export function pullScales(kernel: Kernel): Kernel {
  return mapParts(kernel, pullSection);
}

function pullSection(section: Section): Section {
  return rebuild(section, (value, graph) => {
    if (value.kind !== 'reduce' || value.fn !== 'max' || value.dtype !== 'f32') return graph.copy(value);
    const magnitude = graph.get(value.operand);
    if (magnitude.kind !== 'unary' || magnitude.fn !== 'abs') return graph.copy(value);
    const factors = factorsOf(graph, magnitude.operand);
    const isScale = (id: ValueId) =>
      value.over.every((axis) => !graph.get(id).axes.includes(axis)) && needsReduction(graph, id);
    const scales = factors.filter(isScale);
    const rest = factors.filter((id) => !isScale(id));
    if (
      scales.length === 0 ||
      !rest.some((id) => value.over.some((axis) => graph.get(id).axes.includes(axis)))
    )
      return graph.copy(value);
    const { span } = value;
    const product = (ids: readonly ValueId[]) =>
      ids.reduce((left, right) => graph.binary('*', left, right, 'f32', span));
    const largest = graph.reduce('max', value.over, graph.unary('abs', product(rest), 'f32', span), span);
    return graph.binary('*', largest, graph.unary('abs', product(scales), 'f32', span), 'f32', span);
  });
}

/** Factors of a tree of f32 products, left to right. */
function factorsOf(graph: GraphBuilder, id: ValueId): readonly ValueId[] {
  const value = graph.get(id);
  if (value.kind !== 'binary' || value.fn !== '*' || value.dtype !== 'f32') return [id];
  return [...factorsOf(graph, value.left), ...factorsOf(graph, value.right)];
}

function needsReduction(graph: GraphBuilder, id: ValueId): boolean {
  const seen = new Set<ValueId>();
  const visit = (each: ValueId): boolean => {
    if (seen.has(each)) return false;
    seen.add(each);
    const value: Value = graph.get(each);
    return value.kind === 'reduce' || operands(value).some(visit);
  };
  return visit(id);
}
