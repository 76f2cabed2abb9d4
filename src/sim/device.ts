/** The simulator behind the device interface: serving code runs on it without a GPU, slowly and checked. */

import type {
  AllocateOptions,
  Device,
  DeviceBuffer,
  DeviceKernel,
  DeviceModule,
  DeviceStream,
  KernelLaunch,
  ModuleImage,
} from '../device/device.js';
import { RoseError } from '../util/errors.js';
import { compileKernel, simulate } from './launch.js';
import type { SimKernel } from './launch.js';
import type { LaunchOptions } from './launch-options.js';
import { Allocation, SimMemory } from './memory.js';
import { parsePtx } from './ptx/parser.js';
import { faultError } from './report.js';
import type { SimReport } from './report.js';

export interface SimDeviceOptions {
  /** Architecture whose PTX it pretends to run; default `sm90`. */
  readonly arch?: string;
  readonly multiprocessors?: number;
  readonly checks?: LaunchOptions['checks'];
  readonly limits?: LaunchOptions['limits'];
  /** Bytes of the host's memory that buffers may use. */
  readonly memoryBytes?: number;
  /** Called with what a launch was found to do wrong; absent: the launch throws SIM_FAULT. */
  readonly onFaults?: (reports: readonly SimReport[]) => void;
}

/** A device that is the simulator. A launch runs at once, on the calling thread. */
export function openSimDevice(options: SimDeviceOptions = {}): SimDevice {
  return new SimDevice(options);
}

class SimKernelHandle implements DeviceKernel {
  constructor(
    readonly entry: string,
    readonly kernel: SimKernel,
  ) {}
}

export class SimDevice implements Device {
  readonly kind = 'sim';
  readonly name = 'PTX simulator';
  readonly arch: string;
  readonly multiprocessors: number;
  readonly memory: SimMemory;
  #streams = 0n;
  /** What the last kernel of each stream wrote: a dependent launch must wait before it touches it. */
  readonly #written = new Map<bigint, readonly Allocation[]>();

  constructor(readonly options: SimDeviceOptions) {
    this.arch = options.arch ?? 'sm90';
    this.multiprocessors = options.multiprocessors ?? 132;
    this.memory = new SimMemory(options.memoryBytes);
  }

  alloc(bytes: number, options: AllocateOptions = {}): Allocation {
    return this.memory.alloc(bytes, options);
  }

  free(buffer: DeviceBuffer): void {
    this.memory.free(own(buffer));
  }

  copyIn(buffer: DeviceBuffer, data: Uint8Array, offset = 0): void {
    this.memory.write(own(buffer), data, offset);
  }

  copyOut(buffer: DeviceBuffer, into: Uint8Array, offset = 0): void {
    into.set(this.memory.read(own(buffer), into.length, offset));
  }

  fill(buffer: DeviceBuffer, byte: number): void {
    this.memory.fill(own(buffer), byte);
  }

  createStream(): DeviceStream {
    this.#streams++;
    return { handle: this.#streams, synchronize: () => Promise.resolve(), close: () => undefined };
  }

  loadModule(image: ModuleImage): DeviceModule {
    if (image.ptx === undefined) {
      throw new RoseError({
        code: 'USAGE',
        message: `the simulator runs PTX, and "${image.name}" comes without it`,
        next: 'open the library with its PTX files beside the cubins',
      });
    }
    const module = parsePtx(image.ptx, image.name);
    const kernels = new Map<string, SimKernelHandle>();
    return {
      kernel: (entry) => {
        let handle = kernels.get(entry);
        if (!handle) {
          handle = new SimKernelHandle(entry, compileKernel(module, entry));
          kernels.set(entry, handle);
        }
        return handle;
      },
      unload: () => {
        kernels.clear();
      },
    };
  }

  launch(handle: DeviceKernel, launch: KernelLaunch): void {
    if (!(handle instanceof SimKernelHandle)) throw foreign('kernel');
    const { kernel } = handle;
    const { checks, limits, onFaults } = this.options;
    const stream = launch.stream?.handle ?? 0n;
    const pending = launch.pdl ? this.#written.get(stream) : undefined;
    const { reports, written } = simulate(kernel, {
      grid: launch.grid,
      block: launch.block,
      ...(launch.cluster && { cluster: launch.cluster }),
      dynamicSharedBytes: launch.sharedMemoryBytes,
      parameters: launch.parameters,
      memory: this.memory,
      multiprocessors: this.multiprocessors,
      ...(checks !== undefined && { checks }),
      ...(limits && { limits }),
      ...(pending && { pending }),
    });
    this.#written.set(stream, written);
    if (!reports.length) return;
    if (!onFaults) throw faultError(kernel.program, reports);
    onFaults(reports);
  }

  synchronize(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    for (const allocation of [...this.memory.allocations]) this.memory.free(allocation);
  }
}

function own(buffer: DeviceBuffer): Allocation {
  if (!(buffer instanceof Allocation)) throw foreign('buffer');
  return buffer;
}

function foreign(what: string): RoseError {
  return new RoseError({
    code: 'USAGE',
    message: `the ${what} belongs to another device`,
    next: `use a ${what} that this device made`,
  });
}
