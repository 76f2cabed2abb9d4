/**
 * Keys in registers -> the largest that is left, and the lowest position that has it, where the least of integers is put.
 *
 * What a selection, or a cut of blocks, does in each round.
 */

import { arith, compare, i32, name, type Statement, type TileExpr } from '../../ir/tile.js';
import { NOWHERE, TAKEN } from './integers.js';
import { at, choose, extreme, read } from './scalars.js';

/** The registers of a thread that a round looks at, and the threads that look together. */
export interface KeySet {
  readonly keys: string;
  readonly elements: number;
  /** Register of element `element`, and its position in the row; elements are in the order of their positions. */
  register(element: TileExpr): TileExpr;
  position(element: TileExpr): TileExpr;
  /** The extreme of a number over the threads. */
  overThreads(fn: 'max' | 'min', operand: TileExpr): TileExpr;
  /** A loop over the elements, written out. */
  each(body: (element: TileExpr) => readonly Statement[]): Statement;
}

/** Leaves the key in a new variable `best` and the position in `found`. */
export function takeNext(set: KeySet, best: string, found: string): readonly Statement[] {
  const [largest, position] = [name(best, 'i32'), name(found, 'i32')];
  const key = (element: TileExpr) => read(set.keys, set.register(element));
  return [
    { kind: 'let', name: best, value: i32(TAKEN), comment: 'the largest key that is left' },
    set.each((element) => [{ kind: 'assign', name: best, value: extreme('max', largest, key(element)) }]),
    { kind: 'assign', name: best, value: set.overThreads('max', largest) },
    { kind: 'let', name: found, value: i32(NOWHERE), comment: 'the lowest position that has it' },
    set.each((counted) => {
      // From the last to the first, so that the first stays.
      const element = arith('-', i32(set.elements - 1), counted);
      const holds = compare('==', key(element), largest);
      return [{ kind: 'assign', name: found, value: choose(holds, set.position(element), position) }];
    }),
    { kind: 'assign', name: found, value: set.overThreads('min', position) },
    set.each((element) => {
      const isTaken = compare('==', set.position(element), position);
      const value = choose(isTaken, i32(TAKEN), key(element));
      return [{ kind: 'store', to: set.keys, at: at(set.register(element)), value }];
    }),
  ];
}
