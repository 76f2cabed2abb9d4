/** Tensors -> proof that a product may read and write them: dtype, size, alignment, device, life. */

import type { DeviceStream } from '../../device/device.js';
import { ownBuffer, type RuntimeBuffer } from '../buffer.js';
import type { CudaDevice } from '../cuda/cuda-device.js';
import type { DeviceTensor } from '../tensor.js';
import { refuse, type CheckedProblem } from './problem.js';

export interface GemmOperands {
  readonly a: DeviceTensor;
  readonly b: DeviceTensor;
  readonly out: DeviceTensor;
  /** One element a column of `out`, where the epilogue has a bias: dtype of `out`, with FP8 and f32 out bf16. */
  readonly bias?: DeviceTensor;
  /** FP8 only: one f32 on the device that each element of the operand is multiplied with. */
  readonly scaleA?: DeviceTensor;
  readonly scaleB?: DeviceTensor;
  /** Default 1. */
  readonly alpha?: number;
  /** How much of what `out` holds is added. Default 0: `out` is not read. */
  readonly beta?: number;
  /** Default: the device's own stream, during a capture the captured one. */
  readonly stream?: DeviceStream;
  /** Device memory for this product alone; default: one that all products of the stream share. */
  readonly workspace?: RuntimeBuffer;
}

/** Raises LAUNCH_GUARD with the numbers, HANDLE_CLOSED. */
export function checkOperands(problem: CheckedProblem, operands: GemmOperands, device: CudaDevice): void {
  const { a, b, out, bias, scaleA, scaleB } = operands;
  const check = (
    name: string,
    tensor: DeviceTensor,
    dtype: string,
    bytes: number,
    alignment: number,
  ): void => {
    checkTensor(problem.text, name, tensor, { dtype, bytes, alignment }, device);
  };
  check('a', a, problem.a.dtype, problem.a.bytes, problem.alignment);
  check('b', b, problem.b.dtype, problem.b.bytes, problem.alignment);
  check('out', out, problem.out.dtype, problem.out.bytes, problem.alignment);
  expectPresence(problem, 'bias', bias, problem.bias !== undefined);
  expectPresence(problem, 'scaleA', scaleA, problem.fp8);
  expectPresence(problem, 'scaleB', scaleB, problem.fp8);
  if (bias) {
    const elementBytes = problem.bias === 'f32' ? 4 : 2;
    check('bias', bias, problem.bias!, problem.out.columns * elementBytes, problem.alignment);
  }
  if (scaleA) check('scaleA', scaleA, 'f32', 4, 4);
  if (scaleB) check('scaleB', scaleB, 'f32', 4, 4);
}

function expectPresence(problem: CheckedProblem, name: string, given: unknown, needed: boolean): void {
  if ((given !== undefined) === needed) return;
  const why = name === 'bias' ? `the epilogue ${problem.epilogue}` : `${problem.a.dtype} operands`;
  throw refuse(
    problem.text,
    needed ? `no ${name}` : `a ${name}`,
    needed ? `a ${name}, for ${why}` : `no ${name}, with ${why}`,
    needed ? `give ${name}` : `leave ${name} out, or change the problem`,
  );
}

interface Expected {
  readonly dtype: string;
  readonly bytes: number;
  readonly alignment: number;
}

function checkTensor(
  text: string,
  name: string,
  tensor: DeviceTensor,
  { dtype, bytes, alignment }: Expected,
  device: CudaDevice,
): void {
  const buffer = ownBuffer(tensor.buffer, device.buffers);
  if (tensor.dtype !== dtype) {
    throw refuse(text, `${name} is ${tensor.dtype}`, dtype, 'convert it, or change the types of the problem');
  }
  const room = buffer.at + buffer.bytes - tensor.at;
  if (room < bytes) {
    throw refuse(
      text,
      `${room} bytes for ${name}`,
      `at least ${bytes}`,
      'allocate more, or correct the extents',
    );
  }
  if (tensor.at % alignment !== 0) {
    throw refuse(
      text,
      `${name} at 0x${tensor.at.toString(16)}`,
      `an address that is a multiple of ${alignment}`,
      'move the tensor, or plan the problem with a smaller alignment',
    );
  }
}
