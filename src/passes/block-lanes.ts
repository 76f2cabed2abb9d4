/**
 * A row in blocks -> how a warp holds it: the elements that a thread takes at once, and the threads that share a block.
 *
 * Threads of a block are neighbours, and a power of two that divides its vectors: `256 in blocks of 32` is 8 a thread, 4 threads a
 * block. Blocks that no threads can share evenly lie with one thread each; what is left of the warp has none.
 */

import type { LaneAxis } from '../ir/kernel.js';

const WARP = 32;

export interface BlockLanes {
  readonly vector: number;
  readonly threadsPerBlock: number;
  /** Elements that a thread holds. */
  readonly held: number;
}

/** The fewest elements a thread; of these the widest vectors, then the fewest threads a block. `axes`: within a block, then blocks. */
export function layOutBlocks([inner, outer]: readonly [LaneAxis, LaneAxis], widest: number): BlockLanes {
  const choices: BlockLanes[] = [];
  for (let vector = widest; vector >= 1; vector /= 2) {
    if (inner.extent % vector !== 0) continue;
    const units = inner.extent / vector;
    for (let threads = 1; threads <= WARP && units % threads === 0; threads *= 2) {
      const blocks = Math.ceil(outer.extent / (WARP / threads));
      choices.push({ vector, threadsPerBlock: threads, held: (inner.extent / threads) * blocks });
    }
  }
  return choices.reduce((best, choice) => (choice.held < best.held ? choice : best));
}
