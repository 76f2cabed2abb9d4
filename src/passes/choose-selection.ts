/**
 * The schedule of a section that selects from its rows, or looks at their blocks: one warp a row.
 *
 * Each round of a selection finds the next element among all that are left. A warp does that in registers, with
 * instructions that reduce an integer over it, and needs no barrier. Of a row in blocks `block-lanes` says which threads have which.
 */

import type { Architecture } from '../device/arch.js';
import { dtypeBytes } from '../ir/dtype.js';
import type { Kernel, Section } from '../ir/kernel.js';
import type { ScheduleOverride } from '../plan/index.js';
import { layOutBlocks } from './block-lanes.js';
import { chooseVector, tensorOf } from './choose-vector.js';
import type { Draft } from './schedule-draft.js';
import { laneAxes } from './lane-axes.js';
import { mostHeld } from './long-rows.js';
import { wholeAxis } from './split-axis.js';
import { unsupported } from './unsupported.js';

const WARP = 32;
/** Keys that a thread of a row in blocks holds: what those of the longest row without blocks do. */
const MOST_OF_BLOCKS = 32;

/** Whether a warp has each row: what a section selects, or the blocks whose leading elements it asks for, are in its registers. */
export const isSelection = (section: Section): boolean =>
  section.then !== undefined || section.values.some(({ kind }) => kind === 'cut');

/** @throws FORMULA_UNSUPPORTED for a row that is longer, or of which a selection is not all. */
export function draftSelection(
  kernel: Kernel,
  section: Section,
  arch: Architecture,
  override: ScheduleOverride,
): Draft {
  const value = section.values.find(({ kind }) => kind === 'top' || kind === 'cut')!;
  const lanes = laneAxes(section);
  const dim = wholeAxis(lanes[0]!.axis);
  const other = lanes.find(({ axis }) => wholeAxis(axis) !== dim);
  if (other) {
    throw unsupported(
      section,
      `a selection along ${dim} in rows that lie along ${other.axis} as well`,
      `elements of ${dim} that lie next to each other`,
      value.span,
    );
  }
  requireSameRows(section, section.then);
  const extent = lanes.reduce((product, lane) => product * lane.extent, 1);
  const most = mostHeld(section);
  if (extent > most) {
    throw unsupported(
      section,
      `a selection from ${extent} elements of ${dim}`,
      `at most ${most}, which one warp holds`,
      value.span,
    );
  }
  const choice = chooseVector(kernel, section, arch);
  const widest = Math.min(choice.vector, override.vector ?? choice.vector);
  const [inner, outer] = lanes;
  const blocks = inner && outer && layOutBlocks([inner, outer], widest);
  if (blocks && blocks.held > MOST_OF_BLOCKS) {
    throw unsupported(
      section,
      `${outer.extent} blocks of ${inner.extent} elements of ${dim}, of which a thread would hold ${blocks.held}`,
      `at most ${MOST_OF_BLOCKS}: shorter blocks, or such as powers of two divide`,
      value.span,
    );
  }
  let vector = blocks?.vector ?? widest;
  while (!blocks && vector > 1 && (vector * WARP > extent || extent % vector !== 0)) vector /= 2;
  const bytes = (name: string) => vector * dtypeBytes(tensorOf(kernel, name).dtype);
  return {
    section,
    threadsPerRow: WARP,
    ...(blocks && { threadsPerBlock: blocks.threadsPerBlock }),
    vector,
    cluster: 1,
    residency: 'registers',
    align: new Map([...choice.align].map(([name, align]) => [name, Math.min(align, bytes(name))])),
    reasons: [
      `${extent} elements a row, ${vector} at a time, one warp a row, which selects in registers`,
      ...(blocks
        ? [`blocks of ${inner.extent} elements, each with ${blocks.threadsPerBlock} threads of the warp`]
        : []),
    ],
  };
}

/** Each part is run by the threads of one row. */
export function requireSameRows(section: Section, then: Section | undefined): void {
  if (!then) return;
  const rows = (part: Section) => part.axes.flatMap(({ axis, role }) => (role === 'row' ? [axis] : []));
  const [before, after] = [rows(section).join(', '), rows(then).join(', ')];
  const lanes = laneAxes(then);
  if (before !== after || lanes.length !== 1) {
    throw unsupported(
      section,
      `rows over (${before}), and over (${after}) along ${lanes.map(({ axis }) => axis).join(' and ')} after a selection`,
      'the same rows before and after, and one dimension of what is selected',
      then.stores[0]?.span,
    );
  }
  requireSameRows(then, then.then);
}
