/** The device that libraries launch on: `Device`, with buffers that can go stale and launches that are prepared once. */

import type { AllocateOptions, Device, DeviceKernel, DeviceStream } from '../device/device.js';
import type { ParamEntry } from '../device/manifest.js';
import type { RuntimeBuffer } from './buffer.js';
import type { BufferTable } from './buffer-table.js';
import type { LaunchShape } from './driver/launch-packet.js';

export interface AllocateOn extends AllocateOptions {
  /** Allocated in the order of this stream, for use on it; absent: usable on every stream at once. */
  readonly stream?: DeviceStream;
}

export interface RuntimeDevice extends Device {
  readonly buffers: BufferTable;
  /** The form of code it runs. */
  readonly code: 'cubin' | 'ptx';
  /** CUDA version of the driver (12080 is 12.8); absent: there is no driver. */
  readonly cudaVersion?: number;
  alloc(bytes: number, options?: AllocateOn): RuntimeBuffer;
  /** A launch whose shape is fixed. @throws LAUNCH_GUARD */
  prepare(kernel: DeviceKernel, shape: LaunchShape): PreparedKernel;
  /** How many clusters of a launch run at once; absent: the device does not say. */
  activeClusters?(kernel: DeviceKernel, shape: LaunchShape): number;
  /** Compares where a kernel expects its parameters with where the manifest puts them. @throws CUBIN_INVALID */
  checkParameters(kernel: DeviceKernel, params: readonly ParamEntry[]): void;
  /** Whether launches are being captured into a graph; then `noteUse` is told which buffers they use. */
  readonly capturing: boolean;
  noteUse(slot: number, generation: number): void;
}

/** Written to and launched again and again. */
export interface PreparedKernel {
  /** The parameter buffer. */
  readonly parameters: DataView;
  setGrid(x: number, y: number, z: number): void;
  /** @param handle absent: the device's own stream. @throws HANDLE_CLOSED for a stream of another device */
  setStream(handle: bigint | undefined): void;
  launch(): void;
}

export function isRuntimeDevice(device: Device): device is RuntimeDevice {
  return 'buffers' in device && 'prepare' in device;
}
