/**
 * A launch -> one block of host memory that `cuLaunchKernelEx` reads: CUlaunchConfig, its attributes, the "extra" list
 * and the parameter buffer, packed once. A hot launch then changes a few numbers of it in place.
 *
 * Offsets in bytes. CUlaunchConfig: grid 0, block 12, shared memory 24, stream 32, attributes 40, their number 48.
 * CUlaunchAttribute, 72 bytes: id 0, value 8. Extra: (1, parameters), (2, address of their size), 0.
 */

import { HostBlock, type CudaDriver } from './cuda-driver.js';

export type Dim3 = readonly [number, number, number];

/** How a kernel is launched, the grid and the stream aside. */
export interface LaunchShape {
  /** Threads of a block. */
  readonly block: Dim3;
  /** Blocks of a cluster; 1, 1, 1 without. */
  readonly cluster: Dim3;
  /** Dynamic shared memory, in bytes. */
  readonly sharedMemoryBytes: number;
  /** May start before the stream's previous kernel has ended. */
  readonly pdl: boolean;
  /** All blocks run at once and may wait for each other. */
  readonly cooperative: boolean;
  /** As of streams: lower goes first. */
  readonly priority?: number;
  readonly parameterBytes: number;
}

const AT = { block: 12, sharedMemory: 24, stream: 32, attributes: 40, count: 48 } as const;
const ATTRIBUTES = 64;
const ATTRIBUTE_BYTES = 72;
const EXTRA = ATTRIBUTES + 4 * ATTRIBUTE_BYTES;
const SIZE = EXTRA + 40;
const PARAMETERS = 448;

const ATTRIBUTE = { cooperative: 2, cluster: 4, programmaticSerialization: 6, priority: 8 } as const;
const EXTRA_BUFFER = 1;
const EXTRA_SIZE = 2;

export class LaunchPacket {
  readonly #block: HostBlock;
  /** Address of the CUlaunchConfig. */
  readonly config: number;
  /** Address of the "extra" list. */
  readonly extra: number;
  readonly parameters: DataView;

  constructor(driver: CudaDriver, shape: LaunchShape) {
    const block = new HostBlock(driver, PARAMETERS + Math.max(shape.parameterBytes, 8));
    this.#block = block;
    this.config = block.address;
    this.extra = block.address + EXTRA;
    this.parameters = new DataView(block.view.buffer, PARAMETERS, shape.parameterBytes);
    for (let axis = 0; axis < 3; axis++) block.view.setUint32(AT.block + 4 * axis, shape.block[axis]!, true);
    block.view.setUint32(AT.sharedMemory, shape.sharedMemoryBytes, true);
    block.setAddress(AT.attributes, block.address + ATTRIBUTES);
    block.view.setUint32(AT.count, this.#writeAttributes(shape), true);
    block.setAddress(EXTRA, EXTRA_BUFFER);
    block.setAddress(EXTRA + 8, block.address + PARAMETERS);
    block.setAddress(EXTRA + 16, EXTRA_SIZE);
    block.setAddress(EXTRA + 24, block.address + SIZE);
    block.setAddress(SIZE, shape.parameterBytes);
  }

  setGrid(x: number, y: number, z: number): void {
    const { view } = this.#block;
    view.setUint32(0, x, true);
    view.setUint32(4, y, true);
    view.setUint32(8, z, true);
  }

  setStream(handle: number): void {
    this.#block.setAddress(AT.stream, handle);
  }

  #writeAttributes(shape: LaunchShape): number {
    let count = 0;
    const add = (id: number, values: readonly number[]): void => {
      const at = ATTRIBUTES + ATTRIBUTE_BYTES * count++;
      this.#block.view.setUint32(at, id, true);
      values.forEach((value, i) => {
        this.#block.view.setInt32(at + 8 + 4 * i, value, true);
      });
    };
    if (shape.cluster.some((extent) => extent !== 1)) add(ATTRIBUTE.cluster, shape.cluster);
    if (shape.pdl) add(ATTRIBUTE.programmaticSerialization, [1]);
    if (shape.cooperative) add(ATTRIBUTE.cooperative, [1]);
    if (shape.priority !== undefined) add(ATTRIBUTE.priority, [shape.priority]);
    return count;
  }
}
