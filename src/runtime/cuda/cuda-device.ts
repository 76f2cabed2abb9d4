/** A GPU behind the device interface, with what only a GPU has: events, pinned memory, asynchronous copies, graphs. */

import type {
  DeviceBuffer,
  DeviceKernel,
  DeviceStream,
  KernelLaunch,
  ModuleImage,
} from '../../device/device.js';
import type { ParamEntry } from '../../device/manifest.js';
import { RoseError } from '../../util/errors.js';
import { ownBuffer, RuntimeBuffer } from '../buffer.js';
import { BufferTable, type Slot } from '../buffer-table.js';
import type { CudaDriver } from '../driver/cuda-driver.js';
import type { LaunchShape } from '../driver/launch-packet.js';
import { Resource } from '../lifetime.js';
import type { AllocateOn, PreparedKernel, RuntimeDevice } from '../runtime-device.js';
import { CudaContext } from './context.js';
import type { CudaDeviceInfo } from './devices.js';
import type { CudaGraph, GraphMember } from './graph.js';
import { CudaKernel, CudaModule } from './module.js';
import { PinnedBuffer } from './pinned.js';
import { CudaPool } from './pool.js';
import { StreamSet } from './stream-set.js';
import { CudaEvent, poll, type CudaStream, type EventOptions } from './stream.js';
import { encodeTensorMap, type TensorMapOptions } from './tensor-map.js';
import { Transfers, type CopyRange } from './transfers.js';
import { foreignRange } from './wrap.js';

export class CudaDevice extends Resource implements RuntimeDevice {
  readonly kind = 'cuda';
  readonly code = 'cubin';
  readonly name: string;
  readonly arch: string;
  readonly multiprocessors: number;
  readonly cudaVersion: number;
  readonly context: CudaContext;
  readonly buffers = new BufferTable();
  /** The stream of everything that names none. */
  readonly stream: CudaStream;
  readonly #pool: CudaPool;
  readonly #streams: StreamSet;
  readonly #transfers: Transfers;

  constructor(
    driver: CudaDriver,
    readonly info: CudaDeviceInfo,
  ) {
    super(`the CUDA device ${info.ordinal} (${info.name})`);
    ({ name: this.name, arch: this.arch, multiprocessors: this.multiprocessors } = info);
    this.cudaVersion = info.cudaVersion;
    this.context = new CudaContext(driver, info.ordinal);
    this.#streams = new StreamSet(this.context);
    this.stream = this.#streams.create(0);
    this.#transfers = new Transfers(this.context, this.buffers, this.#streams, this.stream);
    this.#pool = new CudaPool(this.context, info.memoryPools);
  }

  alloc(bytes: number, options: AllocateOn = {}): RuntimeBuffer {
    this.#streams.assertNotCapturing('allocated');
    this.context.activate();
    const name = options.name ?? `buffer ${this.buffers.count}`;
    const stream = this.streamAddress(options.stream);
    const others = options.stream ? [] : this.#streams.all;
    const at = this.#pool.alloc(bytes, `"${name}"`, stream, others);
    const slot = this.buffers.add(at, bytes, name);
    return new RuntimeBuffer(this.buffers, slot, (on) => {
      this.#giveBack(slot, on);
    });
  }

  /** Frees it once all streams are done with what they have; on one stream, in its order. */
  free(buffer: DeviceBuffer, stream?: DeviceStream): void {
    ownBuffer(buffer, this.buffers).freeOn(stream);
  }

  /**
   * Memory of this GPU that another library allocated, such as a tensor of torch. Raises HANDLE_CLOSED where the driver
   * knows of no such memory, or has less of it.
   */
  wrap(address: bigint, bytes: number, name = 'foreign memory'): RuntimeBuffer {
    const at = foreignRange(this.context, address, bytes);
    const slot = this.buffers.add(at, bytes, name, true);
    return new RuntimeBuffer(this.buffers, slot, () => {
      this.buffers.remove(slot);
    });
  }

  copyIn(buffer: DeviceBuffer, data: Uint8Array, offset = 0, stream?: DeviceStream): void {
    this.#transfers.copyIn(buffer, data, offset, stream);
  }

  copyOut(buffer: DeviceBuffer, into: Uint8Array, offset = 0, stream?: DeviceStream): void {
    this.#transfers.copyOut(buffer, into, offset, stream);
  }

  /** Queues a copy from pinned memory, which must not change before the stream gets there. */
  copyInAsync(buffer: DeviceBuffer, from: PinnedBuffer, range: CopyRange = {}): void {
    this.#transfers.copyInAsync(buffer, from, range);
  }

  /** Queues a copy to pinned memory, which is to be read after the stream got there. */
  copyOutAsync(buffer: DeviceBuffer, into: PinnedBuffer, range: CopyRange = {}): void {
    this.#transfers.copyOutAsync(buffer, into, range);
  }

  /** Queues a copy of `bytes` bytes, by default all of `from`, between two buffers of this device. */
  copy(to: DeviceBuffer, from: DeviceBuffer, bytes = from.bytes, stream?: DeviceStream): void {
    this.#transfers.copy(to, from, bytes, stream);
  }

  fill(buffer: DeviceBuffer, byte: number, stream?: DeviceStream): void {
    this.#transfers.fill(buffer, byte, stream);
  }

  /** Lets another GPU of this process reach the memory of this one; false where the machine has no way between them. */
  openMemoryTo(peer: CudaDevice): boolean {
    this.context.activate();
    return this.#pool.openTo(peer.info.ordinal);
  }

  pinned(bytes: number): PinnedBuffer {
    return new PinnedBuffer(this.context, bytes);
  }

  /** @param priority lower goes first; 0 is the lowest */
  createStream(priority = 0): CudaStream {
    return this.#streams.create(priority, this.stream);
  }

  createEvent(options: EventOptions = {}): CudaEvent {
    return new CudaEvent(this.context, options);
  }

  loadModule(image: ModuleImage): CudaModule {
    if (image.cubin) return new CudaModule(this.context, image.name, image.cubin);
    throw new RoseError({
      code: 'USAGE',
      message: `a GPU runs cubins, and "${image.name}" comes without one`,
      next: 'open the library with its cubin files',
    });
  }

  prepare(kernel: DeviceKernel, shape: LaunchShape): PreparedKernel {
    const own = this.#kernelOf(kernel);
    const packet = own.pack(shape);
    packet.setStream(this.stream.at);
    return {
      parameters: packet.parameters,
      setGrid: (x, y, z) => {
        packet.setGrid(x, y, z);
      },
      setStream: (handle) => {
        packet.setStream(this.#streams.resolve(handle, this.stream));
      },
      launch: () => {
        own.launch(packet);
      },
    };
  }

  activeClusters(kernel: DeviceKernel, shape: LaunchShape): number {
    return this.#kernelOf(kernel).activeClusters(shape);
  }

  launch(kernel: DeviceKernel, launch: KernelLaunch): void {
    const { grid, block, cluster, sharedMemoryBytes, parameters, pdl, stream } = launch;
    const packet = this.#kernelOf(kernel).pack({
      block,
      cluster: cluster ?? [1, 1, 1],
      sharedMemoryBytes,
      pdl: pdl === true,
      cooperative: false,
      parameterBytes: parameters.length,
    });
    parameters.forEach((byte, i) => {
      packet.parameters.setUint8(i, byte);
    });
    packet.setGrid(...grid);
    packet.setStream(this.streamAddress(stream));
    this.#kernelOf(kernel).launch(packet);
  }

  checkParameters(kernel: DeviceKernel, params: readonly ParamEntry[]): void {
    this.#kernelOf(kernel).checkParameters(params);
  }

  /** What `work` queues on the stream, as a graph; nothing of it runs yet. */
  capture(stream: DeviceStream, work: () => void): CudaGraph {
    return this.#streams.capture(stream, this.buffers, work);
  }

  get capturing(): boolean {
    return this.#streams.capturing;
  }

  noteUse(slot: number, generation: number): void {
    this.#streams.noteUse(slot, generation);
  }

  /** Address of a stream; where none is named, of the device's own or the captured one. Raises HANDLE_CLOSED. */
  streamAddress(stream: DeviceStream | undefined): number {
    return this.#streams.resolve(stream?.handle, this.stream);
  }

  /** Tells a capture that its graph holds work of something that has to outlive it. */
  noteMember(member: GraphMember): void {
    this.#streams.noteMember(member);
  }

  tensorMap(options: TensorMapOptions): Uint8Array<ArrayBuffer> {
    return encodeTensorMap(this.context, options);
  }

  /** Free and total bytes of the GPU's memory. */
  memoryInfo(): { readonly free: number; readonly total: number } {
    this.context.activate();
    const { api, out } = this.context;
    this.context.check(api.cuMemGetInfo(out.address, out.address + 8), 'cuMemGetInfo');
    return { free: out.getAddress(0), total: out.getAddress(8) };
  }

  async synchronize(): Promise<void> {
    for (const stream of [...this.#streams.all]) await poll(() => this.context.isIdle(stream));
  }

  /** Ends everything; a fault that nobody had waited for yet is raised when that is done. */
  protected override release(): void {
    const { context, buffers } = this;
    let fault: unknown;
    try {
      if (!context.lost) this.#drain();
    } catch (error) {
      if (!context.lost) throw error;
      fault = error;
    }
    for (const slot of buffers) buffers.remove(slot);
    this.#pool.close();
    this.stream.close();
    context.close();
    if (fault !== undefined) throw fault;
  }

  #drain(): void {
    for (const stream of this.#streams.all) this.context.wait(stream);
    for (const { foreign, at } of this.buffers) if (!foreign) this.#pool.free(at, this.stream.at, []);
    this.stream.wait();
    this.#pool.trim();
  }

  #giveBack(slot: Slot, on: DeviceStream | undefined): void {
    this.#streams.assertNotCapturing('freed');
    if (!this.context.lost) {
      this.context.activate();
      this.#pool.free(slot.at, this.streamAddress(on), on ? [] : this.#streams.all);
    }
    this.buffers.remove(slot);
  }

  #kernelOf(kernel: DeviceKernel): CudaKernel {
    if (kernel instanceof CudaKernel && kernel.context === this.context) return kernel;
    throw new RoseError({
      code: 'HANDLE_CLOSED',
      message: `the kernel "${kernel.entry}" belongs to another device`,
      next: 'load its module on this device',
    });
  }
}
