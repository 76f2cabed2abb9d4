/** What integer tensors are for, read off the formula: indices of loads, indices of writes, offsets of ranges. */

import type { BoundIndex, BoundKernel, BoundSection, TypedExpr } from '../spec/index.js';
import { children } from '../spec/walk.js';

export interface IndexUse {
  readonly kind: 'gather' | 'scatter' | 'tally';
  /** Tensor that is read or written at the index; what is counted has none. */
  readonly target: string;
  /** Dimensions of it that the index decides, together. */
  readonly dims: readonly string[];
}

export interface Roles {
  readonly indices: ReadonlyMap<string, readonly IndexUse[]>;
  /** Offsets tensor -> the dimension whose ranges it holds, and the dimension of its rows. */
  readonly offsets: ReadonlyMap<string, { readonly dim: string; readonly rows: string }>;
  /** Dimensions that are only ever reached through an index, such as a vocabulary or the pages of a cache. */
  readonly targets: ReadonlySet<string>;
}

export function rolesOf(bound: BoundKernel): Roles {
  const indices = new Map<string, IndexUse[]>();
  const offsets = new Map<string, { dim: string; rows: string }>();
  const direct = new Set<string>();
  const indexed = new Set<string>();

  const use = (
    kind: IndexUse['kind'],
    target: string,
    section: BoundSection,
    entries: readonly BoundIndex[],
  ) => {
    const tensor = bound.tensors.find((each) => each.name === target)!;
    for (const mode of tensor.modes) {
      const axis = section.cut?.dim === mode.dim ? section.cut.as : mode.axis;
      const entry = entries.find(({ dim }) => dim === mode.dim || dim === mode.axis || dim === axis);
      (entry ? indexed : direct).add(mode.dim);
    }
    const dimsOf = new Map<string, string[]>();
    for (const { dim, index } of entries) {
      for (const source of loadsOf(index, section)) dimsOf.set(source, [...(dimsOf.get(source) ?? []), dim]);
    }
    for (const [source, dims] of dimsOf)
      indices.set(source, [...(indices.get(source) ?? []), { kind, target, dims }]);
  };

  for (const section of bound.sections) {
    for (const statement of section.statements) {
      const exprs = [
        statement.value,
        ...(statement.kind === 'write'
          ? [...statement.indices.map(({ index }) => index), ...(statement.where ? [statement.where] : [])]
          : []),
      ];
      if (statement.kind === 'write') use('scatter', statement.tensor, section, statement.indices);
      for (const expr of exprs.flatMap(subexpressions)) {
        if (expr.kind === 'load') use('gather', expr.tensor, section, expr.indices);
        if (expr.kind === 'tally')
          for (const source of loadsOf(expr.operand, section))
            indices.set(source, [
              ...(indices.get(source) ?? []),
              { kind: 'tally', target: '', dims: [expr.bins] },
            ]);
        if (expr.kind === 'reduce' && expr.range)
          offsets.set(expr.range.tensor, { dim: expr.dim, rows: expr.range.rows });
      }
    }
  }
  return { indices, offsets, targets: new Set([...indexed].filter((dim) => !direct.has(dim))) };
}

/** Tensors whose elements an index is computed from, through locals too. What a selection gives is a position, whatever it compares. */
function loadsOf(index: TypedExpr, section: BoundSection): readonly string[] {
  return [
    ...new Set(
      indexParts(index).flatMap((expr): readonly string[] => {
        if (expr.kind === 'load') return [expr.tensor];
        if (expr.kind !== 'local') return [];
        const definition = section.statements.find(
          (statement) => statement.kind === 'let' && statement.name === expr.name,
        );
        return definition ? loadsOf(definition.value, section) : [];
      }),
    ),
  ];
}

const indexParts = (expr: TypedExpr): readonly TypedExpr[] =>
  expr.kind === 'top' || expr.kind === 'arg' ? [] : [expr, ...children(expr).flatMap(indexParts)];

/** An expression and all that it is made of. */
export function subexpressions(expr: TypedExpr): readonly TypedExpr[] {
  return [expr, ...children(expr).flatMap(subexpressions)];
}
