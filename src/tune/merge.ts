/** Entries of a tuning run -> a tuning file, or one that was there with these in place of its own. */

import { TUNING_SCHEMA, type TuningFile } from '../plan/index.js';
import type { TaskReport } from './tune.js';

/** A variant that was measured and whose own schedule is best loses its entry. */
export function mergeTuning(before: TuningFile | undefined, reports: readonly TaskReport[]): TuningFile {
  const measured = new Set(reports.map(({ variant }) => variant));
  const entries = [
    ...(before?.entries.filter(({ variant }) => !measured.has(variant)) ?? []),
    ...reports.flatMap(({ entry }) => (entry ? [entry] : [])),
  ];
  return {
    schema: TUNING_SCHEMA,
    entries: entries.sort((a, b) => (a.variant < b.variant ? -1 : a.variant > b.variant ? 1 : 0)),
  };
}
