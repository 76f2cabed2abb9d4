/** Input values that show a kernel's faults: ordinary ones, and rows of extremes. */

import type { BoundTensor, Dtype, Usual } from '../spec/index.js';
import { isBare, peaked, weighedPeak } from './peaks.js';
import { isPoisoned, rowsOf, spread, type Rows } from './places.js';
import type { Random } from './random.js';
import { roundTo } from './reference/index.js';

/**
 * `extreme`: rows of extremes in turn. `poisoned`: ordinary rows with one NaN each, at places spread over the row, and weights
 * so small that the rows decide which of their elements is the largest. `peaked`: rows with one peak or two. `weights`: one NaN
 * in each weight.
 */
export type Pattern = 'normal' | 'extreme' | 'poisoned' | 'peaked' | 'weights';

interface Limits {
  readonly max: number;
  readonly tiny: number;
  readonly infinite: boolean;
  readonly nan: boolean;
}

const LIMITS: Readonly<Partial<Record<Dtype, Limits>>> = {
  f32: { max: 3.4028234663852886e38, tiny: 2 ** -149, infinite: true, nan: true },
  bf16: { max: 3.3895313892515355e38, tiny: 2 ** -133, infinite: true, nan: true },
  f16: { max: 65504, tiny: 2 ** -24, infinite: true, nan: true },
  e4m3: { max: 448, tiny: 2 ** -9, infinite: false, nan: true },
  e5m2: { max: 57344, tiny: 2 ** -16, infinite: true, nan: true },
};

export interface Among {
  /** The tensor's place among its kernel's: in the first rows all tensors have the same extreme, in later ones each another. */
  readonly ordinal: number;
  /** Neighbouring rows that have the same extreme: those that a range takes together. */
  readonly alike?: number;
  /** Which place of a weight has its NaN. */
  readonly slot?: number;
  /** Whether the formula weighs the elements of a row against each other. */
  readonly weighed?: boolean;
}

/** Values of a tensor that is no index: row-major, representable in its dtype. */
export function dataOf(
  tensor: BoundTensor,
  shape: readonly number[],
  pattern: Pattern,
  random: Random,
  { ordinal, alike = 1, slot = 0, weighed = false }: Among,
): Float64Array {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const { dtype } = tensor;
  const limits = LIMITS[dtype];
  const rows = rowsOf(tensor, shape);
  const any = limits ? () => ordinary(dtype, random) : () => integer(dtype, random);
  const values = Float64Array.from({ length: size }, (_, i) =>
    tensor.usual && isUsual(i, rows) ? within(tensor.usual, dtype, random) : any(),
  );
  if (pattern === 'normal') return values;
  if (!rows) {
    if (limits && !tensor.usual && pattern === 'poisoned')
      return values.map((value) => roundTo(value * SMALL, dtype, 'rn', true));
    if (limits?.nan && pattern === 'weights') values[spread(slot, { count: SLOTS, length: size })] = NaN;
    return values;
  }
  const rowAt = (i: number): number => Math.floor(i / rows.length) % rows.count;
  if (!limits)
    return weighed && pattern === 'peaked' && rows.length > 1
      ? values.map((value, i) => (isBare(rowAt(i)) ? alikeIn(tensor, values[i - (i % rows.length)]!) : value))
      : values;
  if (pattern === 'weights') return values;
  // One number a row that usually is within bounds is no element among others.
  if (tensor.usual && rows.length === 1 && pattern !== 'extreme') return values;
  const peak = weighed ? weighedPeak : peaked;
  return values.map((value, i) => {
    const row = Math.floor(rowAt(i) / alike);
    const at = i % rows.length;
    const kind = row + Math.floor(row / EXTREMES) * 3 * ordinal;
    const special =
      pattern === 'extreme'
        ? extreme(row, kind, at, rows.length, limits, value)
        : pattern === 'peaked'
          ? peak(row, at, rows, value)
          : limits.nan && isPoisoned(row, at, rows)
            ? NaN
            : value;
    return roundTo(special, dtype, 'rn', !limits.infinite);
  });
}

/** Makes weights small: a bias as large as the rest would keep one order in all rows, and a NaN test of a neighbour's element hidden. */
const SMALL = 2 ** -6;

/** What all integers of a row are: as a mask that allows all, or a count of nothing, where that is usual; else as the first one. */
const alikeIn = ({ usual }: BoundTensor, first: number): number =>
  [-1, 0].find((neutral) => usual && usual[0] <= neutral && neutral <= usual[1]) ?? first;

/** Two rows of three have what is usual of all tensors, the others anything. */
function isUsual(i: number, rows: Rows | undefined): boolean {
  return !rows || (Math.floor(i / rows.length) % rows.count) % 3 !== 2;
}

function within([least, largest]: Usual, dtype: Dtype, random: Random): number {
  if (!LIMITS[dtype]) return least + random.below(largest - least + 1);
  return roundTo(least + random.next() * (largest - least), dtype, 'rn', true);
}

/** Magnitudes over seven binades around 2, so that sums round and products spread. */
function ordinary(dtype: Dtype, random: Random): number {
  return roundTo(random.normal() * 2 ** (random.below(4) - 1), dtype, 'rn', true);
}

function integer(dtype: Dtype, random: Random): number {
  switch (dtype) {
    case 'bool':
      return random.below(2);
    case 'u8':
      return random.below(256);
    case 'i8':
      return random.below(256) - 128;
    default:
      return random.below(2001) - 1000;
  }
}

/** Rows of extremes come in turn. */
export const EXTREMES = 14;

/** `row` decides where in a row its one special element is. */
function extreme(
  row: number,
  kind: number,
  at: number,
  length: number,
  limits: Limits,
  ordinaryValue: number,
): number {
  const place = (row * 37 + 5) % length;
  switch (kind % EXTREMES) {
    case 0:
      return 0;
    case 1:
      return at % 2 === 0 ? 0 : -0;
    case 2:
      return at % 2 === 0 ? limits.max : -limits.max;
    case 3:
      return ordinaryValue < 0 ? -limits.tiny : limits.tiny;
    case 4:
      return at === place && limits.infinite ? Infinity : ordinaryValue;
    case 5:
      return at === place && limits.infinite ? -Infinity : ordinaryValue;
    case 6:
      return at === place && limits.nan ? NaN : ordinaryValue;
    case 7:
      return 1.5;
    case 8:
      return ordinaryValue * 2 ** ((at % 24) - 12);
    case 9:
      return at === length - 1 ? Math.min(limits.max, 300) : 0;
    case 10:
      // Exponentials of these vanish, unless the largest of the row is taken off first.
      return -200 - Math.abs(ordinaryValue);
    case 11:
      return 16 + Math.abs(ordinaryValue);
    case 12:
      return ordinaryValue * 2 ** -30;
    default:
      // So small that the least divisor a formula allows takes over.
      return ordinaryValue * 2 ** -60;
  }
}

/** Places of a weight that get their NaN in turn. */
export const SLOTS = 48;
