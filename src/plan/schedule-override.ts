/** Choices of a schedule that a tuning run found better than the default; what is absent the compiler chooses. */

export interface ScheduleOverride {
  readonly threadsPerRow?: number;
  /** Threads of a CTA. */
  readonly threads?: number;
  /** Elements a thread moves at once; never more than alignment allows. */
  readonly vector?: number;
  /** Elements of the pieces that a long row without reductions is cut in. */
  readonly chunk?: number;
  /** CTAs that share a row. */
  readonly cluster?: number;
  /** Where values that more than one pass over the row needs are kept. */
  readonly residency?: 'registers' | 'shared' | 'reload';
  /** A persistent grid with this many CTAs on an SM; absent: one CTA for each tile of rows. */
  readonly ctasPerSm?: number;
}
