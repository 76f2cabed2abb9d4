/** Where in each row of a tensor its special element is: the same place in every tensor whose rows have that length. */

import type { BoundTensor } from '../spec/index.js';

export interface Rows {
  readonly count: number;
  /** Elements of one. */
  readonly length: number;
}

/** The rows of a tensor, along its first dynamic dimension; undefined where it has none. */
export function rowsOf(tensor: BoundTensor, shape: readonly number[]): Rows | undefined {
  const mode = tensor.modes.findIndex(({ extent }) => extent === 'dynamic');
  if (mode < 0) return undefined;
  return {
    count: shape[mode]!,
    length: shape.slice(mode + 1).reduce((product, extent) => product * extent, 1),
  };
}

/** The places of consecutive rows differ in every small power of two, so that no element of a thread is left out. */
export const spread = (row: number, { count, length }: Rows): number =>
  (row * (Math.floor(length / count) | 1)) % Math.max(1, length);

/** One number a row is NaN in so many rows: in every row it would hide the NaN of all others. */
const SPARSE = 8;

/** Whether a row of the problem with NaN in its rows has it here. */
export const isPoisoned = (row: number, at: number, rows: Rows): boolean =>
  at === spread(row, rows) && (rows.length > 1 || row % SPARSE === 0);

/** Whether an index here is -1, exactly: rows go round all of their places with it, and then without. What it drops is NaN. */
export const isDropped = (row: number, at: number, rows: Rows): boolean =>
  isPoisoned(row, at, rows) && Math.floor(row / Math.max(rows.length, SPARSE)) % 2 === 0;
