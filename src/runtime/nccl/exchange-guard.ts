/** Tensors of a collective -> proof that they fit it: dtype, number of elements, device, life. */

import { RoseError } from '../../util/errors.js';
import { ownBuffer } from '../buffer.js';
import type { CudaDevice } from '../cuda/cuda-device.js';
import { dtypeBytes } from '../dtype.js';
import type { DeviceTensor } from '../tensor.js';
import { DATA_TYPE, FP8_VERSION } from './constants.js';

/** NCCL's number of a tensor's dtype. Raises LAUNCH_GUARD. */
export function dataType(call: string, { dtype }: DeviceTensor, version: number): number {
  const id = DATA_TYPE[dtype];
  const known = Object.keys(DATA_TYPE).filter((name) => version >= FP8_VERSION || !name.startsWith('e'));
  if (id !== undefined && known.includes(dtype)) return id;
  throw refuse(call, `dtype ${dtype}`, known.join(', '), 'convert the tensor, or update NCCL for FP8');
}

/** Elements of a tensor that is live, contiguous, within its buffer and on this device. Raises LAUNCH_GUARD, HANDLE_CLOSED. */
export function elements(call: string, tensor: DeviceTensor, device: CudaDevice): number {
  const buffer = ownBuffer(tensor.buffer, device.buffers);
  if (tensor.strides && !contiguous(tensor.shape, tensor.strides)) {
    throw refuse(call, `strides (${tensor.strides.join(', ')})`, 'a contiguous tensor', 'copy it to one');
  }
  const room = buffer.at + buffer.bytes - tensor.at;
  if (room < tensor.byteLength) {
    throw refuse(call, `${room} bytes in "${buffer.name}"`, `${tensor.byteLength}`, 'allocate more');
  }
  return tensor.byteLength / dtypeBytes(tensor.dtype);
}

/**
 * Raises LAUNCH_GUARD unless both tensors have one dtype, and as many elements are given as are taken.
 *
 * @param counts what `from` gives to all ranks together, and what `to` takes from them
 */
export function expectSame(
  call: string,
  from: DeviceTensor,
  to: DeviceTensor,
  counts: readonly [number, number],
): void {
  if (from.dtype !== to.dtype) {
    throw refuse(call, `${from.dtype} -> ${to.dtype}`, 'one dtype', 'convert one of the tensors');
  }
  if (counts[0] === counts[1]) return;
  throw refuse(call, `${counts[0]} elements to give, ${counts[1]} to take`, 'as many', 'correct a shape');
}

/** Raises LAUNCH_GUARD for a rank that does not exist. */
export function expectRank(call: string, name: string, rank: number, ranks: number): void {
  if (Number.isInteger(rank) && rank >= 0 && rank < ranks) return;
  throw refuse(call, `${name} ${rank}`, `a rank from 0 to ${ranks - 1}`, 'name a rank of the communicator');
}

function contiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

function refuse(call: string, actual: string, expected: string, next: string): RoseError {
  return new RoseError({ code: 'LAUNCH_GUARD', message: `${call} was refused`, actual, expected, next });
}
