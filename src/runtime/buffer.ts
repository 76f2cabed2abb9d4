/** Device memory as the runtime hands it out: an address that knows when it has gone stale. */

import type { DeviceBuffer, DeviceStream } from '../device/device.js';
import { RoseError } from '../util/errors.js';
import type { BufferTable, Slot } from './buffer-table.js';
import { closedError, Resource } from './lifetime.js';

/** Gives a buffer's memory back, on a stream where one is named. */
export type ReleaseBuffer = (stream: DeviceStream | undefined) => void;

export class RuntimeBuffer extends Resource implements DeviceBuffer {
  readonly address: bigint;
  /** The address as a number, which packing is fastest with. */
  readonly at: number;
  readonly bytes: number;
  readonly name: string;
  readonly slot: number;
  readonly generation: number;
  #stream: DeviceStream | undefined;

  constructor(
    readonly table: BufferTable,
    slot: Slot,
    private readonly giveBack: ReleaseBuffer,
  ) {
    super(`the buffer "${slot.name}" of ${slot.bytes} bytes`);
    this.at = slot.at;
    this.address = BigInt(slot.at);
    this.bytes = slot.bytes;
    this.name = slot.name;
    this.slot = slot.index;
    this.generation = slot.generation;
  }

  get live(): boolean {
    return this.table.isLive(this.slot, this.generation);
  }

  /** Frees it in the order of a stream. */
  freeOn(stream: DeviceStream | undefined): void {
    this.#stream = stream;
    this.close();
  }

  protected override release(): void {
    // A device that was closed has already taken the memory back.
    if (this.live) this.giveBack(this.#stream);
  }
}

/** The runtime's handle of a buffer of this table. @throws HANDLE_CLOSED for one that is freed or of another device */
export function ownBuffer(buffer: DeviceBuffer, table: BufferTable): RuntimeBuffer {
  if (!(buffer instanceof RuntimeBuffer) || buffer.table !== table) {
    throw new RoseError({
      code: 'HANDLE_CLOSED',
      message: 'the buffer belongs to another device',
      next: 'use a buffer that this device made, or wrap the address first',
    });
  }
  if (!buffer.live) throw closedError(buffer.what);
  return buffer;
}

/** @throws USAGE where a copy of `count` bytes from `offset` leaves the buffer */
export function assertRange(buffer: RuntimeBuffer, offset: number, count: number): void {
  if (offset >= 0 && count >= 0 && offset + count <= buffer.bytes) return;
  throw new RoseError({
    code: 'USAGE',
    message: `a copy reaches beyond the buffer "${buffer.name}"`,
    actual: `bytes ${offset} to ${offset + count}`,
    expected: `at most ${buffer.bytes} bytes`,
    next: 'copy within the buffer',
  });
}
