/**
 * walk-dynamic: a reduction over a dimension known only at launch, across which elements do not lie side by side.
 *
 * Before: sum over `tokens` of x[tokens, hidden].   After: the same as a range from 0 to the extent of tokens, which
 * every thread walks position by position for the columns that it holds.
 * The identity where the dimension is static, and where it is the one along which elements lie next to each other:
 * there its positions are spread over threads (`assign-axes`).
 */

import type { Axis } from '../spec/index.js';
import type { Kernel, Section } from '../ir/kernel.js';
import { contiguousAxis } from './assign-axes.js';
import { rebuild } from './rebuild.js';

export function walkDynamic(kernel: Kernel): Kernel {
  return { ...kernel, sections: kernel.sections.map(walkSection) };
}

function walkSection(section: Section): Section {
  const spread = contiguousAxis(section);
  const walked = new Set<Axis>(
    section.axes
      .filter(({ axis, extent }) => extent === 'dynamic' && axis !== spread)
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
        const end = graph.add({ kind: 'extent', dim: axis, ...i32 });
        return graph.rangeReduce(fn, axis, operand, begin, end, span);
      }, value.operand);
    const rest = value.over.filter((axis) => !walked.has(axis));
    return rest.length === 0 ? inner : graph.reduce(fn, rest, inner, undefined, span);
  });
}
