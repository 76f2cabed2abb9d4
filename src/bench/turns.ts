/** Several things timed in turns. */

import type { Timed } from './graph-timer.js';
import { spreadOf, type Spread } from './statistics.js';

/** Turns of everything that is compared, and replays of each turn. */
const ROUNDS = 5;
const REPLAYS = 5;
/** Everything once a turn, so that a device that warms up or slows down does so for all. */
export async function inTurns<Key>(timed: ReadonlyMap<Key, Timed>): Promise<ReadonlyMap<Key, Spread>> {
  const samples = new Map([...timed.keys()].map((key) => [key, [] as number[]] as const));
  for (let turn = 0; turn < ROUNDS; turn++)
    for (const [key, each] of timed) samples.get(key)!.push(...(await each.round(REPLAYS)));
  return new Map([...samples].map(([key, values]) => [key, spreadOf(values)] as const));
}
