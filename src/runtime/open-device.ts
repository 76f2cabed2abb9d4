/** The name of a device, or a device -> one that libraries launch on. */

import type { Device } from '../device/device.js';
import { openCuda, type OpenCudaOptions } from './cuda/open-cuda.js';
import { isRuntimeDevice, type RuntimeDevice } from './runtime-device.js';
import { TrackedDevice } from './tracked-device.js';

export interface OpenDeviceOptions extends OpenCudaOptions {
  /** Architecture that the simulator stands for; default sm90. */
  readonly arch?: string;
}

/** Raises DRIVER_MISSING, DEVICE_UNAVAILABLE, DRIVER_CALL. */
export async function openDevice(
  device: 'cuda' | 'sim' | Device,
  options: OpenDeviceOptions = {},
): Promise<RuntimeDevice> {
  if (device === 'cuda') return openCuda(options);
  if (device === 'sim') {
    const { openSimDevice } = await import('../sim/device.js');
    return new TrackedDevice(openSimDevice(options.arch === undefined ? {} : { arch: options.arch }));
  }
  return isRuntimeDevice(device) ? device : new TrackedDevice(device);
}
