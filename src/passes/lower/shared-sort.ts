/**
 * Keys and positions in shared memory -> in order: the largest key first, of equal keys the lower position.
 *
 * A bitonic network (K. E. Batcher, Sorting networks and their applications, 1968): runs of 2, 4, 8, ... elements, every other one
 * backwards, are made one run by comparing what lies half a run apart, then a quarter, and so on. Of pairs that are at most 32
 * apart a warp's lie within 64 elements of its own, so that only the warp has to meet.
 */

import { all, arith, compare, i32, name, type Statement, type TileExpr } from '../../ir/tile.js';
import { bits, either, NOWHERE, TAKEN } from './integers.js';
import type { Names } from './names.js';
import { choose, fresh, read, write } from './scalars.js';

/** Two regions of i32, as long as each other. */
export interface Sortable {
  readonly keys: string;
  readonly places: string;
  /** Elements: a power of two. */
  readonly room: number;
}

/** Elements a row's sort needs room for. */
export const roomFor = (elements: number): number => 2 ** Math.max(1, Math.ceil(Math.log2(elements)));

/** Fills what is left of the room with what comes last. */
export function fillRest(
  names: Names,
  { keys, places, room }: Sortable,
  elements: number,
  threads: number,
): readonly Statement[] {
  if (elements === room) return [];
  const index = fresh(names, 'rest');
  return [
    loop(index.name, arith('+', i32(elements), name('thread', 'i32')), i32(room), threads, [
      write(keys, index, i32(TAKEN)),
      write(places, index, i32(NOWHERE)),
    ]),
  ];
}

/** The statements; before and after them the CTA has to meet. */
export function sortShared(names: Names, sortable: Sortable, threads: number): readonly Statement[] {
  const { room } = sortable;
  const [merge, back, reach, pair] = ['merge', 'back', 'reach', 'pair'].map((wanted) =>
    fresh(names, wanted),
  ) as [Named, Named, Named, Named];
  const far = either(
    compare('>', reach, i32(32)),
    all([compare('==', reach, i32(32)), compare('>', merge, i32(5))])!,
  );
  const step: readonly Statement[] = [
    { kind: 'let', name: reach.name, value: bits('<<', i32(1), arith('-', merge, back)) },
    { kind: 'if', condition: far, then: [{ kind: 'barrier' }], otherwise: [{ kind: 'warp-barrier' }] },
    loop(
      pair.name,
      name('thread', 'i32'),
      i32(room / 2),
      threads,
      compareAndSwap(names, sortable, merge, reach, pair),
    ),
  ];
  return [
    {
      ...loop(merge.name, i32(0), i32(Math.log2(room)), 1, [
        loop(back.name, i32(0), arith('+', merge, i32(1)), 1, step),
      ]),
      comment: 'runs of 2, 4, 8, ... elements in order, every other one backwards',
    },
  ];
}

type Named = TileExpr & { readonly kind: 'name' };

function compareAndSwap(
  names: Names,
  { keys, places }: Sortable,
  merge: TileExpr,
  reach: TileExpr,
  pair: TileExpr,
): readonly Statement[] {
  const wanted = ['low', 'high', 'low_key', 'high_key', 'low_place', 'high_place', 'later', 'backwards'];
  const [low, high, lowKey, highKey, lowPlace, highPlace, later, backwards] = wanted.map((each) =>
    fresh(names, each),
  ) as [Named, Named, Named, Named, Named, Named, Named, Named];
  const inRun = bits('&', pair, arith('-', reach, i32(1)));
  const leads = either(
    compare('>', highKey, lowKey),
    all([compare('==', highKey, lowKey), compare('<', highPlace, lowPlace)])!,
  );
  const value = (to: Named, from: TileExpr): Statement => ({ kind: 'let', name: to.name, value: from });
  return [
    value(low, arith('-', arith('*', i32(2), pair), inRun)),
    value(high, arith('+', low, reach)),
    value(lowKey, read(keys, low)),
    value(highKey, read(keys, high)),
    value(lowPlace, read(places, low)),
    value(highPlace, read(places, high)),
    value(later, choose(leads, i32(1), i32(0))),
    value(backwards, bits('&', bits('>>', low, arith('+', merge, i32(1))), i32(1))),
    {
      kind: 'if',
      condition: compare('!=', later, backwards),
      then: [
        write(keys, low, highKey),
        write(keys, high, lowKey),
        write(places, low, highPlace),
        write(places, high, lowPlace),
      ],
    },
  ];
}

const loop = (
  variable: string,
  begin: TileExpr,
  end: TileExpr,
  step: number,
  body: readonly Statement[],
): Statement & { kind: 'loop' } => ({ kind: 'loop', variable, begin, end, step: i32(step), unroll: 1, body });
