/** Operations of a formula at given extents: how much arithmetic stands against the bytes it moves. */

import type { BoundKernel, BoundSection, TypedExpr } from '../spec/index.js';
import { children } from '../spec/walk.js';

/** Arithmetic, comparisons and functions, one an element of the section's space. */
export function operationsOf(bound: BoundKernel, extents: Readonly<Record<string, number>>): number {
  return bound.sections.reduce((sum, section) => sum + operationsOfSection(bound, section, extents), 0);
}

function operationsOfSection(
  bound: BoundKernel,
  section: BoundSection,
  extents: Readonly<Record<string, number>>,
): number {
  const space = Math.max(
    1,
    ...section.statements.flatMap((statement) =>
      statement.kind === 'write' ? [writtenElements(statement.tensor)] : [],
    ),
  );
  const nodes = section.statements.reduce((sum, { value }) => sum + operationNodes(value), 0);
  return space * nodes;

  function writtenElements(name: string): number {
    const tensor = bound.tensors.find((each) => each.name === name)!;
    return tensor.modes.reduce((product, { dim }) => product * (extents[dim] ?? 1), 1);
  }
}

const COUNTED: ReadonlySet<TypedExpr['kind']> = new Set(['unary', 'binary', 'compare', 'select', 'reduce']);

function operationNodes(expr: TypedExpr): number {
  return (
    (COUNTED.has(expr.kind) ? 1 : 0) + children(expr).reduce((sum, child) => sum + operationNodes(child), 0)
  );
}
