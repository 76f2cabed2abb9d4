/** The lane axes of a section, and which of them threads may be spread over. */

import type { Axis } from '../spec/index.js';
import { DYNAMIC_LANE_BOUND, type LaneAxis, type Section } from '../ir/kernel.js';

/** Fastest first. */
export function laneAxes(section: Section): readonly LaneAxis[] {
  return section.axes
    .filter((info) => info.role === 'lane')
    .map(({ axis, extent }) =>
      extent === 'dynamic'
        ? { axis, extent: DYNAMIC_LANE_BOUND, dynamic: true }
        : { axis, extent, dynamic: false },
    );
}

/** Threads may be spread over `axis` where it is not walked, never remapped and every reduction over it is one over `first` too. */
export function mayHoldThreads(section: Section, axis: Axis, first: Axis): boolean {
  if (section.axes.some((info) => info.axis === axis && info.walked)) return false;
  return section.values.every((value) => {
    if (value.kind === 'remap') return value.axis !== axis;
    if (value.kind === 'reduce') return !value.over.includes(axis) || value.over.includes(first);
    return true;
  });
}

export function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

export function largestDivisor(value: number, limit: number): number {
  for (let divisor = Math.min(value, limit); divisor > 1; divisor--)
    if (value % divisor === 0) return divisor;
  return 1;
}
