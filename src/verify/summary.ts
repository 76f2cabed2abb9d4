/** A verdict in numbers. */

import type { CaseResult } from './types.js';

/** Largest distance of an output element from the reference in any case, in units of the last place. */
export const worstUlp = (cases: readonly CaseResult[]): number =>
  Math.max(0, ...cases.map((each) => each.worstUlp));
