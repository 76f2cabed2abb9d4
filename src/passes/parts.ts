/** A change of sections applied to each part of each: the passes before `lower-sweeps` see parts as sections of their own. */

import type { Kernel, Section } from '../ir/kernel.js';

export function mapParts(kernel: Kernel, change: (part: Section) => Section): Kernel {
  const all = (section: Section): Section => {
    const { then, ...own } = section;
    const changed = change(own);
    return then ? { ...changed, then: all(then) } : changed;
  };
  return { ...kernel, sections: kernel.sections.map(all) };
}
