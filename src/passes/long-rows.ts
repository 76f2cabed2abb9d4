/** Which selections are taken by one warp in rounds, which by sorting the whole row, and which from what a cut leaves of it. */

import type { Section, Target } from '../ir/kernel.js';

/** Elements of a row that one warp holds: 32 a thread, or 128 where a key and its position share a register. */
const MOST_HELD = { apart: 1024, together: 4096 };
/** Rounds of a warp that cost less than sorting. */
const MOST_ROUNDS = 64;
/**
 * Steps of all rounds, of which each looks at every element, where a warp holds more than 1024: timed on an H200, 2026-11-24, bf16, cold,
 * us for 8 and 32 of 4096: of 4096 rows 19.6 and 53.2, from what a cut leaves 140.6 and 165.7; of one row 4.5 and 11.7, and
 * 4.5 and 5.2.
 */
const MOST_STEPS = { decode: 8 * MOST_HELD.together, prefill: 32 * MOST_HELD.together };
/** Elements that are sorted in shared memory. */
export const MOST_SORTED = 8192;
/** Elements that a cut may leave. */
const MOST_SELECTED = 2048;
/** A cut is worth its passes where it leaves out this many elements for each that stays. */
const WORTH_A_CUT = 4;

/** Elements of a row that a warp holds and selects from. */
export const mostHeld = (section: Section): number =>
  MOST_HELD[keysHoldPositions(section) ? 'together' : 'apart'];

export const inRounds = (section: Section, extent: number, slots: number, { phase }: Target): boolean =>
  extent <= mostHeld(section) &&
  slots <= MOST_ROUNDS &&
  (extent <= MOST_HELD.apart || slots * extent <= MOST_STEPS[phase]);

/** Whether keys hold positions: values that fit in bf16 leave the low half of a key free, where all of them may be selected. */
export function keysHoldPositions({ values }: Section): boolean {
  return values.every((value) => {
    if (value.kind !== 'top') return true;
    if (value.allowed !== undefined) return false;
    const operand = values[value.operand]!;
    return operand.kind === 'cast' && values[operand.operand]!.dtype === 'bf16';
  });
}

/** Of rows that are not taken in rounds. */
export const sortsWhole = (extent: number, slots: number): boolean =>
  extent <= MOST_HELD.apart || (extent <= MOST_SORTED && slots * WORTH_A_CUT > extent);

/** The most elements that may be selected from a row of more than a warp holds. */
export const mostSelected = (extent: number): number => (extent <= MOST_SORTED ? MOST_SORTED : MOST_SELECTED);
