/** A tensor in global memory -> the 128-byte descriptor that the tensor memory accelerator reads. */

import { RoseError } from '../../util/errors.js';
import { HostBlock } from '../driver/cuda-driver.js';
import type { CudaContext } from './context.js';

/** Values of the driver's enumerations, from the reference of `cuTensorMapEncodeTiled`. */
const DTYPES = {
  u8: 0,
  i8: 0,
  e4m3: 0,
  e5m2: 0,
  u16: 1,
  u32: 2,
  i32: 3,
  u64: 4,
  i64: 5,
  f16: 6,
  f32: 7,
  f64: 8,
  bf16: 9,
} as const;
const INTERLEAVES = { none: 0, '16B': 1, '32B': 2 } as const;
const SWIZZLES = { none: 0, '32B': 1, '64B': 2, '128B': 3 } as const;
const PROMOTIONS = { none: 0, '64B': 1, '128B': 2, '256B': 3 } as const;
const FILLS = { zero: 0, nan: 1 } as const;

export interface TensorMapOptions {
  readonly dtype: keyof typeof DTYPES;
  /** Base address, aligned to 16 bytes. */
  readonly address: number;
  /** Extents in elements, the contiguous axis first; one to five axes. */
  readonly shape: readonly number[];
  /** Bytes from one index to the next of every axis but the first; multiples of 16. */
  readonly strideBytes: readonly number[];
  /** Extents of the box that one copy moves. */
  readonly box: readonly number[];
  /** Every how manyth element is taken, an axis; default 1. */
  readonly elementStrides?: readonly number[];
  readonly interleave?: keyof typeof INTERLEAVES;
  readonly swizzle?: keyof typeof SWIZZLES;
  readonly l2Promotion?: keyof typeof PROMOTIONS;
  /** What elements outside of the tensor read as. */
  readonly fill?: keyof typeof FILLS;
}

const BYTES = 128;
const ALIGNMENT = 64;

/** Raises USAGE for lists of the wrong length and DRIVER_CALL for what the driver refuses. */
export function encodeTensorMap(context: CudaContext, options: TensorMapOptions): Uint8Array<ArrayBuffer> {
  const rank = options.shape.length;
  const elementStrides = options.elementStrides ?? options.shape.map(() => 1);
  assertLength('strideBytes', options.strideBytes, rank - 1);
  assertLength('box', options.box, rank);
  assertLength('elementStrides', elementStrides, rank);
  context.activate();
  const block = new HostBlock(context.driver, ALIGNMENT + BYTES + 24 * rank);
  const map = Math.ceil(block.address / ALIGNMENT) * ALIGNMENT - block.address;
  const [extents, strides] = [map + BYTES, map + BYTES + 8 * rank];
  const [box, steps] = [strides + 8 * (rank - 1), strides + 8 * (rank - 1) + 4 * rank];
  options.shape.forEach((extent, axis) => {
    block.setAddress(extents + 8 * axis, extent);
    block.view.setUint32(box + 4 * axis, options.box[axis]!, true);
    block.view.setUint32(steps + 4 * axis, elementStrides[axis]!, true);
  });
  options.strideBytes.forEach((stride, axis) => {
    block.setAddress(strides + 8 * axis, stride);
  });
  const { address } = block;
  context.check(
    context.api.cuTensorMapEncodeTiled(
      address + map,
      DTYPES[options.dtype],
      rank,
      options.address,
      address + extents,
      address + strides,
      address + box,
      address + steps,
      INTERLEAVES[options.interleave ?? 'none'],
      SWIZZLES[options.swizzle ?? 'none'],
      PROMOTIONS[options.l2Promotion ?? 'none'],
      FILLS[options.fill ?? 'zero'],
    ),
    `cuTensorMapEncodeTiled of (${options.shape.join(', ')}) ${options.dtype}`,
  );
  return new Uint8Array(block.view.buffer.slice(map, map + BYTES) as ArrayBuffer);
}

function assertLength(name: string, list: readonly number[], expected: number): void {
  if (list.length === expected) return;
  throw new RoseError({
    code: 'USAGE',
    message: `the tensor map's ${name} has the wrong length`,
    actual: `${list.length}`,
    expected: `${expected}`,
    next: 'give one number an axis; strideBytes leaves the first axis out',
  });
}
