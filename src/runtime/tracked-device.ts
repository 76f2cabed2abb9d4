/** Any `Device` -> one that tracks its buffers and prepares launches, so that the simulator serves as the GPU does. */

import type {
  Device,
  DeviceBuffer,
  DeviceKernel,
  DeviceModule,
  DeviceStream,
  KernelLaunch,
  ModuleImage,
} from '../device/device.js';
import type { ParamEntry } from '../device/manifest.js';
import { assertRange, ownBuffer, RuntimeBuffer } from './buffer.js';
import { BufferTable } from './buffer-table.js';
import type { LaunchShape } from './driver/launch-packet.js';
import { closedError } from './lifetime.js';
import type { AllocateOn, PreparedKernel, RuntimeDevice } from './runtime-device.js';

export class TrackedDevice implements RuntimeDevice {
  readonly buffers = new BufferTable();
  readonly #memory = new Map<number, DeviceBuffer>();
  readonly #streams = new Map<bigint, DeviceStream>();

  readonly capturing = false;

  constructor(readonly inner: Device) {}

  get kind(): 'cuda' | 'sim' {
    return this.inner.kind;
  }

  get code(): 'cubin' | 'ptx' {
    return this.inner.kind === 'sim' ? 'ptx' : 'cubin';
  }

  get name(): string {
    return this.inner.name;
  }

  get arch(): string {
    return this.inner.arch;
  }

  get multiprocessors(): number {
    return this.inner.multiprocessors;
  }

  alloc(bytes: number, options: AllocateOn = {}): RuntimeBuffer {
    const name = options.name ?? `buffer ${this.buffers.count}`;
    const memory = this.inner.alloc(bytes, { name });
    const slot = this.buffers.add(Number(memory.address), bytes, name);
    this.#memory.set(slot.index, memory);
    return new RuntimeBuffer(this.buffers, slot, () => {
      this.inner.free(memory);
      this.#memory.delete(slot.index);
      this.buffers.remove(slot);
    });
  }

  free(buffer: DeviceBuffer): void {
    ownBuffer(buffer, this.buffers).close();
  }

  copyIn(buffer: DeviceBuffer, data: Uint8Array, offset = 0, stream?: DeviceStream): void {
    const own = ownBuffer(buffer, this.buffers);
    assertRange(own, offset, data.length);
    this.inner.copyIn(this.#memory.get(own.slot)!, data, offset, stream);
  }

  copyOut(buffer: DeviceBuffer, into: Uint8Array, offset = 0, stream?: DeviceStream): void {
    const own = ownBuffer(buffer, this.buffers);
    assertRange(own, offset, into.length);
    this.inner.copyOut(this.#memory.get(own.slot)!, into, offset, stream);
  }

  fill(buffer: DeviceBuffer, byte: number, stream?: DeviceStream): void {
    this.inner.fill(this.#memory.get(ownBuffer(buffer, this.buffers).slot)!, byte, stream);
  }

  createStream(): DeviceStream {
    const stream = this.inner.createStream();
    this.#streams.set(stream.handle, stream);
    return {
      handle: stream.handle,
      synchronize: () => stream.synchronize(),
      close: () => {
        this.#streams.delete(stream.handle);
        stream.close();
      },
    };
  }

  loadModule(image: ModuleImage): DeviceModule {
    return this.inner.loadModule(image);
  }

  launch(kernel: DeviceKernel, launch: KernelLaunch): void {
    this.inner.launch(kernel, launch);
  }

  prepare(kernel: DeviceKernel, shape: LaunchShape): PreparedKernel {
    const memory = new Uint8Array(shape.parameterBytes);
    let grid: readonly [number, number, number] = [1, 1, 1];
    let stream: DeviceStream | undefined;
    return {
      parameters: new DataView(memory.buffer),
      setGrid: (x, y, z) => {
        grid = [x, y, z];
      },
      setStream: (handle) => {
        stream = handle === undefined ? undefined : this.#streams.get(handle);
        if (handle !== undefined && !stream) throw closedError(`the stream ${handle}`);
      },
      launch: () => {
        const { block, cluster, sharedMemoryBytes, pdl } = shape;
        this.inner.launch(kernel, {
          ...{ grid, block, cluster, sharedMemoryBytes, pdl, parameters: memory },
          ...(stream && { stream }),
        });
      },
    };
  }

  checkParameters(_kernel: DeviceKernel, _params: readonly ParamEntry[]): void {
    // The simulator reads parameters by the declarations of the PTX, and reports an access beyond them.
  }

  noteUse(_slot: number, _generation: number): void {
    // Nothing is ever captured here.
  }

  synchronize(): Promise<void> {
    return this.inner.synchronize();
  }

  close(): void {
    for (const slot of this.buffers) this.buffers.remove(slot);
    this.#memory.clear();
    this.inner.close();
  }
}
