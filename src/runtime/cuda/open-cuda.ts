/** The GPUs of a machine, and one of them opened. */

import type { CudaDriver } from '../driver/cuda-driver.js';
import { loadLibcuda } from '../driver/load-libcuda.js';
import { CudaDevice } from './cuda-device.js';
import { findCudaDevice, listCudaDevices, type CudaDeviceInfo } from './devices.js';

export interface OpenCudaOptions {
  /** Which GPU; default 0. */
  readonly ordinal?: number;
  /** Path of the driver's library, or the driver itself. */
  readonly driver?: string | CudaDriver;
}

async function driverOf(options: OpenCudaOptions): Promise<CudaDriver> {
  const { driver } = options;
  if (typeof driver === 'object') return driver;
  return loadLibcuda(driver === undefined ? {} : { library: driver });
}

/** Raises DRIVER_MISSING, DEVICE_UNAVAILABLE, DRIVER_CALL. */
export async function openCuda(options: OpenCudaOptions = {}): Promise<CudaDevice> {
  const driver = await driverOf(options);
  return new CudaDevice(driver, findCudaDevice(driver, options.ordinal ?? 0));
}

/** The GPUs of this machine. Raises DRIVER_MISSING, DEVICE_UNAVAILABLE, DRIVER_CALL. */
export async function cudaDevices(options: OpenCudaOptions = {}): Promise<readonly CudaDeviceInfo[]> {
  return listCudaDevices(await driverOf(options));
}
