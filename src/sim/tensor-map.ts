/**
 * Tensor maps of the simulated device: a tensor in global memory and the box that one bulk tensor copy moves.
 *
 * The driver's own 128 bytes are opaque, so the simulator has a form of its own with the same meaning, made by
 * `encodeTensorMap` from the arguments of `cuTensorMapEncodeTiled`. Shared-memory swizzles follow the PTX ISA: within
 * spans of 128, 64 or 32 bytes the 16-byte chunk index is xored with bits above it.
 */

import { RoseError } from '../util/errors.js';

export const TENSOR_MAP_BYTES = 128;

export type Swizzle = 'none' | '32B' | '64B' | '128B';

export interface TensorMap {
  /** Device address of the tensor. */
  readonly address: bigint;
  /** Bytes of an element: 1, 2, 4 or 8. */
  readonly elementBytes: number;
  /** Extents, innermost first; 1 to 5 of them. */
  readonly shape: readonly number[];
  /** Bytes from one index to the next of every axis but the innermost. */
  readonly strides: readonly number[];
  /** Extents of the box. */
  readonly box: readonly number[];
  readonly swizzle: Swizzle;
}

const MAGIC = 0x70616d74;
const SWIZZLES: readonly Swizzle[] = ['none', '32B', '64B', '128B'];

/** @throws RoseError LAUNCH_GUARD where the driver would refuse the map */
export function encodeTensorMap(map: TensorMap): Uint8Array {
  const rank = map.shape.length;
  const inner = map.box[0]! * map.elementBytes;
  const span = { none: Infinity, '32B': 32, '64B': 64, '128B': 128 }[map.swizzle];
  const refuse = (message: string, actual: string, expected: string): never => {
    throw new RoseError({
      code: 'LAUNCH_GUARD',
      message,
      actual,
      expected,
      next: 'encode the map as the driver allows',
    });
  };
  if (rank < 1 || rank > 5) refuse('a tensor map has 1 to 5 axes', `${rank}`, '1 to 5');
  if (map.address & 15n)
    refuse('the tensor is not aligned', `0x${map.address.toString(16)}`, 'a multiple of 16');
  if (map.strides.some((stride) => stride % 16 !== 0))
    refuse('a stride is not a multiple of 16 bytes', map.strides.join(', '), 'multiples of 16');
  if (map.box.some((n) => n < 1 || n > 256))
    refuse('a box extent is out of range', map.box.join(', '), '1 to 256');
  if (inner % 16 !== 0 || inner > span)
    refuse(
      'the inner box extent does not fit the swizzle',
      `${inner} bytes`,
      `a multiple of 16, at most ${span}`,
    );
  const bytes = new Uint8Array(TENSOR_MAP_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint8(4, rank);
  view.setUint8(5, map.elementBytes);
  view.setUint8(6, SWIZZLES.indexOf(map.swizzle));
  view.setBigUint64(8, map.address, true);
  map.shape.forEach((n, axis) => {
    view.setUint32(16 + 4 * axis, n, true);
  });
  map.strides.forEach((n, axis) => {
    view.setBigUint64(40 + 8 * axis, BigInt(n), true);
  });
  map.box.forEach((n, axis) => {
    view.setUint16(80 + 2 * axis, n, true);
  });
  return bytes;
}

export function decodeTensorMap(bytes: Uint8Array): TensorMap | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, TENSOR_MAP_BYTES);
  if (view.getUint32(0, true) !== MAGIC) return undefined;
  const rank = view.getUint8(4);
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return {
    address: view.getBigUint64(8, true),
    elementBytes: view.getUint8(5),
    swizzle: SWIZZLES[view.getUint8(6)]!,
    shape: axes.map((axis) => view.getUint32(16 + 4 * axis, true)),
    strides: axes.slice(1).map((axis) => Number(view.getBigUint64(40 + 8 * (axis - 1), true))),
    box: axes.map((axis) => view.getUint16(80 + 2 * axis, true)),
  };
}

export interface BoxElement {
  /** Byte offset from the shared address. */
  readonly shared: number;
  readonly hi: number;
  readonly lo: number;
  /** Outside the tensor a load gives zero and a store does nothing. */
  readonly inside: boolean;
}

/** The elements of the box at coordinates `at` (innermost first), in the order of shared memory. */
export function tensorBox(
  encoded: Uint8Array,
  at: readonly number[],
): { readonly bytes: number; readonly width: number; readonly elements: readonly BoxElement[] } {
  const map = decodeTensorMap(encoded)!;
  const width = map.elementBytes;
  const count = map.box.reduce((a, b) => a * b, 1);
  const elements: BoxElement[] = [];
  for (let n = 0; n < count; n++) {
    let rest = n;
    let offset = 0;
    let inside = true;
    map.box.forEach((extent, axis) => {
      const index = at[axis]! + (rest % extent);
      rest = Math.floor(rest / extent);
      if (index < 0 || index >= map.shape[axis]!) inside = false;
      offset += index * (axis === 0 ? width : map.strides[axis - 1]!);
    });
    const address = map.address + BigInt(inside ? offset : 0);
    elements.push({
      shared: swizzled(n * width, map.swizzle),
      hi: Number(address >> 32n),
      lo: Number(BigInt.asIntN(32, address)),
      inside,
    });
  }
  return { bytes: count * width, width, elements };
}

/** Where byte `offset` of a box lies; the shared address must be aligned to the pattern's repeat. */
export function swizzled(offset: number, swizzle: Swizzle): number {
  const bits = { none: 0, '32B': 1, '64B': 3, '128B': 7 }[swizzle];
  return offset ^ (((offset >>> 7) & bits) << 4);
}
