/** A cubin -> a loaded module, its kernels, and launches of them. */

import type { DeviceKernel, DeviceModule } from '../../device/device.js';
import type { ParamEntry } from '../../device/manifest.js';
import { RoseError } from '../../util/errors.js';
import { HostBlock } from '../driver/cuda-driver.js';
import { STATUS } from '../driver/driver-error.js';
import { LaunchPacket, type LaunchShape } from '../driver/launch-packet.js';
import { Resource } from '../lifetime.js';
import { noSuchKernel, type CudaContext } from './context.js';

const ATTRIBUTE = { maxDynamicSharedMemory: 8, nonPortableCluster: 14 } as const;
/** Dynamic shared memory that needs no permission, in bytes. */
const PLAIN_SHARED_MEMORY = 48 * 1024;
/** More parameters than any kernel has: they are at most 4 KB. */
const MAX_PARAMETERS = 4096;
/** Largest cluster that every device of an architecture with clusters runs. */
const PORTABLE_CLUSTER = 8;

export class CudaModule extends Resource implements DeviceModule {
  readonly #handle: number;
  readonly #kernels = new Map<string, CudaKernel>();

  /** Raises CUBIN_INVALID for an image that this device does not take. */
  constructor(
    readonly context: CudaContext,
    readonly name: string,
    image: Uint8Array,
  ) {
    super(`the module "${name}"`);
    context.activate();
    const { out, api, driver } = context;
    // The driver reads a pointer, not a length: a copy of our own cannot be a view into something else.
    const copy = Uint8Array.from(image);
    context.check(
      api.cuModuleLoadData(out.address, driver.addressOf(copy)),
      `cuModuleLoadData of "${name}" (${image.length} bytes)`,
    );
    this.#handle = context.adopt(out.getAddress(0), 'cuModuleUnload');
  }

  kernel(entry: string): CudaKernel {
    this.assertOpen();
    let kernel = this.#kernels.get(entry);
    if (!kernel) {
      kernel = new CudaKernel(this, entry, this.#function(entry));
      this.#kernels.set(entry, kernel);
    }
    return kernel;
  }

  unload(): void {
    this.close();
  }

  #function(entry: string): number {
    const { context } = this;
    context.activate();
    const { out, api, driver } = context;
    const name = new TextEncoder().encode(`${entry}\0`);
    const status = api.cuModuleGetFunction(out.address, this.#handle, driver.addressOf(name));
    const NOT_FOUND = 500;
    if (status === NOT_FOUND) throw noSuchKernel(entry, this.name, [...this.#kernels.keys()]);
    context.check(status, `cuModuleGetFunction of "${entry}"`);
    return out.getAddress(0);
  }

  protected override release(): void {
    this.context.destroy(this.#handle);
  }
}

export class CudaKernel implements DeviceKernel {
  #sharedMemory = PLAIN_SHARED_MEMORY;
  #nonPortable = false;

  constructor(
    readonly module: CudaModule,
    readonly entry: string,
    readonly handle: number,
  ) {}

  get context(): CudaContext {
    return this.module.context;
  }

  /** Asks the driver for what a shape needs beyond the usual, and packs a launch of it. */
  pack(shape: LaunchShape): LaunchPacket {
    const { context } = this;
    context.activate();
    if (shape.sharedMemoryBytes > this.#sharedMemory) {
      this.#allow(ATTRIBUTE.maxDynamicSharedMemory, shape.sharedMemoryBytes);
      this.#sharedMemory = shape.sharedMemoryBytes;
    }
    const cluster = shape.cluster[0] * shape.cluster[1] * shape.cluster[2];
    if (cluster > PORTABLE_CLUSTER && !this.#nonPortable) {
      this.#allow(ATTRIBUTE.nonPortableCluster, 1);
      this.#nonPortable = true;
    }
    return new LaunchPacket(context.driver, shape);
  }

  /** Clusters that the device has room for at once: how its SMs lie in groups counts too. */
  activeClusters(shape: LaunchShape): number {
    const { context } = this;
    const packet = this.pack(shape);
    packet.setGrid(...shape.cluster);
    const { out, api } = context;
    context.check(
      api.cuOccupancyMaxActiveClusters(out.address, this.handle, packet.config),
      `cuOccupancyMaxActiveClusters of "${this.entry}"`,
    );
    return out.view.getInt32(0, true);
  }

  launch(packet: LaunchPacket): void {
    const { context } = this;
    context.activate();
    const status = context.api.cuLaunchKernelEx(packet.config, this.handle, 0, packet.extra);
    if (status !== STATUS.success) throw context.error(status, `cuLaunchKernelEx of "${this.entry}"`);
  }

  /** Raises CUBIN_INVALID where the cubin has its parameters elsewhere than the manifest says. */
  checkParameters(params: readonly ParamEntry[]): void {
    const { context } = this;
    if (!context.driver.has('cuFuncGetParamInfo')) return;
    context.activate();
    const out = new HostBlock(context.driver, 16);
    const found: string[] = [];
    for (let i = 0; i < MAX_PARAMETERS; i++) {
      const status = context.api.cuFuncGetParamInfo(this.handle, i, out.address, out.address + 8);
      if (status === STATUS.invalidValue) break;
      context.check(status, `cuFuncGetParamInfo of "${this.entry}"`);
      found.push(`${out.getAddress(8)} bytes at ${out.getAddress(0)}`);
    }
    const expected = params.map(({ size, offset }) => `${size} bytes at ${offset}`);
    if (found.join() === expected.join()) return;
    throw new RoseError({
      code: 'CUBIN_INVALID',
      message: `the kernel "${this.entry}" of "${this.module.name}" takes other parameters than its manifest says`,
      actual: found.join(', ') || 'none',
      expected: expected.join(', ') || 'none',
      next: 'build the library again: cubin and manifest are of different builds',
    });
  }

  #allow(attribute: number, value: number): void {
    this.context.check(
      this.context.api.cuFuncSetAttribute(this.handle, attribute, value),
      `cuFuncSetAttribute(${attribute}, ${value}) of "${this.entry}"`,
    );
  }
}
