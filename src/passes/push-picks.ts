/**
 * push-picks: reads inputs at the positions that a selection gives, instead of fetching computed values from other threads.
 *
 * Before: `p = f(x)` over experts; `p[experts: chosen]`.   After: `f(x[experts: chosen])`, x loaded a second time, at
 * indices that need no bounds. What the row shares, such as its sum, is not computed again.
 * The identity where nothing is picked. Refuses an in-place tensor, as `push-remaps` does.
 */

import type { Kernel, Section } from '../ir/kernel.js';
import { mapParts } from './parts.js';
import { moved } from './push-remaps.js';
import { rebuild } from './rebuild.js';

export function pushPicks(kernel: Kernel): Kernel {
  return mapParts(kernel, pushSection);
}

function pushSection(section: Section): Section {
  if (!section.values.some((value) => value.kind === 'pick')) return section;
  return rebuild(section, (value, graph) =>
    value.kind === 'pick'
      ? moved(section, graph, value.operand, { axis: value.axis, index: value.index }, value.span)
      : graph.copy(value),
  );
}
