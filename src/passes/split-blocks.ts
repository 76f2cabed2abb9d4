/**
 * split-blocks: gives the blocks of a dimension axes of their own.
 *
 * Matches a section with a reduction or a cut within or over the blocks of a dimension, or a tensor with one element a block.
 * Before: max over `hidden%128` of values over `hidden`, result over `hidden/128`.
 * After:  `hidden` is gone; values vary over `hidden/128` and `hidden%128`, and the reduction is over the latter.
 * Bails out where no axis is cut; refuses two different cuts of one dimension.
 */

import type { Kernel, Section } from '../ir/kernel.js';
import type { Place } from '../util/errors.js';
import { mapParts } from './parts.js';
import { splitAxis } from './split-axis.js';
import { unsupported } from './unsupported.js';

export function splitBlocks(kernel: Kernel): Kernel {
  return mapParts(kernel, splitSection);
}

function splitSection(section: Section): Section {
  const cuts = new Map<string, number>();
  const note = (axis: string, span: Place): void => {
    const [dim, by] = axis.split(/[/%]/);
    if (dim === undefined || by === undefined) return;
    const known = cuts.get(dim);
    if (known !== undefined && known !== Number(by)) {
      throw unsupported(
        section,
        `${dim} is cut into blocks of ${known} and of ${by}`,
        `one block length for ${dim}`,
        span,
      );
    }
    cuts.set(dim, Number(by));
  };
  for (const value of section.values) {
    const over = value.kind === 'reduce' ? value.over : value.kind === 'cut' ? [value.over] : [];
    [...over, ...value.axes].forEach((axis) => note(axis, value.span));
  }
  for (const store of section.stores) {
    for (const term of store.access.terms) if (term.kind === 'axis') note(term.axis, store.span);
  }
  return [...cuts].reduce((split, [dim, by]) => splitAxis(split, dim, by), section);
}
