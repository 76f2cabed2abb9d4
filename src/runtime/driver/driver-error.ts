/** A status of the driver -> a RoseError with the call, the driver's own words and what can be done. */

import { RoseError, type ErrorCode } from '../../util/errors.js';
import { HostBlock, type CudaDriver } from './cuda-driver.js';

export const STATUS = {
  success: 0,
  invalidValue: 1,
  outOfMemory: 2,
  noDevice: 100,
  invalidImage: 200,
  noBinaryForGpu: 209,
  notReady: 600,
  graphUpdateFailure: 910,
} as const;

/** After one of these the driver answers every call of the process with it, a new context included. */
const POISONS: ReadonlySet<number> = new Set([
  214, // ECC_UNCORRECTABLE
  220, // NVLINK_UNCORRECTABLE
  226, // CONTAINED
  700, // ILLEGAL_ADDRESS
  702, // LAUNCH_TIMEOUT
  709, // CONTEXT_IS_DESTROYED
  710, // ASSERT
  714, // HARDWARE_STACK_ERROR
  715, // ILLEGAL_INSTRUCTION
  716, // MISALIGNED_ADDRESS
  717, // INVALID_ADDRESS_SPACE
  718, // INVALID_PC
  719, // LAUNCH_FAILED
  721, // TENSOR_MEMORY_LEAK
]);

export const poisons = (status: number): boolean => POISONS.has(status);

const NEXT: Readonly<Record<number, string>> = {
  [STATUS.outOfMemory]: 'free buffers, use smaller ones, or end what else uses the device',
  [STATUS.noDevice]:
    'check that this machine has a GPU and CUDA_VISIBLE_DEVICES shows it, or open the "sim" device',
  [STATUS.invalidImage]: 'build the library again: the cubin is damaged or of another architecture',
  [STATUS.noBinaryForGpu]: 'build the library for the architecture of this device',
  46: 'another process has the device for itself: end it, or choose another device',
  701: 'the kernel needs more registers or shared memory than a block may have: build a smaller schedule',
  803: 'restart the machine: driver library and kernel module are of different versions',
};

/** Name and text of a status, as the driver gives them: `CUDA_ERROR_INVALID_VALUE: invalid argument`. */
export function describeStatus(driver: CudaDriver, status: number): string {
  const out = new HostBlock(driver, 16);
  const parts: string[] = [];
  if (driver.api.cuGetErrorName(status, out.address) === STATUS.success) {
    parts.push(driver.textAt(out.getAddress(0)));
  }
  if (driver.api.cuGetErrorString(status, out.address + 8) === STATUS.success) {
    parts.push(driver.textAt(out.getAddress(8)));
  }
  return parts.join(': ') || `status ${status}`;
}

/** @param call the function, and what it was called for: `cuMemAllocAsync of 4096 bytes` */
export function driverError(driver: CudaDriver, status: number, call: string): RoseError {
  const lost = poisons(status);
  return new RoseError({
    code: codeOf(status, lost),
    message: lost
      ? `a kernel or a copy failed on the device; ${call} reported it`
      : `the CUDA driver refused ${call}`,
    actual: `${status} ${describeStatus(driver, status)}`,
    expected: '0 CUDA_SUCCESS',
    next: lost
      ? 'start the process again; run the call on the "sim" device, which says what a kernel does wrong'
      : (NEXT[status] ?? 'correct the call; the driver API reference explains the status'),
  });
}

function codeOf(status: number, lost: boolean): ErrorCode {
  if (lost) return 'DEVICE_LOST';
  if (status === STATUS.outOfMemory) return 'DEVICE_MEMORY';
  if (status === STATUS.noDevice) return 'DEVICE_UNAVAILABLE';
  if (status === STATUS.invalidImage || status === STATUS.noBinaryForGpu) return 'CUBIN_INVALID';
  return 'DRIVER_CALL';
}
