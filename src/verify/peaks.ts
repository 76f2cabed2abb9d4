/**
 * Rows whose largest element is at places spread over the row, or two of which hold all of the weight.
 *
 * Where a row is weighed, its maximum cancels and what is far below that counts for nothing: ordinary rows do not show a mistake
 * at one place. So rows that are weighed have several forms in turn. Of eight rows each place of a vector of eight has another
 * one, and every eight rows the forms move on by one place.
 */

import type { BoundKernel } from '../spec/index.js';
import { spread, type Rows } from './places.js';
import { subexpressions } from './roles.js';

/** Whether a formula weighs the elements of a row by their exponentials, or selects from them. */
export const isWeighed = (bound: BoundKernel): boolean =>
  bound.sections.some(({ statements }) =>
    statements.some(({ value }) =>
      subexpressions(value).some(
        (expr) =>
          expr.kind === 'top' ||
          expr.kind === 'arg' ||
          expr.kind === 'leading' ||
          (expr.kind === 'unary' && expr.op === 'exp'),
      ),
    ),
  );

const PEAK = 24;
/** One unit of the last place of bf16 there. */
const STEP = 0.125;
/** Numbers of a flat row, which share their upper bits. */
const LEVELS = 32;
/** So far below the peak that an exponential of the difference vanishes; its own does not. */
const FAR = -80;

type Form = 'high' | 'low' | 'lone' | 'last' | 'equal' | 'above' | 'flat';

/**
 * `high`, `low`: one peak among ordinary elements, above or below them.
 * `lone`, `last`: one peak beside -inf alone, anywhere or in the last vector. A maximum that leaves it out is -inf, and so is one
 * that adds to it what belongs to its neighbour; else only what cancels would be another.
 * `equal`, `above`: two peaks, the second as large as the first or one unit of the last place larger. An element that is misread
 * in one pass of several is one of two that are likely, not one of many.
 * `flat`: numbers that are next to each other, all likely, few of them large. A cut runs through all digits of a key and of a
 * position, and a bin or a sum of one that is wrong moves it past elements that count.
 */
const FORMS: readonly Form[] = ['high', 'low', 'lone', 'equal', 'flat', 'above', 'last', 'flat'];

const formOf = (row: number): Form => FORMS[(row + Math.floor(row / FORMS.length)) % FORMS.length]!;

/** Whether a row has no ordinary elements: its integers are alike then, so that they move all of it by as much. */
export const isBare = (row: number): boolean => !['high', 'low'].includes(formOf(row));

/** An element of a row of which one is larger than all others: in even rows above them, in odd ones below. */
export const peaked = (row: number, at: number, rows: Rows, ordinary: number): number =>
  at !== spread(row, rows) ? ordinary : row % 2 === 0 ? PEAK : -PEAK;

/** The same of a row that is weighed. */
export function weighedPeak(row: number, at: number, rows: Rows, ordinary: number): number {
  const { length } = rows;
  const first = spread(row, rows);
  // In the other half of the row, at another place of a vector.
  const second = (first + (Math.floor(length / 2) | 1)) % length;
  const beside = (other: number): number => (at === first ? PEAK : at === second ? other : FAR);
  switch (formOf(row)) {
    case 'high':
      return at === first ? PEAK : ordinary;
    case 'low':
      return at === first ? -PEAK : ordinary;
    case 'lone':
      return at === first ? PEAK : -Infinity;
    case 'last':
      return at === length - 1 - (row % Math.min(FORMS.length, length)) ? PEAK : -Infinity;
    case 'equal':
      return beside(PEAK);
    case 'above':
      return beside(PEAK + STEP);
    case 'flat':
      return flat(row, ordinary);
  }
}

/** Below 0 in every other eight rows: lower bits of a key are the other way round there. */
function flat(row: number, ordinary: number): number {
  const level = STEP * Math.min(LEVELS - 1, Math.floor(Math.abs(ordinary) * 4));
  return Math.floor(row / FORMS.length) % 2 === 0 ? PEAK + level : level - PEAK - STEP * (LEVELS - 1);
}
