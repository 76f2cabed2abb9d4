/**
 * assign-axes: decides which axes are rows, which are lanes and which is walked by a range.
 *
 * Lanes are the axes that some value is reduced over, selected from or read at another position along, and the axis along which the
 * stores (else the loads) are contiguous. Everything else is a row: its positions are independent of each other.
 * Before: axes tokens, hidden (all `row`).   After: tokens `row`, hidden `lane`.
 * A lane axis may be dynamic where it is the contiguous one. Refuses an axis that is both walked by a range and a row.
 */

import type { Axis } from '../spec/index.js';
import {
  storeOperands,
  type Access,
  type AxisInfo,
  type AxisRole,
  type Kernel,
  type Section,
  type Stride,
} from '../ir/kernel.js';
import { mapParts } from './parts.js';
import { unsupported } from './unsupported.js';

export function assignAxes(kernel: Kernel): Kernel {
  return mapParts(kernel, assignSection);
}

function assignSection(section: Section): Section {
  const lanes = new Set<Axis>();
  const ranges = new Set<Axis>();
  for (const value of section.values) {
    if (value.kind === 'reduce') value.over.forEach((axis) => lanes.add(axis));
    if (value.kind === 'remap') lanes.add(value.axis);
    if (value.kind === 'top') value.over.forEach((axis) => lanes.add(axis));
    if (value.kind === 'arg' || value.kind === 'cut') lanes.add(value.over);
    if (value.kind === 'carried' && value.along !== undefined) lanes.add(value.along);
    if (value.kind === 'range-reduce') ranges.add(value.over);
  }
  const contiguous = contiguousAxis(section);
  if (contiguous !== undefined && !ranges.has(contiguous)) lanes.add(contiguous);
  // Where rows are counted, they are what is counted over: all else lies along threads.
  const counted = countedAxes(section);
  if (counted.length > 0)
    for (const { axis } of section.axes) if (!counted.includes(axis) && !ranges.has(axis)) lanes.add(axis);
  for (const axis of ranges) refuseRangedRows(section, axis, lanes.has(axis));
  refuseRangesOfLanes(section, lanes);
  const role = (axis: Axis): AxisRole => (ranges.has(axis) ? 'range' : lanes.has(axis) ? 'lane' : 'row');
  const axes = section.axes.map((info): AxisInfo => ({ ...info, role: role(info.axis) }));
  const of = (wanted: AxisRole) => axes.filter((info) => info.role === wanted);
  requireCountedRows(section, of('row'));
  const fastestFirst = [...of('lane')].sort(
    (a, b) => Number(b.axis === contiguous) - Number(a.axis === contiguous),
  );
  return { ...section, axes: [...of('row'), ...fastestFirst, ...of('range')] };
}

/** Rows are numbered as they are counted. */
function requireCountedRows(section: Section, rows: readonly AxisInfo[]): void {
  const counted = countedAxes(section);
  const names = rows.map(({ axis }) => axis);
  if (counted.length === 0 || names.length === 0 || names.join() === counted.join()) return;
  throw unsupported(
    section,
    `rows over (${names.join(', ')}), counted over (${counted.join(', ')})`,
    'rows over the dimensions that are counted over, in the order in which the tensors name them',
    section.stores[0]?.span,
  );
}

/** A position of a ranged axis belongs to the walk of another row: nothing else may be computed for it. */
function refuseRangedRows(section: Section, axis: Axis, isLane: boolean): void {
  const store = section.stores.find(
    (each) =>
      each.access.terms.some((term) => term.kind === 'axis' && term.axis === axis) ||
      storeOperands(each).some((id) => section.values[id]!.axes.includes(axis)),
  );
  if (!store && !isLane) return;
  throw unsupported(
    section,
    `${axis} is reduced over ranges and also used position by position`,
    'one of the two in a kernel',
    store?.span,
  );
}

/** All lanes of a row walk the same range. */
function refuseRangesOfLanes(section: Section, lanes: ReadonlySet<Axis>): void {
  for (const value of section.values) {
    if (value.kind !== 'range-reduce') continue;
    const ends = [value.begin, value.end].flatMap((id) => section.values[id]!.axes);
    const lane = ends.find((axis) => lanes.has(axis));
    if (lane === undefined) continue;
    throw unsupported(
      section,
      `ranges of ${value.over} that are others for each ${lane}, along which a row lies`,
      'ranges that are the same for a whole row',
      value.span,
    );
  }
}

/**
 * The axis along which most stored, else loaded, elements lie next to each other: a static one, or a dynamic one that
 * is reduced. Where something is selected, the axis that it is selected from, and after that the axis of what was.
 */
export function contiguousAxis(section: Section): Axis | undefined {
  const selected = section.values.flatMap((value) =>
    value.kind === 'top'
      ? value.over.slice(-1)
      : value.kind === 'arg' || value.kind === 'cut'
        ? [inBlocks(section, value.over)]
        : value.kind === 'carried'
          ? (value.along ?? [])
          : [],
  );
  if (selected[0] !== undefined) return selected[0];
  const counted = new Set(countedAxes(section));
  const stores = section.stores.map((store) => store.access);
  const loads = section.values.flatMap((value) => (value.kind === 'load' ? [value.access] : []));
  const free = { ...section, axes: section.axes.filter(({ axis }) => !counted.has(axis)) };
  return longestUnitStride(free, stores) ?? longestUnitStride(free, loads) ?? dynamicUnitStride(free, loads);
}

/** Of the blocks of an axis, what lies in them: elements are next to each other, not their blocks. */
function inBlocks(section: Section, axis: Axis): Axis {
  const inner = axis.replace('/', '%');
  return section.axes.some((info) => info.axis === inner) ? inner : axis;
}

/** Axes that something is counted over: their positions are rows, in this order. */
const countedAxes = ({ tables }: Section): readonly Axis[] =>
  tables?.values.find((value) => value.kind === 'count')?.over ?? [];

function dynamicUnitStride(section: Section, loads: readonly Access[]): Axis | undefined {
  const reduced = section.values.flatMap((value) => (value.kind === 'reduce' ? value.over : []));
  const isDynamic = (axis: Axis) =>
    section.axes.some((info) => info.axis === axis && info.extent === 'dynamic');
  return loads
    .flatMap(({ terms }) => terms)
    .flatMap((term) => (term.kind === 'axis' && isUnit(term.stride) ? [term.axis] : []))
    .find((axis) => isDynamic(axis) && reduced.includes(axis));
}

const isUnit = ({ factor, symbols }: Stride): boolean => factor === 1 && symbols.length === 0;

/** Of the accesses that touch most elements of a row: a row's scales do not decide over its elements. */
function longestUnitStride(section: Section, accesses: readonly Access[]): Axis | undefined {
  const extents = new Map(section.axes.map(({ axis, extent }) => [axis, extent === 'dynamic' ? 1 : extent]));
  const candidates = accesses.flatMap(({ terms }) => {
    const elements = terms.reduce(
      (product, term) => product * (term.kind === 'axis' ? (extents.get(term.axis) ?? 1) : 1),
      1,
    );
    return terms.flatMap((term) =>
      term.kind === 'axis' && isUnit(term.stride) && extents.has(term.axis)
        ? [{ axis: term.axis, extent: extents.get(term.axis) ?? 1, elements }]
        : [],
    );
  });
  return candidates
    .filter(({ extent }) => extent > 1)
    .sort((a, b) => b.elements - a.elements || b.extent - a.extent)[0]?.axis;
}
