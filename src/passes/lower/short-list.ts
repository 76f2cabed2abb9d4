/**
 * Where the leading elements end among few: a warp compares an entry of a list with every other one.
 *
 * That takes no bins and meets no other CTA, so the lists of a cluster's CTAs are brought together first, in each of them.
 */

import {
  arith,
  compare,
  guarded,
  i32,
  literal,
  name,
  wide,
  type Statement,
  type TileExpr,
} from '../../ir/tile.js';
import { foundIn, ZERO, type Workspace } from './cut-workspace.js';
import { bits, castI32, NOWHERE, overWarp, TAKEN, typed } from './integers.js';
import { HALF } from './mass-bins.js';
import { choose, read, write, type Variable } from './scalars.js';
import type { SectionContext } from './section-context.js';

const WARP = 32;

/** Entries of a list that is short: comparing all pairs costs as their square. */
export const SHORT = 128;

/** Makes a short list whole in every CTA. `together` is a new variable: the entries of the cluster's lists, or of the CTA's own. */
export function gatherList(
  { lanes }: SectionContext,
  space: Workspace,
  masses: boolean,
  together: string,
): Statement {
  const { cluster, threads } = lanes;
  const { keys, places, count } = space;
  if (cluster === 1) return { kind: 'let', name: together, value: read(count, i32(0)) };
  const parts = [keys, places, ...(masses ? [space.masses] : [])];
  return { kind: 'gather-list', name: together, parts, count, most: SHORT, cluster, threads };
}

/** Assigns the key and the position with which a count, or a sum of masses, reaches `wanted` (i64). */
export function cutShort(
  { names, lanes }: SectionContext,
  space: Workspace,
  length: TileExpr,
  { wanted, masses }: { readonly wanted: TileExpr; readonly masses: boolean },
  cut: { readonly key: string; readonly end: string },
): readonly Statement[] {
  const i32Name = (what: string) => name(names.fresh(what), 'i32') as Variable;
  const [entry, key, place, other] = [
    i32Name('entry'),
    i32Name('own_key'),
    i32Name('own_place'),
    i32Name('other'),
  ];
  const [lane, warp] = [
    arith('%', name('thread', 'i32'), i32(WARP)),
    arith('/', name('thread', 'i32'), i32(WARP)),
  ];
  const theirs = read(space.keys, other);
  const isLower = compare('<', read(space.places, other), place);
  const isLowerEqual = bits('&&', compare('==', theirs, key), isLower, 'bool');
  const isAhead = bits('||', compare('>', theirs, key), isLowerEqual, 'bool');
  // Sums of halves of masses stay within a word.
  const parts = (of: TileExpr): readonly TileExpr[] =>
    masses ? [bits('>>', of, i32(HALF)), bits('&', of, i32(2 ** HALF - 1))] : [i32(1)];
  const mass = (at: TileExpr) => (masses ? read(space.masses, at) : i32(1));
  const sums = parts(i32(0)).map(() => i32Name('ahead'));
  const added = parts(mass(other)).map((part, i): Statement => ({
    kind: 'assign',
    name: sums[i]!.name,
    value: arith('+', sums[i]!, choose(isAhead, part, i32(0))),
  }));
  const total = sums
    .map((sum): TileExpr => wide(overWarp('sum', sum)))
    .reduce((upper, lower) => bits('+', bits('<<', upper, literal(HALF, 'i64'), 'i64'), lower, 'i64'));
  const before = names.fresh('before');
  const reached = name(before, 'i64');
  const found = (at: number, value: TileExpr): Statement => write(space.found, i32(at), wide(value));
  const isIt = [
    compare('==', lane, i32(0)),
    compare('<', reached, wanted),
    compare('>=', bits('+', reached, wide(mass(entry)), 'i64'), wanted),
  ].reduce((left, right) => bits('&&', left, right, 'bool'));
  const search: Statement = {
    kind: 'loop',
    variable: entry.name,
    begin: warp,
    end: length,
    step: i32(lanes.threads / WARP),
    unroll: 1,
    body: [
      { kind: 'let', name: key.name, value: read(space.keys, entry) },
      { kind: 'let', name: place.name, value: read(space.places, entry) },
      ...sums.map((sum): Statement => ({ kind: 'let', name: sum.name, value: typed(i32(0)) })),
      {
        kind: 'loop',
        variable: other.name,
        begin: lane,
        end: length,
        step: i32(WARP),
        unroll: 1,
        body: added,
      },
      { kind: 'let', name: before, value: total, comment: 'of the entries ahead of this one' },
      { kind: 'if', condition: isIt, then: [found(0, key), found(1, place), found(2, i32(1))] },
    ],
  };
  const some = compare('>', foundIn(space, 2), ZERO);
  const assign = (to: string, at: 0 | 1, otherwise: number): Statement => ({
    kind: 'assign',
    name: to,
    value: choose(some, castI32(foundIn(space, at)), i32(otherwise)),
  });
  return [
    ...guarded(
      compare('==', name('thread', 'i32'), i32(0)),
      [0, 1, 2].map((at) => found(at, i32(0))),
    ),
    { kind: 'barrier' },
    search,
    { kind: 'barrier' },
    // Where it is never reached, all lead.
    assign(cut.key, 0, TAKEN),
    assign(cut.end, 1, NOWHERE),
  ];
}
