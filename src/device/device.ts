/**
 * A device that runs kernels: the one interface that the CUDA driver and the simulator both stand behind.
 *
 * Addresses are device addresses in bytes. Work on one stream runs in order; a copy to or from the host returns when it
 * is done. Parameters come packed, laid out as the manifest says.
 */

export interface DeviceBuffer {
  readonly address: bigint;
  readonly bytes: number;
}

export interface DeviceStream {
  /** What a launch names it by. */
  readonly handle: bigint;
  /** Returns when all work on the stream is done. */
  synchronize(): Promise<void>;
  close(): void;
}

/** The code of a module: a device takes the form that it can run. */
export interface ModuleImage {
  /** For messages: the variant's id or a file name. */
  readonly name: string;
  readonly cubin?: Uint8Array;
  readonly ptx?: string;
}

export interface DeviceKernel {
  readonly entry: string;
}

export interface DeviceModule {
  /** @throws RoseError USAGE where the module has no such kernel */
  kernel(entry: string): DeviceKernel;
  unload(): void;
}

export interface KernelLaunch {
  /** Blocks in x, y and z. */
  readonly grid: readonly [number, number, number];
  /** Threads of a block in x, y and z. */
  readonly block: readonly [number, number, number];
  /** Blocks of a cluster; absent: no cluster. */
  readonly cluster?: readonly [number, number, number];
  /** Dynamic shared memory, in bytes. */
  readonly sharedMemoryBytes: number;
  /** The parameter buffer. */
  readonly parameters: Uint8Array;
  /** May start before the stream's previous kernel has ended (programmatic dependent launch). */
  readonly pdl?: boolean;
  readonly stream?: DeviceStream;
}

export interface AllocateOptions {
  /** For messages. */
  readonly name?: string;
}

export interface Device {
  readonly kind: 'cuda' | 'sim';
  readonly name: string;
  /** Architecture, such as `sm90`. */
  readonly arch: string;
  readonly multiprocessors: number;
  /** @throws RoseError SIM_LIMIT or DEVICE_MEMORY where there is too little memory */
  alloc(bytes: number, options?: AllocateOptions): DeviceBuffer;
  free(buffer: DeviceBuffer): void;
  copyIn(buffer: DeviceBuffer, data: Uint8Array, offset?: number, stream?: DeviceStream): void;
  copyOut(buffer: DeviceBuffer, into: Uint8Array, offset?: number, stream?: DeviceStream): void;
  fill(buffer: DeviceBuffer, byte: number, stream?: DeviceStream): void;
  createStream(): DeviceStream;
  /** @throws RoseError PTX_SYNTAX, PTX_UNSUPPORTED, CUBIN_INVALID */
  loadModule(image: ModuleImage): DeviceModule;
  /** Queues a kernel. @throws RoseError LAUNCH_GUARD where the shape is not legal */
  launch(kernel: DeviceKernel, launch: KernelLaunch): void;
  synchronize(): Promise<void>;
  close(): void;
}
