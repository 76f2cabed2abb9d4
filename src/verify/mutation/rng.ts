/** Seeded order: the same seed and the same list give the same order on every machine. */

import { Random, seedOf } from '../random.js';

/** `items` in an order that `seed` decides. */
export function shuffled<T>(items: readonly T[], seed: string): readonly T[] {
  return new Random(seedOf(seed)).permutation(items.length).map((i) => items[i]!);
}
