/**
 * The schedule of a section that selects from its rows: one warp a row.
 *
 * Each round of a selection finds the next element among all that are left. A warp does that in registers, with
 * instructions that reduce an integer over it, and needs no barrier.
 */

import type { Architecture } from '../device/arch.js';
import { dtypeBytes } from '../ir/dtype.js';
import type { Kernel, Section } from '../ir/kernel.js';
import type { ScheduleOverride } from '../plan/index.js';
import { chooseVector, tensorOf } from './choose-vector.js';
import type { Draft } from './schedule-draft.js';
import { laneAxes } from './lane-axes.js';
import { mostHeld } from './long-rows.js';
import { unsupported } from './unsupported.js';

const WARP = 32;

/** @throws FORMULA_UNSUPPORTED for a row that is longer, or of which a selection is not all. */
export function draftSelection(
  kernel: Kernel,
  section: Section,
  arch: Architecture,
  override: ScheduleOverride,
): Draft {
  const [top] = section.values.filter((value) => value.kind === 'top');
  const lanes = laneAxes(section);
  const other = lanes.find(({ axis }) => axis !== top!.over);
  if (other) {
    throw unsupported(
      section,
      `a selection along ${top!.over} in rows that lie along ${other.axis} as well`,
      `elements of ${top!.over} that lie next to each other`,
      top!.span,
    );
  }
  requireSameRows(section, section.then);
  const { extent } = lanes[0]!;
  const most = mostHeld(section);
  if (extent > most) {
    throw unsupported(
      section,
      `a selection from ${extent} elements of ${top!.over}`,
      `at most ${most}, which one warp holds`,
      top!.span,
    );
  }
  const choice = chooseVector(kernel, section, arch);
  let vector = Math.min(choice.vector, override.vector ?? choice.vector);
  while (vector > 1 && (vector * WARP > extent || extent % vector !== 0)) vector /= 2;
  const bytes = (name: string) => vector * dtypeBytes(tensorOf(kernel, name).dtype);
  return {
    section,
    threadsPerRow: WARP,
    vector,
    cluster: 1,
    residency: 'registers',
    align: new Map([...choice.align].map(([name, align]) => [name, Math.min(align, bytes(name))])),
    reasons: [`${extent} elements a row, ${vector} at a time, one warp a row, which selects in registers`],
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
