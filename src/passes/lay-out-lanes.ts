/**
 * lay-out-lanes: builds each section's thread-value layout.
 *
 * Before: lane axes with extents, a vector width and threads a row.
 * After:  a layout (threads, vector, tiles...) -> lane position. Threads run first along the contiguous axis, then along
 * others that may hold threads; what is left of each axis becomes a tile mode. Example, 4096 elements on 128 threads
 * in vectors of 8: (128,8,4):(8,1,1024). Of a row in blocks some threads lie in each block, the rest along the blocks: 256 elements in
 * blocks of 32 and vectors of 8: ((4,8),8):((8,32),1).
 */

import { makeLayout, type IntTuple } from '../layout/index.js';
import type { Kernel, LaneLayout, Section, TileMode } from '../ir/kernel.js';
import { mapParts } from './parts.js';
import { gcd, laneAxes, mayHoldThreads } from './lane-axes.js';

export function layOutLanes(kernel: Kernel): Kernel {
  return mapParts(kernel, (part) => ({ ...part, lanes: lanesOf(part, kernel.schedule!.cluster) }));
}

function lanesOf(section: Section, cluster: number): LaneLayout {
  const { threadsPerRow, threadsPerBlock, vector, split } = section.schedule!;
  const axes = laneAxes(section);
  const threadModes: { extent: number; stride: number }[] = [];
  const tiles: TileMode[] = [];
  const tileStrides: number[] = [];
  let left = threadsPerRow;
  let position = 1;
  let tail = axes[0]?.dynamic ? axes[0].axis : undefined;
  axes.forEach(({ axis, extent }, i) => {
    const units = i === 0 ? Math.ceil(extent / vector) : extent;
    const step = i === 0 ? vector : 1;
    const holds = i === 0 || mayHoldThreads(section, axis, axes[0]!.axis);
    // A single lane axis may run past its end, and so may blocks; several must divide.
    const threads =
      threadsPerBlock !== undefined
        ? i === 0
          ? threadsPerBlock
          : left
        : !holds
          ? 1
          : axes.length === 1
            ? left
            : gcd(left, units);
    left /= threads;
    if (threads > 1) threadModes.push({ extent: threads, stride: position * step });
    const exact = Math.ceil(units / threads);
    // Of a long row every CTA of the cluster takes as many tiles.
    const count = split ? Math.ceil(exact / cluster) * cluster : exact;
    if (units !== count * threads) tail = axis;
    if (count > 1 || (i === 0 && axes[0]!.dynamic)) {
      tiles.push({ axis, extent: count, step: step * threads });
      tileStrides.push(position * step * threads);
    }
    position *= extent;
  });
  if (cluster > 1) {
    const last = tiles.length - 1;
    tiles[last] = { ...tiles[last]!, extent: tiles[last]!.extent / cluster };
  }
  const collapse = (values: readonly number[], empty: number): IntTuple =>
    values.length === 0 ? empty : values.length === 1 ? values[0]! : values;
  const layout = makeLayout(
    [
      collapse(
        threadModes.map((mode) => mode.extent),
        1,
      ),
      vector,
      ...tiles.map((tile) => tile.extent),
    ],
    [
      collapse(
        threadModes.map((mode) => mode.stride),
        0,
      ),
      1,
      ...tileStrides,
    ],
  );
  const [first] = axes;
  const partial = first !== undefined && vector > 1 && (first.dynamic || first.extent % vector !== 0);
  return {
    axes,
    threads: threadsPerRow,
    vector,
    tiles,
    layout,
    cluster,
    ...(tail !== undefined && { tail }),
    partial,
  };
}
