/**
 * Positions of a row axis -> the same threads, one after the other.
 *
 * Before: rows (tokens, heads), each loading its token's table.   After: heads cut in runs of `n`; a run's positions are tiles
 * of one thread, whose loads are in flight together and which loads what does not vary along the axis once. So does a row that
 * is written to several places, each of them indexed by a position.
 * Bails out where the axis is dynamic, reduced, indexes a load or is not part of every store, and where a row does not divide
 * evenly among the threads of a warp, or of whole warps where nothing is reduced.
 */

import type { Access, AxisInfo, Kernel, Section, Store, Value } from '../ir/kernel.js';
import type { ScheduleOverride } from '../plan/index.js';
import type { Axis } from '../spec/index.js';
import { laneAxes, largestDivisor, mayHoldThreads } from './lane-axes.js';
import { innerAxis, outerAxis, splitAxis } from './split-axis.js';

const WARP = 32;
/** f32 elements that a thread may hold for the positions it walks: their loads, results and the tables that they share. */
const MAX_WALKED_ELEMENTS = 64;

/** Positions worth walking unless a tuning run says otherwise: as many as registers allow where rows share what they load. */
export function defaultWalk(kernel: Kernel): number {
  return kernel.sections.some(
    (section) => !section.then && walkable(section).some((axis) => shares(section, axis)),
  )
    ? MAX_WALKED_ELEMENTS
    : 1;
}

/** `section` with at most `most` positions of a static row axis walked by each thread: of the one that allows most. */
export function walkRows(
  section: Section,
  vector: number,
  override: ScheduleOverride,
  most: number,
  note: (why: string) => void,
): Section {
  if (most <= 1) return section;
  const [first, ...others] = laneAxes(section);
  if (!first || first.dynamic || first.extent % vector !== 0) return section;
  const vectors = first.extent / vector;
  const reduces = section.values.some(({ kind }) => kind === 'reduce');
  const dividesEvenly =
    vectors <= WARP ? Number.isInteger(Math.log2(vectors)) : !reduces && vectors % WARP === 0;
  if (!dividesEvenly || section.tables) return section;
  const tiles = others.reduce(
    (product, lane) => product * (mayHoldThreads(section, lane.axis, first.axis) ? 1 : lane.extent),
    1,
  );
  const perThread = vector * tiles * Math.max(1, vectors / (override.threadsPerRow ?? vectors));
  const limit = Math.min(most, Math.floor(MAX_WALKED_ELEMENTS / perThread));
  const runs = walkable(section).map((axis) => ({
    axis,
    run: largestDivisor(extentOf(section, axis), limit),
  }));
  const { axis, run } = runs.reduce((best, each) => (each.run >= best.run ? each : best), {
    axis: '',
    run: 1,
  });
  if (run === 1) return section;
  note(`${run} positions of ${axis} a thread: what does not vary along it is loaded once for them`);
  const split = splitAxis(section, axis, run);
  const [outer, inner] = [outerAxis(axis, run), innerAxis(axis, run)];
  const axes = split.axes.filter((info) => info.axis !== inner);
  const lanes = axes.filter(({ role }) => role === 'lane');
  const walked: AxisInfo = { axis: inner, extent: run, role: 'lane', walked: true };
  const rows = axes
    .filter(({ role }) => role === 'row')
    .map((info): AxisInfo => (info.axis === outer ? { ...info, role: 'row' } : info));
  return { ...split, axes: [...rows, ...lanes, walked, ...axes.filter(({ role }) => role === 'range')] };
}

/** Static row axes that address every store and are nowhere an operand: their positions differ in nothing but place. */
function walkable(section: Section): readonly Axis[] {
  const { values, stores } = section;
  return section.axes
    .filter(({ role, extent }) => role === 'row' && extent !== 'dynamic' && extent > 1)
    .map(({ axis }) => axis)
    .filter(
      (axis) =>
        stores.every(
          (store) =>
            (addresses(store.access, axis) || indexes(values, store.access, axis)) &&
            (!indexes(values, store.access, axis) || coversLanes(section, store)) &&
            (store.where === undefined || !values[store.where]!.axes.includes(axis)),
        ) &&
        values.every(
          (value) =>
            (value.kind !== 'position' || value.axis !== axis) &&
            (value.kind !== 'load' || !indexes(values, value.access, axis)),
        ),
    );
}

/** Whether rows at other positions of an axis load the same elements along their lanes. */
function shares(section: Section, axis: Axis): boolean {
  const lanes = new Set(laneAxes(section).map((lane) => lane.axis));
  return section.values.some(
    (value) =>
      value.kind === 'load' &&
      !value.axes.includes(axis) &&
      value.axes.some((each) => lanes.has(each)) &&
      value.axes.some((each) => !lanes.has(each)),
  );
}

const extentOf = ({ axes }: Section, axis: Axis): number =>
  Number(axes.find((info) => info.axis === axis)!.extent);

/** Whether an index of an access varies along an axis. */
const indexes = (values: readonly Value[], { terms }: Access, axis: Axis): boolean =>
  terms.some((term) => term.kind === 'value' && values[term.value]!.axes.includes(axis));

/** Whether a store writes along each lane axis. */
const coversLanes = (section: Section, { access }: Store): boolean =>
  laneAxes(section).every(({ axis }) => addresses(access, axis));

const addresses = (access: Access, axis: Axis): boolean =>
  access.terms.some((term) => term.kind === 'axis' && term.axis === axis);
