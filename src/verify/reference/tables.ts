/** Counts of indices, ranks among equal ones, sums of what lies before, and tables read at an index: all in exact integers. */

import type { Axis, TallyFn } from '../../spec/index.js';
import { grid, type Grid } from './grid.js';
import { INFINITY } from './numbers.js';

/** `operand`: the indices, over the counted axes in their order. */
export function tally(fn: TallyFn, operand: Grid, bins: Axis, extent: number): Grid {
  const counts = new Float64Array(extent);
  const ranks = operand.values.map((index) => {
    if (index < 0 || index >= extent) return 0;
    const before = counts[index]!;
    counts[index] = before + 1;
    return before;
  });
  return fn === 'count' ? grid([bins], [extent], counts) : grid(operand.axes, operand.shape, ranks);
}

/** Sums (wrapping i32) of the elements before each of the only axis. */
export function scanAlong({ axes, shape, values }: Grid): Grid {
  let sum = 0;
  const sums = values.map((value) => {
    const before = sum;
    sum = (sum + value) | 0;
    return before;
  });
  return grid(axes, shape, sums);
}

/** `table`, over one axis, at each index; 0 outside of it. */
export function lookUp(table: Grid, index: Grid): Grid {
  const values = index.values.map((at) => table.values[at] ?? 0);
  const doubt = index.error?.map((error, i) =>
    error > 0 ? INFINITY : (table.error?.[index.values[i]!] ?? 0),
  );
  const own = doubt ?? (table.error && index.values.map((at) => table.error![at] ?? 0));
  return grid(index.axes, index.shape, values, own);
}
