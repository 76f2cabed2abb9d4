/**
 * A CUDA driver in memory: device and host memory, streams, graphs, modules and launches, all done at once.
 *
 * It checks every argument as the real one would (handles that exist, a current context, copies within allocations,
 * nothing that a capture forbids), counts what is alive, records calls, and fails where a test asks it to.
 */

import type { CudaDriver } from '../../src/runtime/driver/cuda-driver.js';
import { SIGNATURES, type CudaApi, type CudaFunction } from '../../src/runtime/driver/signatures.js';

export interface FakeKernel {
  /** Offset and size of each parameter, in bytes. */
  readonly params: readonly (readonly [offset: number, size: number])[];
  readonly run?: (launch: FakeLaunch) => void;
}

export interface FakeLaunch {
  readonly entry: string;
  readonly grid: readonly number[];
  readonly block: readonly number[];
  readonly sharedMemoryBytes: number;
  readonly stream: number;
  /** By attribute id. */
  readonly attributes: ReadonlyMap<number, readonly number[]>;
  readonly parameters: DataView;
  /** Device memory from an address on. */
  memory(address: bigint, bytes: number): Uint8Array;
}

export interface FakeDevice {
  readonly name: string;
  readonly capability: readonly [number, number];
  readonly memoryBytes: number;
}

type Kind = 'stream' | 'event' | 'module' | 'function' | 'graph' | 'exec';

interface Thing {
  readonly kind: Kind;
  readonly name?: string;
  readonly steps?: (() => number)[];
  at?: number;
}

const OK = 0;
const INVALID_VALUE = 1;
const OUT_OF_MEMORY = 2;
const INVALID_IMAGE = 200;
const INVALID_CONTEXT = 201;
const INVALID_HANDLE = 400;
const NOT_FOUND = 500;
const CAPTURE_UNSUPPORTED = 900;
const GRAPH_UPDATE_FAILURE = 910;

const NAMES: Readonly<Record<number, readonly [string, string]>> = {
  1: ['CUDA_ERROR_INVALID_VALUE', 'invalid argument'],
  2: ['CUDA_ERROR_OUT_OF_MEMORY', 'out of memory'],
  200: ['CUDA_ERROR_INVALID_IMAGE', 'device kernel image is invalid'],
  201: ['CUDA_ERROR_INVALID_CONTEXT', 'invalid device context'],
  400: ['CUDA_ERROR_INVALID_HANDLE', 'invalid resource handle'],
  700: ['CUDA_ERROR_ILLEGAL_ADDRESS', 'an illegal memory access was encountered'],
  719: ['CUDA_ERROR_LAUNCH_FAILED', 'unspecified launch failure'],
  900: ['CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED', 'operation not permitted when stream is capturing'],
};

const H200: FakeDevice = { name: 'Fake H200', capability: [9, 0], memoryBytes: 2 ** 30 };

/** The image that a fake module is loaded from: anything that begins as an ELF file does. */
export const FAKE_CUBIN = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0, 0, 0, 0);

export class FakeDriver implements CudaDriver {
  readonly library = 'fake libcuda';
  readonly api: CudaApi;
  currentContext = 0;
  version = 12_080;
  /** Names of the functions called, in order. */
  calls: CudaFunction[] = [];
  readonly launches: FakeLaunch[] = [];
  readonly missing = new Set<CudaFunction>();
  memoryPools = 1;
  /** Whether devices reach each other's memory. */
  peers = 1;
  /** Which pools were opened to which devices: `0 to 1`. */
  readonly opened: string[] = [];

  readonly #devices: readonly FakeDevice[];
  readonly #kernels: Readonly<Record<string, FakeKernel>>;
  readonly #host = new Map<number, ArrayBuffer>();
  readonly #addresses = new WeakMap<ArrayBuffer, number>();
  readonly #things = new Map<number, Thing>();
  readonly #memory = new Map<number, { readonly device: number; readonly bytes: Uint8Array }>();
  readonly #pinned = new Set<number>();
  readonly #contexts = new Map<number, number>();
  readonly #failures = new Map<CudaFunction, { status: number; after: number }>();
  readonly #capturing = new Map<number, (() => number)[]>();
  #poison = OK;
  #next = 0x1000;

  constructor(
    options: {
      readonly devices?: readonly FakeDevice[];
      readonly kernels?: Readonly<Record<string, FakeKernel>>;
    } = {},
  ) {
    this.#devices = options.devices ?? [H200];
    this.#kernels = options.kernels ?? {};
    const functions = this.#functions();
    const checked: Partial<Record<CudaFunction, (...args: number[]) => number>> = {};
    for (const name of Object.keys(SIGNATURES) as CudaFunction[]) {
      const call = functions[name] as (...args: number[]) => number;
      checked[name] = (...args) => this.#call(name, call, args);
    }
    this.api = checked as unknown as CudaApi;
  }

  has(name: CudaFunction): boolean {
    return !this.missing.has(name);
  }

  addressOf(memory: ArrayBuffer | ArrayBufferView): number {
    const buffer = (ArrayBuffer.isView(memory) ? memory.buffer : memory) as ArrayBuffer;
    let base = this.#addresses.get(buffer);
    if (base === undefined) {
      base = this.#reserve(Math.max(buffer.byteLength, 1));
      this.#addresses.set(buffer, base);
      this.#host.set(base, buffer);
    }
    return base + (ArrayBuffer.isView(memory) ? memory.byteOffset : 0);
  }

  textAt(address: number): string {
    const { bytes, from } = this.#hostBytes(address);
    return new TextDecoder().decode(bytes.subarray(from, bytes.indexOf(0, from)));
  }

  memoryAt(address: number, bytes: number): ArrayBuffer {
    const memory = this.#host.get(address)!;
    if (memory.byteLength < bytes) throw new Error('memory beyond a host allocation');
    return memory;
  }

  /** Makes the n-th call from now of a function fail. */
  fail(name: CudaFunction, status: number, after = 0): void {
    this.#failures.set(name, { status, after });
  }

  /** Every later call reports this fault. */
  poison(status: number): void {
    this.#poison = status;
  }

  /** How many of each kind are alive; kinds with none are left out. */
  get live(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    const count = (kind: string, by: number): void => {
      if (by > 0) counts[kind] = (counts[kind] ?? 0) + by;
    };
    for (const { kind } of this.#things.values()) if (kind !== 'function') count(kind, 1);
    count('allocation', this.#memory.size);
    count('pinned', this.#pinned.size);
    for (const references of this.#contexts.values()) count('context', references);
    return counts;
  }

  /** An allocation that no runtime made, as another library has it. */
  foreign(bytes: number, device = 0): bigint {
    const address = this.#reserve(bytes);
    this.#memory.set(address, { device, bytes: new Uint8Array(bytes) });
    return BigInt(address);
  }

  /** Host memory from an address on, for libraries that stand beside the driver. */
  host(address: number, bytes: number): DataView {
    const { bytes: memory, from } = this.#hostBytes(address);
    return new DataView(memory.buffer, from, bytes);
  }

  /** Device memory from an address on; undefined where it is not all of one allocation. */
  device(address: number, bytes: number): Uint8Array | undefined {
    return this.#deviceBytes(address, bytes);
  }

  /** A status: the work is done now, or kept where the stream is captured. */
  enqueue(stream: number, work: () => number): number {
    return this.#queue(stream, work);
  }

  #call(name: CudaFunction, call: (...args: number[]) => number, args: number[]): number {
    this.calls.push(name);
    if (args.length !== SIGNATURES[name].takes.length) throw new Error(`${name}: ${args.length} arguments`);
    args.forEach((argument, i) => {
      const type = SIGNATURES[name].takes[i]!;
      const low = type === 'int32' ? -(2 ** 31) : 0;
      if (!Number.isSafeInteger(argument) || argument < low)
        throw new Error(`${name}: argument ${i} is ${argument}`);
    });
    const failure = this.#failures.get(name);
    if (failure) {
      if (failure.after === 0) {
        this.#failures.delete(name);
        return failure.status;
      }
      failure.after--;
    }
    const anyContext = /^(cuInit|cuDriver|cuGetError|cuDevice|cuCtxSetCurrent)/.test(name);
    if (!anyContext) {
      if (this.#poison !== OK) return this.#poison;
      if (this.currentContext === 0 || !this.#contexts.has(this.currentContext)) return INVALID_CONTEXT;
    }
    return call(...args);
  }

  #reserve(bytes: number): number {
    const address = this.#next;
    this.#next += Math.ceil(bytes / 256) * 256 + 256;
    return address;
  }

  #hostBytes(address: number): { bytes: Uint8Array; from: number } {
    for (const [base, buffer] of this.#host) {
      if (address >= base && address < base + Math.max(buffer.byteLength, 1)) {
        return { bytes: new Uint8Array(buffer), from: address - base };
      }
    }
    throw new Error(`host address ${address} belongs to no memory`);
  }

  #host64(address: number): DataView {
    const { bytes, from } = this.#hostBytes(address);
    return new DataView(bytes.buffer, from, 8);
  }

  #put64(address: number, value: number): number {
    this.#host64(address).setBigUint64(0, BigInt(value), true);
    return OK;
  }

  #put32(address: number, value: number): number {
    const { bytes, from } = this.#hostBytes(address);
    new DataView(bytes.buffer, from, 4).setInt32(0, value, true);
    return OK;
  }

  #get64(address: number): number {
    return Number(this.#host64(address).getBigUint64(0, true));
  }

  #deviceBytes(address: number, bytes: number): Uint8Array | undefined {
    for (const [base, allocation] of this.#memory) {
      if (address >= base && address + bytes <= base + allocation.bytes.length) {
        return allocation.bytes.subarray(address - base, address - base + bytes);
      }
    }
    return undefined;
  }

  #make(kind: Kind, out: number, more: Partial<Thing> = {}): number {
    const handle = this.#reserve(1);
    this.#things.set(handle, { kind, ...more });
    return this.#put64(out, handle);
  }

  #is(handle: number, kind: Kind): boolean {
    return this.#things.get(handle)?.kind === kind;
  }

  #end(handle: number, kind: Kind): number {
    if (!this.#is(handle, kind)) return INVALID_HANDLE;
    this.#things.delete(handle);
    return OK;
  }

  /** Does the work now, or keeps it where the stream is captured. */
  #queue(stream: number, work: () => number): number {
    if (!this.#is(stream, 'stream')) return INVALID_HANDLE;
    const steps = this.#capturing.get(stream);
    if (!steps) return work();
    steps.push(work);
    return OK;
  }

  #allocate(out: number, bytes: number): number {
    if (this.#capturing.size > 0) return CAPTURE_UNSUPPORTED;
    if (bytes === 0) return INVALID_VALUE;
    const used = [...this.#memory.values()].reduce((sum, allocation) => sum + allocation.bytes.length, 0);
    if (used + bytes > this.#devices[0]!.memoryBytes) return OUT_OF_MEMORY;
    const address = this.#reserve(bytes);
    this.#memory.set(address, { device: this.#ordinal(), bytes: new Uint8Array(bytes).fill(0xcd) });
    return this.#put64(out, address);
  }

  #free(address: number): number {
    return this.#memory.delete(address) ? OK : INVALID_VALUE;
  }

  #ordinal(): number {
    return this.currentContext - 1;
  }

  #launch(config: number, kernel: number, params: number, extra: number): number {
    const thing = this.#things.get(kernel);
    if (thing?.kind !== 'function' || params !== 0) return INVALID_HANDLE;
    const { bytes, from } = this.#hostBytes(config);
    const view = new DataView(bytes.buffer, from);
    const u32 = (at: number, count: number): number[] =>
      Array.from({ length: count }, (_, i) => view.getUint32(at + 4 * i, true));
    const stream = this.#get64(config + 32);
    const first = this.#get64(config + 40);
    const attributes = new Map<number, readonly number[]>();
    for (let i = 0; i < view.getUint32(48, true); i++) {
      const { bytes: memory, from: at } = this.#hostBytes(first + 72 * i);
      const attribute = new DataView(memory.buffer, at, 72);
      const values = [8, 12, 16].map((offset) => attribute.getInt32(offset, true));
      attributes.set(attribute.getUint32(0, true), values);
    }
    if (this.#get64(extra) !== 1 || this.#get64(extra + 16) !== 2 || this.#get64(extra + 32) !== 0) {
      return INVALID_VALUE;
    }
    const size = this.#get64(this.#get64(extra + 24));
    const packed = this.#hostBytes(this.#get64(extra + 8));
    const copy = packed.bytes.slice(packed.from, packed.from + size);
    const launch: FakeLaunch = {
      entry: thing.name!,
      grid: u32(0, 3),
      block: u32(12, 3),
      sharedMemoryBytes: view.getUint32(24, true),
      stream,
      attributes,
      parameters: new DataView(copy.buffer),
      memory: (address, count) => {
        const found = this.#deviceBytes(Number(address), count);
        if (!found) throw new Error(`a kernel reads ${count} bytes at ${address}`);
        return found;
      },
    };
    return this.#queue(stream, () => {
      this.launches.push(launch);
      this.#kernels[launch.entry]!.run?.(launch);
      return OK;
    });
  }

  #functions(): CudaApi {
    const device = (ordinal: number): FakeDevice | undefined => this.#devices[ordinal];
    const attributes = (info: FakeDevice): Readonly<Record<number, number>> => ({
      16: 132,
      38: 2 ** 20,
      75: info.capability[0],
      76: info.capability[1],
      95: 1,
      97: 227 * 1024,
      115: this.memoryPools,
    });
    const text = (status: number, out: number, which: 0 | 1): number => {
      const known = NAMES[status];
      if (!known) return INVALID_VALUE;
      return this.#put64(out, this.addressOf(new TextEncoder().encode(`${known[which]}\0`)));
    };
    const copy = (stream: number, host: number, at: number, count: number, toDevice: boolean): number =>
      this.#queue(stream, () => {
        const memory = this.#deviceBytes(at, count);
        if (!memory) return INVALID_VALUE;
        const { bytes, from } = this.#hostBytes(host);
        if (toDevice) memory.set(bytes.subarray(from, from + count));
        else bytes.set(memory, from);
        return OK;
      });
    const captured = (stream: number): boolean => this.#capturing.has(stream);
    return {
      cuInit: () => OK,
      cuDriverGetVersion: (out) => this.#put32(out, this.version),
      cuGetErrorName: (status, out) => text(status, out, 0),
      cuGetErrorString: (status, out) => text(status, out, 1),
      cuDeviceGetCount: (out) => this.#put32(out, this.#devices.length),
      cuDeviceGet: (out, ordinal) => (device(ordinal) ? this.#put32(out, ordinal) : 101),
      cuDeviceGetName: (out, length, ordinal) => {
        const { bytes, from } = this.#hostBytes(out);
        bytes.set(new TextEncoder().encode(`${device(ordinal)!.name}\0`).subarray(0, length), from);
        return OK;
      },
      cuDeviceGetAttribute: (out, id, ordinal) => {
        const value = attributes(device(ordinal)!)[id];
        return value === undefined ? INVALID_VALUE : this.#put32(out, value);
      },
      cuDeviceCanAccessPeer: (out, ordinal, peer) =>
        device(ordinal) && device(peer) && ordinal !== peer ? this.#put32(out, this.peers) : 101,
      cuDeviceTotalMem: (out, ordinal) => this.#put64(out, device(ordinal)!.memoryBytes),
      cuDevicePrimaryCtxRetain: (out, ordinal) => {
        if (this.#poison !== OK) return this.#poison;
        const handle = ordinal + 1;
        this.#contexts.set(handle, (this.#contexts.get(handle) ?? 0) + 1);
        return this.#put64(out, handle);
      },
      cuDevicePrimaryCtxRelease: (ordinal) => {
        const references = this.#contexts.get(ordinal + 1);
        if (references === undefined) return INVALID_CONTEXT;
        if (references > 1) this.#contexts.set(ordinal + 1, references - 1);
        else {
          this.#contexts.delete(ordinal + 1);
          if (this.#poison !== OK) {
            // A poisoned context takes everything in it along; the process stays poisoned.
            this.#things.clear();
            this.#memory.clear();
            this.#pinned.clear();
          }
        }
        return OK;
      },
      cuCtxSetCurrent: (handle) =>
        handle === 0 || this.#contexts.has(handle) ? this.#poison : INVALID_CONTEXT,
      cuCtxGetStreamPriorityRange: (least, greatest) => this.#put32(least, 0) || this.#put32(greatest, -5),
      cuModuleLoadData: (out, image) => {
        const { bytes, from } = this.#hostBytes(image);
        const elf = bytes[from] === 0x7f && bytes[from + 1] === 0x45;
        const ptx = Buffer.from(bytes.slice(from, from + 8)).toString('latin1') === '.version';
        return elf || ptx ? this.#make('module', out) : INVALID_IMAGE;
      },
      cuModuleUnload: (handle) => this.#end(handle, 'module'),
      cuModuleGetFunction: (out, handle, name) => {
        if (!this.#is(handle, 'module')) return INVALID_HANDLE;
        const entry = this.textAt(name);
        return this.#kernels[entry] ? this.#make('function', out, { name: entry }) : NOT_FOUND;
      },
      cuFuncGetAttribute: (out) => this.#put32(out, 32),
      cuFuncSetAttribute: (handle) => (this.#is(handle, 'function') ? OK : INVALID_HANDLE),
      cuFuncGetParamInfo: (handle, index, offset, size) => {
        const param = this.#kernels[this.#things.get(handle)?.name ?? '']?.params[index];
        return param ? this.#put64(offset, param[0]) || this.#put64(size, param[1]) : INVALID_VALUE;
      },
      // As many clusters as a device of 13 groups of SMs has, whatever their size.
      cuOccupancyMaxActiveClusters: (out, handle, config) =>
        this.#is(handle, 'function') && this.host(config, 12).getUint32(0, true) > 0
          ? this.#put32(out, 13)
          : INVALID_VALUE,
      cuLaunchKernelEx: (config, kernel, params, extra) => this.#launch(config, kernel, params, extra),
      cuMemGetInfo: (free, total) => this.#put64(free, 2 ** 25) || this.#put64(total, 2 ** 26),
      cuMemAlloc: (out, bytes) => this.#allocate(out, bytes),
      cuMemFree: (address) => this.#free(address),
      cuMemAllocAsync: (out, bytes, stream) =>
        this.#is(stream, 'stream') ? this.#allocate(out, bytes) : INVALID_HANDLE,
      cuMemFreeAsync: (address, stream) =>
        this.#is(stream, 'stream') ? this.#free(address) : INVALID_HANDLE,
      cuDeviceGetDefaultMemPool: (out) => this.#put64(out, 77),
      cuMemPoolSetAttribute: (pool) => (pool === 77 ? OK : INVALID_HANDLE),
      cuMemPoolSetAccess: (pool, list, count) => {
        if (pool !== 77) return INVALID_HANDLE;
        for (let i = 0; i < count; i++) {
          const access = this.host(list + 12 * i, 12);
          const [type, ordinal, flags] = [0, 4, 8].map((at) => access.getInt32(at, true));
          if (type !== 1 || flags !== 3 || !device(ordinal!)) return INVALID_VALUE;
          this.opened.push(`${this.#ordinal()} to ${ordinal}`);
        }
        return OK;
      },
      cuMemPoolTrimTo: (pool) => (pool === 77 ? OK : INVALID_HANDLE),
      cuMemHostAlloc: (out, bytes) => {
        const address = this.addressOf(new ArrayBuffer(bytes));
        this.#pinned.add(address);
        return this.#put64(out, address);
      },
      cuMemFreeHost: (address) => (this.#pinned.delete(address) ? OK : INVALID_VALUE),
      cuMemcpyHtoDAsync: (to, from, bytes, stream) => copy(stream, from, to, bytes, true),
      cuMemcpyDtoHAsync: (to, from, bytes, stream) => copy(stream, to, from, bytes, false),
      cuMemcpyDtoDAsync: (to, from, bytes, stream) =>
        this.#queue(stream, () => {
          const [target, source] = [this.#deviceBytes(to, bytes), this.#deviceBytes(from, bytes)];
          if (!target || !source) return INVALID_VALUE;
          target.set(source);
          return OK;
        }),
      cuMemsetD8Async: (at, byte, bytes, stream) =>
        this.#queue(stream, () => {
          const memory = this.#deviceBytes(at, bytes);
          memory?.fill(byte);
          return memory ? OK : INVALID_VALUE;
        }),
      cuPointerGetAttribute: (out, id, address) => {
        for (const [base, { device: owner, bytes }] of this.#memory) {
          if (address < base || address >= base + bytes.length) continue;
          const value = { 9: owner, 11: base, 12: bytes.length }[id];
          if (value === undefined) return INVALID_VALUE;
          return id === 9 ? this.#put32(out, value) : this.#put64(out, value);
        }
        return INVALID_VALUE;
      },
      cuTensorMapEncodeTiled: (out, dtype, rank, address, extents) => {
        if (out % 64 !== 0 || address % 16 !== 0) return INVALID_VALUE;
        this.#put32(out, dtype);
        this.#put32(out + 4, rank);
        return this.#put64(out + 8, this.#get64(extents));
      },
      cuStreamCreateWithPriority: (out) => this.#make('stream', out),
      cuStreamQuery: (handle) => {
        if (captured(handle)) return CAPTURE_UNSUPPORTED;
        return this.#is(handle, 'stream') ? OK : INVALID_HANDLE;
      },
      cuStreamSynchronize: (handle) => {
        if (captured(handle)) return CAPTURE_UNSUPPORTED;
        return this.#is(handle, 'stream') ? OK : INVALID_HANDLE;
      },
      cuStreamWaitEvent: (stream, event) =>
        this.#is(stream, 'stream') && this.#is(event, 'event') ? OK : INVALID_HANDLE,
      cuStreamDestroy: (handle) => this.#end(handle, 'stream'),
      cuEventCreate: (out) => this.#make('event', out),
      cuEventRecord: (event, stream) => {
        const thing = this.#things.get(event);
        if (thing?.kind !== 'event' || !this.#is(stream, 'stream')) return INVALID_HANDLE;
        thing.at = this.calls.length;
        return OK;
      },
      cuEventQuery: (event) => (this.#is(event, 'event') ? OK : INVALID_HANDLE),
      cuEventSynchronize: (event) => (this.#is(event, 'event') ? OK : INVALID_HANDLE),
      cuEventElapsedTime: (out, from, to) => {
        const [a, b] = [this.#things.get(from)?.at, this.#things.get(to)?.at];
        if (a === undefined || b === undefined) return INVALID_HANDLE;
        const { bytes, from: at } = this.#hostBytes(out);
        new DataView(bytes.buffer, at, 4).setFloat32(0, b - a, true);
        return OK;
      },
      cuEventDestroy: (handle) => this.#end(handle, 'event'),
      cuStreamBeginCapture: (stream) => {
        if (!this.#is(stream, 'stream') || captured(stream)) return INVALID_HANDLE;
        this.#capturing.set(stream, []);
        return OK;
      },
      cuStreamEndCapture: (stream, out) => {
        const steps = this.#capturing.get(stream);
        if (!steps) return INVALID_HANDLE;
        this.#capturing.delete(stream);
        return this.#make('graph', out, { steps });
      },
      cuGraphGetNodes: (graph, nodes, count) =>
        nodes === 0 && this.#is(graph, 'graph')
          ? this.#put64(count, this.#things.get(graph)!.steps!.length)
          : INVALID_HANDLE,
      cuGraphInstantiate: (out, graph) =>
        this.#is(graph, 'graph')
          ? this.#make('exec', out, { steps: [...this.#things.get(graph)!.steps!] })
          : INVALID_HANDLE,
      cuGraphExecUpdate: (exec, graph) => {
        const [own, other] = [this.#things.get(exec)?.steps, this.#things.get(graph)?.steps];
        if (!own || !other) return INVALID_HANDLE;
        if (own.length !== other.length) return GRAPH_UPDATE_FAILURE;
        own.splice(0, own.length, ...other);
        return OK;
      },
      cuGraphLaunch: (exec, stream) => {
        const thing = this.#things.get(exec);
        if (thing?.kind !== 'exec' || !this.#is(stream, 'stream')) return INVALID_HANDLE;
        return thing.steps!.reduce((status, step) => status || step(), OK);
      },
      cuGraphExecDestroy: (handle) => this.#end(handle, 'exec'),
      cuGraphDestroy: (handle) => this.#end(handle, 'graph'),
    };
  }
}
