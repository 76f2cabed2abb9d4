/**
 * assign-axes: decides which axes are rows, which are lanes and which is walked by a range.
 *
 * Lanes are the axes that some value is reduced over or read at another position along, and the axis along which the
 * stores (else the loads) are contiguous. Everything else is a row: its positions are independent of each other.
 * Before: axes tokens, hidden (all `row`).   After: tokens `row`, hidden `lane`.
 * Refuses a dynamic lane axis that is reduced: its length must be static.
 */

import type { Axis } from '../spec/index.js';
import type { Access, AxisInfo, AxisRole, Kernel, Section } from '../ir/kernel.js';
import { unsupported } from './unsupported.js';

export function assignAxes(kernel: Kernel): Kernel {
  return { ...kernel, sections: kernel.sections.map(assignSection) };
}

function assignSection(section: Section): Section {
  const lanes = new Set<Axis>();
  const ranges = new Set<Axis>();
  for (const value of section.values) {
    if (value.kind === 'reduce') value.over.forEach((axis) => lanes.add(axis));
    if (value.kind === 'remap') lanes.add(value.axis);
    if (value.kind === 'range-reduce') ranges.add(value.over);
  }
  const contiguous = contiguousAxis(section);
  if (contiguous !== undefined && !ranges.has(contiguous)) lanes.add(contiguous);
  for (const { axis, extent } of section.axes) {
    if (lanes.has(axis) && extent === 'dynamic') {
      throw unsupported(
        section,
        `a reduction over ${axis}, whose length is known only at launch`,
        `a static ${axis}, or a range read from an offsets tensor`,
      );
    }
    if (lanes.has(axis) && ranges.has(axis)) {
      throw unsupported(section, `${axis} is reduced both as a whole and over ranges`, `one of the two`);
    }
  }
  const role = (axis: Axis): AxisRole => (ranges.has(axis) ? 'range' : lanes.has(axis) ? 'lane' : 'row');
  const axes = section.axes.map((info): AxisInfo => ({ ...info, role: role(info.axis) }));
  const of = (wanted: AxisRole) => axes.filter((info) => info.role === wanted);
  const fastestFirst = [...of('lane')].sort(
    (a, b) => Number(b.axis === contiguous) - Number(a.axis === contiguous),
  );
  return { ...section, axes: [...of('row'), ...fastestFirst, ...of('range')] };
}

/** The static axis along which most stored, else loaded, elements lie next to each other. */
export function contiguousAxis(section: Section): Axis | undefined {
  const stores = section.stores.map((store) => store.access);
  const loads = section.values.flatMap((value) => (value.kind === 'load' ? [value.access] : []));
  return longestUnitStride(section, stores) ?? longestUnitStride(section, loads);
}

function longestUnitStride(section: Section, accesses: readonly Access[]): Axis | undefined {
  const extents = new Map(section.axes.map(({ axis, extent }) => [axis, extent]));
  let best: { axis: Axis; extent: number } | undefined;
  for (const { terms } of accesses) {
    for (const term of terms) {
      if (term.kind !== 'axis' || term.stride.factor !== 1 || term.stride.symbols.length > 0) continue;
      const extent = extents.get(term.axis);
      if (typeof extent === 'number' && extent > (best?.extent ?? 1)) best = { axis: term.axis, extent };
    }
  }
  return best?.axis;
}
