/**
 * Which integers a layout reaches: whether it reaches one twice, and whether it leaves any out.
 *
 * A layout overlaps itself where steps e along its modes, not all zero and each shorter than its extent, cancel:
 * the sum of e * stride is 0. Modes sorted by stride settle the usual cases at once whatever the extents are: where each
 * stride is beyond what all smaller ones reach together, nothing cancels. What is left is searched from the largest
 * stride down, cutting off steps that the smaller strides cannot make up for.
 */
import { type Coordinate, idx2crd } from './coordinate.js';
import { gcd, layoutError } from './integer.js';
import {
  type Layout,
  type Mode,
  cosize,
  evaluate,
  formatLayout,
  reach,
  risingModes,
  size,
} from './layout.js';

/** Two coordinates of the layout's nesting, and the integer that both are taken to. */
export interface Overlap {
  readonly first: Coordinate;
  readonly second: Coordinate;
  readonly offset: number;
}

/** Steps of the search before it gives up; sorted strides need none, near-regular layouts a few per mode. */
const SEARCH_LIMIT = 1_000_000;

/**
 * Two different coordinates that the layout takes to one integer, or undefined where there are none.
 *
 * @throws LAYOUT_INVALID where the search gives up, which only irregular strides with huge extents bring about.
 */
export function findOverlap(layout: Layout): Overlap | undefined {
  const falling = risingModes(layout).reverse();
  if (falling.every(({ stride }, i) => stride > reach(falling.slice(i + 1)))) return undefined;
  const steps = falling.some(({ stride }) => stride === 0)
    ? falling.map(({ stride }) => (stride === 0 ? 1 : 0))
    : cancellingSteps(falling, layout);
  if (!steps) return undefined;
  // The steps forward lead from one coordinate to the meeting point, those back from the other.
  const coordinate = (sign: 1 | -1): Coordinate =>
    idx2crd(
      falling.reduce((sum, { index }, i) => sum + Math.max(0, sign * steps[i]!) * index, 0),
      layout.shape,
    );
  const first = coordinate(1);
  const second = coordinate(-1);
  return { first, second, offset: evaluate(layout, first) };
}

/** Whether different coordinates give different integers. @throws LAYOUT_INVALID as `findOverlap` does. */
export function isInjective(layout: Layout): boolean {
  return findOverlap(layout) === undefined;
}

/** Whether the layout reaches every integer below its cosize. Decided from sorted strides alone. */
export function isContiguous(layout: Layout): boolean {
  const rising = risingModes(layout);
  // The first integer that a sorted prefix misses is reached by no larger stride.
  return rising.every(({ stride }, i) => stride <= reach(rising.slice(0, i)) + 1);
}

/** Whether the layout reaches every integer below its size exactly once. Decided from sorted strides alone. */
export function isCompact(layout: Layout): boolean {
  return size(layout) === cosize(layout) && isContiguous(layout);
}

/** Steps along the modes, by falling stride and none 0, whose offsets cancel; the first that moves is positive. */
function cancellingSteps(modes: readonly Mode[], layout: Layout): number[] | undefined {
  const suffixes = [...modes, undefined].map((_, k) => modes.slice(k));
  const reaches = suffixes.map(reach);
  const divisors = suffixes.map((suffix) => suffix.reduce((g, { stride }) => gcd(g, stride), 0));
  const steps = modes.map(() => 0);
  let tried = 0;

  /** Whether steps along modes k and on make up `wanted`; `moved` where a step above is not 0. */
  const search = (k: number, wanted: number, moved: boolean): boolean => {
    if (wanted === 0 && moved) return true;
    if (k === modes.length || Math.abs(wanted) > reaches[k]!) return false;
    const { extent, stride } = modes[k]!;
    const below = reaches[k + 1]!;
    const divisor = divisors[k + 1]!;
    // Of the steps that leave a multiple of the divisor below, each is `cycle` after the last.
    const cycle = divisor === 0 ? 1 : divisor / gcd(divisor, stride);
    const last = Math.min(extent - 1, Math.floor((wanted + below) / stride));
    let step = Math.max(moved ? 1 - extent : 0, Math.ceil((wanted - below) / stride));
    while (step <= last) {
      if (++tried > SEARCH_LIMIT) throw undecided(layout);
      const rest = wanted - step * stride;
      const possible = divisor === 0 || rest % divisor === 0;
      if (possible && search(k + 1, rest, moved || step !== 0)) {
        steps[k] = step;
        return true;
      }
      step += possible ? cycle : 1;
    }
    return false;
  };
  return search(0, 0, false) ? steps : undefined;
}

function undecided(layout: Layout): Error {
  return layoutError(
    'cannot decide whether the layout overlaps itself',
    `${formatLayout(layout)}, after ${SEARCH_LIMIT} steps`,
    'each stride beyond the reach of all smaller ones, or smaller extents',
    'give the layout nested strides',
  );
}
