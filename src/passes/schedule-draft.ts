/** What one section asks of the schedule that it shares with the others of its kernel. */

import type { Residency, Section, Streams } from '../ir/kernel.js';

export interface Draft {
  readonly section: Section;
  readonly threadsPerRow: number;
  /** See `SectionSchedule`. */
  readonly threadsPerBlock?: number;
  /** Whether the lanes can share this many threads; absent: any. */
  readonly fits?: (threads: number) => boolean;
  readonly vector: number;
  readonly cluster: number;
  readonly residency: Residency;
  readonly align: ReadonlyMap<string, number>;
  readonly reasons: readonly string[];
  /** CTAs on an SM that the assembler must leave registers for. */
  readonly minBlocks?: number;
  /** Tiles of a long row whose loads are in flight together. */
  readonly steps?: number;
  /** Cache hints of a row that is read once. */
  readonly streams?: Streams;
  /** See `SectionSchedule`. */
  readonly split?: boolean;
}
