/** Copies between host and device, on the device and fills of its memory, in the order of a stream. */

import type { DeviceBuffer, DeviceStream } from '../../device/device.js';
import { RoseError } from '../../util/errors.js';
import { assertRange, ownBuffer, type RuntimeBuffer } from '../buffer.js';
import type { BufferTable } from '../buffer-table.js';
import type { CudaContext } from './context.js';
import type { PinnedBuffer } from './pinned.js';
import type { StreamSet } from './stream-set.js';
import type { CudaStream } from './stream.js';

/** Part of a copy between host and device. */
export interface CopyRange {
  /** First byte in the device buffer; default 0. */
  readonly offset?: number;
  /** First byte in the pinned buffer; default 0. */
  readonly pinnedOffset?: number;
  /** Default: the rest of the pinned buffer. */
  readonly bytes?: number;
  readonly stream?: DeviceStream;
}

export class Transfers {
  constructor(
    private readonly context: CudaContext,
    private readonly buffers: BufferTable,
    private readonly streams: StreamSet,
    /** Of everything that names none. */
    private readonly stream: CudaStream,
  ) {}

  copyIn(buffer: DeviceBuffer, data: Uint8Array, offset: number, stream?: DeviceStream): void {
    const own = this.#copying(buffer, offset, data.length);
    const on = this.#streamAt(stream);
    const from = this.context.driver.addressOf(data);
    const { api } = this.context;
    this.context.check(api.cuMemcpyHtoDAsync(own.at + offset, from, data.length, on), 'cuMemcpyHtoDAsync');
    this.context.wait(on);
  }

  copyOut(buffer: DeviceBuffer, into: Uint8Array, offset: number, stream?: DeviceStream): void {
    const own = this.#copying(buffer, offset, into.length);
    const on = this.#streamAt(stream);
    const to = this.context.driver.addressOf(into);
    const { api } = this.context;
    this.context.check(api.cuMemcpyDtoHAsync(to, own.at + offset, into.length, on), 'cuMemcpyDtoHAsync');
    this.context.wait(on);
  }

  /** Queues a copy from pinned memory, which must not change before the stream gets there. */
  copyInAsync(buffer: DeviceBuffer, from: PinnedBuffer, range: CopyRange): void {
    const { own, offset, host, bytes, on } = this.#range(buffer, from, range);
    const { api } = this.context;
    this.context.check(api.cuMemcpyHtoDAsync(own.at + offset, host, bytes, on), 'cuMemcpyHtoDAsync');
  }

  /** Queues a copy to pinned memory, which is to be read after the stream got there. */
  copyOutAsync(buffer: DeviceBuffer, into: PinnedBuffer, range: CopyRange): void {
    const { own, offset, host, bytes, on } = this.#range(buffer, into, range);
    const { api } = this.context;
    this.context.check(api.cuMemcpyDtoHAsync(host, own.at + offset, bytes, on), 'cuMemcpyDtoHAsync');
  }

  /** Queues a copy of `bytes` bytes, by default all of `from`, between two buffers of this device. */
  copy(to: DeviceBuffer, from: DeviceBuffer, bytes: number, stream?: DeviceStream): void {
    const [target, source] = [ownBuffer(to, this.buffers), ownBuffer(from, this.buffers)];
    assertRange(target, 0, bytes);
    assertRange(source, 0, bytes);
    this.#note(target);
    this.#note(source);
    this.context.activate();
    const on = this.#streamAt(stream);
    this.context.check(
      this.context.api.cuMemcpyDtoDAsync(target.at, source.at, bytes, on),
      'cuMemcpyDtoDAsync',
    );
  }

  fill(buffer: DeviceBuffer, byte: number, stream?: DeviceStream): void {
    const own = ownBuffer(buffer, this.buffers);
    if (own.bytes === 0) return;
    this.#note(own);
    this.context.activate();
    const on = this.#streamAt(stream);
    this.context.check(this.context.api.cuMemsetD8Async(own.at, byte, own.bytes, on), 'cuMemsetD8Async');
  }

  #copying(buffer: DeviceBuffer, offset: number, bytes: number): RuntimeBuffer {
    this.streams.assertNotCapturing('copied to or from the host');
    const own = ownBuffer(buffer, this.buffers);
    assertRange(own, offset, bytes);
    this.context.activate();
    return own;
  }

  #range(buffer: DeviceBuffer, pinned: PinnedBuffer, range: CopyRange) {
    const own = ownBuffer(buffer, this.buffers);
    const { offset = 0, pinnedOffset = 0 } = range;
    const bytes = range.bytes ?? pinned.byteLength - pinnedOffset;
    assertRange(own, offset, bytes);
    if (pinnedOffset < 0 || pinnedOffset + bytes > pinned.bytes.length) {
      throw new RoseError({
        code: 'USAGE',
        message: 'a copy reaches beyond the pinned buffer',
        actual: `bytes ${pinnedOffset} to ${pinnedOffset + bytes}`,
        expected: `at most ${pinned.byteLength} bytes`,
        next: 'copy within the buffer',
      });
    }
    this.#note(own);
    this.context.activate();
    return { own, offset, host: pinned.at + pinnedOffset, bytes, on: this.#streamAt(range.stream) };
  }

  #note(buffer: RuntimeBuffer): void {
    this.streams.noteUse(buffer.slot, buffer.generation);
  }

  #streamAt(stream: DeviceStream | undefined): number {
    return this.streams.resolve(stream?.handle, this.stream);
  }
}
