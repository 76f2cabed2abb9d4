/** A tensor in a buffer of the runtime: what typed bindings take, and what knows when its buffer was freed. */

import type { DeviceStream } from '../device/device.js';
import type { Tensor } from '../device/launcher.js';
import { RoseError } from '../util/errors.js';
import type { RuntimeBuffer } from './buffer.js';
import { decode, dtypeBytes, encode } from './dtype.js';
import type { RuntimeDevice } from './runtime-device.js';

export interface TensorOptions {
  /** Row-major values to start with; absent: the memory is what it is. */
  readonly values?: ArrayLike<number>;
  /** The same as bytes. */
  readonly bytes?: Uint8Array;
  /** For messages. */
  readonly name?: string;
}

export interface TensorView {
  /** In elements, one an axis; absent: row-major and contiguous. */
  readonly strides?: readonly number[];
  /** First element, in bytes from the start of the buffer. */
  readonly offsetBytes?: number;
}

export class DeviceTensor<Dtype extends string = string> implements Tensor<Dtype> {
  readonly address: bigint;
  /** The address as a number. */
  readonly at: number;
  readonly strides?: readonly number[];
  /** Bytes of the elements of a contiguous tensor of this shape. */
  readonly byteLength: number;
  readonly #offset: number;

  constructor(
    readonly device: RuntimeDevice,
    readonly buffer: RuntimeBuffer,
    readonly dtype: Dtype,
    readonly shape: readonly number[],
    view: TensorView = {},
  ) {
    this.#offset = view.offsetBytes ?? 0;
    this.at = buffer.at + this.#offset;
    this.address = BigInt(this.at);
    if (view.strides) this.strides = view.strides;
    this.byteLength = shape.reduce((count, extent) => count * extent, dtypeBytes(dtype));
  }

  /** Allocates a contiguous tensor. Raises USAGE where the values do not fill it, and what `alloc` raises. */
  static create<Dtype extends string>(
    device: RuntimeDevice,
    dtype: Dtype,
    shape: readonly number[],
    options: TensorOptions = {},
  ): DeviceTensor<Dtype> {
    const bytes = options.bytes ?? (options.values && encode(dtype, options.values));
    const size = shape.reduce((count, extent) => count * extent, dtypeBytes(dtype));
    if (bytes && bytes.length !== size) {
      throw new RoseError({
        code: 'USAGE',
        message: `the values do not fill a (${shape.join(', ')}) ${dtype} tensor`,
        actual: `${bytes.length} bytes`,
        expected: `${size} bytes`,
        next: 'give one value an element',
      });
    }
    const buffer = device.alloc(size, options.name === undefined ? {} : { name: options.name });
    const tensor = new DeviceTensor(device, buffer, dtype, shape);
    if (bytes) device.copyIn(buffer, bytes);
    return tensor;
  }

  /** Another shape or part of the same memory. */
  view(shape: readonly number[], view: TensorView = {}): DeviceTensor<Dtype> {
    const offsetBytes = this.#offset + (view.offsetBytes ?? 0);
    return new DeviceTensor(this.device, this.buffer, this.dtype, shape, { ...view, offsetBytes });
  }

  /** Copies numbers in, rounded to the dtype. */
  write(values: ArrayLike<number>, stream?: DeviceStream): void {
    this.device.copyIn(this.buffer, encode(this.dtype, values), this.#offset, stream);
  }

  /** The elements as numbers, for a contiguous tensor. */
  read(stream?: DeviceStream): Float64Array {
    return decode(this.dtype, this.readBytes(stream));
  }

  readBytes(stream?: DeviceStream): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.byteLength);
    this.device.copyOut(this.buffer, bytes, this.#offset, stream);
    return bytes;
  }

  /** Frees the buffer, and with it every view. */
  close(): void {
    this.buffer.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
