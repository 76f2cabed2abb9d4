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
  /** CTAs on an SM that the assembler must leave registers for; 0: it aims at full occupancy. */
  readonly minBlocks?: number;
  /**
   * Which accesses to memory that a kernel touches once say so: `loads`, `stores` and `all` leave the caches first
   * (L1::evict_first); `no-allocate` loads past the L1 (L1::no_allocate) and stores as `all`. Absent: none.
   */
  readonly streams?: 'loads' | 'stores' | 'all' | 'no-allocate';
  /**
   * What is done before the wait for the previous kernel (dependent launch): `prefetch` asks the L2 for the row's inputs, `signal`
   * lets the next kernel start, `both`, or `none`.
   */
  readonly ahead?: 'none' | 'prefetch' | 'signal' | 'both';
  /** Most positions of a static row axis, such as heads, that the same threads handle together. */
  readonly walk?: number;
  /** Positions of a walked range, or tiles of a long row, whose loads are in flight together. */
  readonly steps?: number;
}
