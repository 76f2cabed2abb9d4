/** Times of candidates -> the one to keep, if any. */

/** Microseconds by id, by rows. */
export type Timings = ReadonlyMap<number, ReadonlyMap<string, number>>;

/** A schedule that is not this much faster, in the geometric mean over the rows, is no better than noise. */
export const LEAST_GAIN = 1.02;

/**
 * The candidate with the largest geometric mean of own time by its time, provided that it is slower than the compiler's own
 * schedule at no number of rows and faster by `LEAST_GAIN` overall. Undefined: the compiler's own stays.
 */
export function decide(own: string, timings: Timings): string | undefined {
  const rows = [...timings.values()];
  const ids = new Set(rows.flatMap((times) => [...times.keys()]));
  ids.delete(own);
  let best: string | undefined;
  let bestGain = LEAST_GAIN;
  for (const id of ids) {
    const ratios = rows.map((times) => times.get(own)! / (times.get(id) ?? Infinity));
    if (ratios.some((ratio) => !(ratio >= 1))) continue;
    const gain = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
    if (gain >= bestGain) [best, bestGain] = [id, gain];
  }
  return best;
}
