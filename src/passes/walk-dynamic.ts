/**
 * walk-dynamic: a reduction over a dimension known only at launch, across which elements do not lie side by side, or over a
 * static one along which a gather's index varies.
 *
 * Before: sum over `tokens` of x[tokens, hidden].   After: the same as a range from 0 to the extent of tokens, which
 * every thread walks position by position for the columns that it holds.
 * Also: sum over k (8) of x[rows: slot[tokens, k], hidden].   After: a range from 0 to 8: each step gathers whole vectors of one row.
 * The identity where the dimension is static and indexes no gather, and where it is the one along which elements lie next to each other:
 * there its positions are spread over threads (`assign-axes`).
 */

import type { Axis } from '../spec/index.js';
import { storeOperands, type Kernel, type Section } from '../ir/kernel.js';
import { contiguousAxis } from './assign-axes.js';
import { mapParts } from './parts.js';
import { rebuild } from './rebuild.js';

export function walkDynamic(kernel: Kernel): Kernel {
  return mapParts(kernel, walkSection);
}

function walkSection(section: Section): Section {
  const spread = contiguousAxis(section);
  const walked = new Set<Axis>(
    section.axes
      .filter(({ axis, extent }) => axis !== spread && (extent === 'dynamic' || onlyGathers(section, axis)))
      .map(({ axis }) => axis),
  );
  const matches = section.values.some(
    (value) => value.kind === 'reduce' && value.over.some((axis) => walked.has(axis)),
  );
  if (!matches) return section;
  return rebuild(section, (value, graph) => {
    if (value.kind !== 'reduce') return graph.copy(value);
    const { fn, span } = value;
    const i32 = { axes: [], dtype: 'i32', span } as const;
    const inner = value.over
      .filter((axis) => walked.has(axis))
      .reduce((operand, axis) => {
        const begin = graph.add({ kind: 'literal', value: 0, ...i32 });
        const { extent } = section.axes.find((info) => info.axis === axis)!;
        const end = graph.add(
          extent === 'dynamic'
            ? { kind: 'extent', dim: axis, ...i32 }
            : { kind: 'literal', value: extent, ...i32 },
        );
        return graph.rangeReduce(fn, axis, operand, begin, end, span);
      }, value.operand);
    const rest = value.over.filter((axis) => !walked.has(axis));
    return rest.length === 0 ? inner : graph.reduce(fn, rest, inner, span);
  });
}

/** Whether an index of some gather varies along an axis, and nothing is stored or read at another position along it. */
function onlyGathers({ values, stores }: Section, axis: Axis): boolean {
  const gathers = values.some(
    (value) =>
      value.kind === 'load' &&
      value.access.terms.some((term) => term.kind === 'value' && values[term.value]!.axes.includes(axis)),
  );
  const elsewhere =
    values.some((value) => value.kind === 'remap' && value.axis === axis) ||
    stores.some(
      (store) =>
        store.access.terms.some((term) => term.kind === 'axis' && term.axis === axis) ||
        storeOperands(store).some((id) => values[id]!.axes.includes(axis)),
    );
  return gathers && !elsewhere;
}
