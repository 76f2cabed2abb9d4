/** Many candidates -> as many as are asked for, spread evenly over operators and kernels. */

import type { Mutant } from './mutant.js';
import { shuffled } from './rng.js';

/**
 * Candidates in the order in which they are to be taken: in each round one of every pair of operator and kernel that has
 * any left. Mutants with the same change to the same line come once.
 */
export function* balanced<M extends Mutant>(candidates: readonly M[], seed: number): Generator<M> {
  const seen = new Set<string>();
  const cells = new Map<string, M[]>();
  for (const mutant of candidates) {
    const change = JSON.stringify([mutant.variant, mutant.level, mutant.line, mutant.after]);
    if (seen.has(change)) continue;
    seen.add(change);
    const cell = `${mutant.operator} ${mutant.kernel}`;
    const members = cells.get(cell);
    if (members) members.push(mutant);
    else cells.set(cell, [mutant]);
  }
  const order = shuffled([...cells.keys()].sort(), `${seed}`);
  const queues = order.map((cell) => shuffled(cells.get(cell)!, `${seed} ${cell}`));
  for (let round = 0; queues.some((queue) => round < queue.length); round++)
    for (const queue of queues) if (round < queue.length) yield queue[round]!;
}
