/**
 * Masses in bins of 32 bits: two words a bin, whose sum is exact whatever order masses are added in.
 *
 * A mass has 28 bits. Of a row of up to 2^18 elements, an upper and a lower half of 14 bits each are added up: of so many neither sum
 * leaves its word. Of a longer row the lower word adds up whole masses modulo 2^32, and the upper one counts how often that wrapped.
 */

import { arith, compare, guarded, i32, name, type Statement, type TileExpr } from '../../ir/tile.js';
import { BINS } from './cut-workspace.js';
import { bits, flipped } from './integers.js';

/** Bits of the lower half of a mass. */
export const HALF = 14;
/** Elements whose halves add up in a word. */
const MOST_HALVES = 2 ** (32 - HALF);
/** Bits of a word. */
const WORD = 32;

/** How many bits the upper word of a bin stands above the lower one, in a row of `extent` elements. */
export const upperShift = (extent: number): number => (extent <= MOST_HALVES ? HALF : WORD);

/** Adds a mass to the bin whose lower word is `BINS` behind the upper one at `index`; `before` is a free name. */
export function addMass(
  to: string,
  index: TileExpr,
  mass: TileExpr,
  extent: number,
  before: () => string,
): readonly Statement[] {
  const upper = (value: TileExpr): Statement => ({ kind: 'shared-add', to, index, value });
  const lower = (value: TileExpr, result?: string): Statement => ({
    kind: 'shared-add',
    to,
    index: arith('+', index, i32(BINS)),
    value,
    ...(result !== undefined && { result }),
  });
  if (upperShift(extent) === HALF)
    return [upper(bits('>>', mass, i32(HALF))), lower(bits('&', mass, i32(2 ** HALF - 1)))];
  const old = before();
  // As unsigned words: old + mass >= 2^32 where old > ~mass.
  const wraps = compare('>', flipped(name(old, 'i32')), bits('^', mass, i32(2 ** 31 - 1)));
  return [lower(mass, old), ...guarded(wraps, [upper(i32(1))])];
}
