/** Samples -> what is reported of them. */

/** In the unit of the samples. */
export interface Spread {
  readonly median: number;
  /** Below it lies a tenth of the samples, and above `high` another. */
  readonly low: number;
  readonly high: number;
  readonly samples: number;
}

export function spreadOf(samples: readonly number[]): Spread {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number): number =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!);
  return { median: at(0.5), low: at(0.1), high: at(0.9), samples: samples.length };
}

/** Geometric mean; NaN of nothing. */
export const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

/** Four significant digits: more is noise. */
export const round = (value: number): number => Number(value.toPrecision(4));
