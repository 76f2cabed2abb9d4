/** Which selections are taken by one warp in rounds, which by sorting the whole row, and which from what a cut leaves of it. */

/** Elements of a row that one warp holds: 32 a thread. */
export const MOST_SHORT = 1024;
/** Rounds of a warp that cost less than sorting. */
const MOST_ROUNDS = 64;
/** Elements that are sorted in shared memory. */
const MOST_SORTED = 8192;
/** Elements that a cut may leave. */
const MOST_SELECTED = 2048;
/** A cut is worth its passes where it leaves out this many elements for each that stays. */
const WORTH_A_CUT = 4;

export const inRounds = (extent: number, slots: number): boolean =>
  extent <= MOST_SHORT && slots <= MOST_ROUNDS;

/** Of rows that are not taken in rounds. */
export const sortsWhole = (extent: number, slots: number): boolean =>
  extent <= MOST_SHORT || (extent <= MOST_SORTED && slots * WORTH_A_CUT > extent);

/** The most elements that may be selected from a row of more than a warp holds. */
export const mostSelected = (extent: number): number => (extent <= MOST_SORTED ? MOST_SORTED : MOST_SELECTED);
