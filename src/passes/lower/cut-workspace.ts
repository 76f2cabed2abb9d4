/** Shared memory that all cuts of a section use: bins, what is found in them, and a list of each CTA's elements. */

import { arith, i32, literal, name, type Statement, type TileExpr } from '../../ir/tile.js';
import { typed } from './integers.js';
import type { SectionContext } from './section-context.js';

/** Bins of a phase: for masses of two words each. */
export const BINS = 2048;
/** Elements of a CTA's list. */
export const LIST = 1024;

export interface Workspace {
  /** (2 phases, 2 words, bins) i32. */
  readonly bins: string;
  /** (warps) i64: partial sums of a CTA. */
  readonly sums: string;
  /** (bin, sum before it, sum of it) i64. */
  readonly found: string;
  /** (1) i64: what a CTA shows to its cluster. */
  readonly share: string;
  /** (list) i32: keys and positions of the elements in the CTA's list, in no order. */
  readonly keys: string;
  readonly places: string;
  /** (list) i32: their masses; empty where no cut is by mass. */
  readonly masses: string;
  /** (1) i32: elements that were to go in the list: more than it holds where it is not complete. */
  readonly count: string;
  /** Variable: the phase whose bins are empty. */
  readonly phase: string;
}

/** Declares the workspace, with all bins empty. */
export function makeWorkspace(context: SectionContext): Workspace {
  const { names, shared, row, lanes, section, unrolled } = context;
  const region = (wanted: string, dtype: 'i32' | 'i64', elements: number): string => {
    const fresh = names.fresh(wanted);
    shared.push({ name: fresh, dtype, elements, align: 16 });
    return fresh;
  };
  const weighted = section.values.some((value) => value.kind === 'cut' && value.weight !== undefined);
  const space: Workspace = {
    bins: region('s_bins', 'i32', 4 * BINS),
    sums: region('s_sums', 'i64', lanes.threads / 32),
    found: region('s_found', 'i64', 4),
    share: region('s_share', 'i64', 2),
    keys: region('s_keys', 'i32', LIST),
    places: region('s_places', 'i32', LIST),
    masses: weighted ? region('s_masses', 'i32', LIST) : '',
    count: region('s_count', 'i32', 4),
    phase: names.fresh('phase'),
  };
  const variable = names.fresh('part');
  unrolled.add(variable);
  const index = arith('+', name('thread', 'i32'), arith('*', name(variable, 'i32'), i32(lanes.threads)));
  const clear: Statement = { kind: 'store', to: space.bins, at: [{ kind: 'at', index }], value: i32(0) };
  row.push(
    { kind: 'let', name: space.phase, value: typed(i32(0)) },
    { kind: 'unroll', variable, extent: (4 * BINS) / lanes.threads, body: [clear] },
    { kind: 'barrier' },
  );
  return space;
}

/** Part `at` of what the last search found. */
export const foundIn = (space: Workspace, at: 0 | 1 | 2): TileExpr => ({
  kind: 'element',
  of: space.found,
  at: [{ kind: 'at', index: i32(at) }],
  dtype: 'i64',
  width: 0,
});

/** No element, and no mass. */
export const ZERO = literal(0, 'i64');

/** What `body` does for each entry of the CTA's list that is this thread's. */
export function overList(
  context: SectionContext,
  count: TileExpr,
  body: (entry: TileExpr) => readonly Statement[],
): Statement {
  const entry = context.names.fresh('entry');
  return {
    kind: 'loop',
    variable: entry,
    begin: name('thread', 'i32'),
    end: count,
    step: i32(context.lanes.threads),
    unroll: 1,
    body: body(name(entry, 'i32')),
  };
}
