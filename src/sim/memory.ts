/**
 * Device memory: allocations with ids in the high word of their addresses.
 *
 * Address = high word * 2^32 + byte offset. Every allocation gets high words of its own, with unmapped ones between, so
 * an access belongs to exactly one allocation and a bounds check is exact. Small allocations are one array; large ones
 * are pages made when touched, so that a tensor beyond 2^31 elements costs what is used of it.
 */

import { RoseError } from '../util/errors.js';

/** What a buffer holds, so that a report can name an element: `out[3, 17]`. */
export interface TensorView {
  readonly dtype: string;
  /** Bytes of an element. */
  readonly bytes: number;
  readonly shape: readonly number[];
  /** In elements. */
  readonly strides: readonly number[];
}

export interface AllocationOptions {
  readonly name?: string;
  /** A kernel that writes it is reported. */
  readonly readonly?: boolean;
  readonly tensor?: TensorView;
}

/** One contiguous piece of memory that generated code reaches: a whole allocation, a 4 GiB part of one, or a page. */
export class Segment {
  readonly i32: Int32Array;
  readonly f32: Float32Array;
  readonly u16: Uint16Array;
  readonly u8: Uint8Array;
  /** One byte a byte, 1 where written; null where everything is initialised or nobody asks. */
  init: Uint8Array | null = null;
  initWords: Int32Array | null = null;
  /** The CTA that wrote each granule in this launch, plus 1. */
  writers: Int32Array | null = null;
  /** The count of publications at which it did; null where CTAs have no means to tell each other. */
  since: Int32Array | null = null;
  /** The same of who read it since it was written: a CTA plus 1, or -1 for several. */
  readers: Int32Array | null = null;
  readSince: Int32Array | null = null;

  constructor(
    readonly allocation: Allocation | undefined,
    /** Byte offset of this piece in its allocation. */
    readonly start: number,
    /** Bytes that may be accessed. */
    readonly size: number,
    /** Turns the low word of an address into a byte offset here. */
    readonly mask: number,
    /** The pages of a sparse piece; then the arrays here are empty. */
    readonly pages: Map<number, Segment> | null,
    bytes: number,
  ) {
    const buffer = new ArrayBuffer(Math.ceil(bytes / 16) * 16);
    this.i32 = new Int32Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.u8 = new Uint8Array(buffer);
  }

  forget(): void {
    this.writers = null;
    this.readers = null;
  }

  track(): void {
    this.init = new Uint8Array(this.u8.length);
    this.initWords = new Int32Array(this.init.buffer);
  }
}

const PAGE_BITS = 20;
const PAGE = 2 ** PAGE_BITS;
const GRANULE = 2 ** 32;
/** Allocations above this many bytes are paged. */
const CONTIGUOUS_LIMIT = 2 ** 28;
const STEP = 16;

export class Allocation {
  readonly segments: Segment[] = [];
  /** Bytes a shadow entry of writers covers. */
  readonly granule: number;
  /** What a previous kernel of the stream may still be writing. */
  pending = false;
  /** Written by the present launch. */
  written = false;

  constructor(
    readonly name: string,
    readonly bytes: number,
    /** High word of the address. */
    readonly high: number,
    readonly options: AllocationOptions,
    /** Counts bytes of the host's memory. */
    readonly charge: (bytes: number) => void,
  ) {
    this.granule = options.tensor?.bytes ?? 1;
    for (let start = 0; start === 0 || start < bytes; start += GRANULE) {
      const size = Math.min(GRANULE, bytes - start);
      const paged = bytes > CONTIGUOUS_LIMIT;
      const segment = new Segment(
        this,
        start,
        size,
        paged ? PAGE - 1 : -1,
        paged ? new Map() : null,
        paged ? 0 : size,
      );
      if (!paged) segment.track();
      this.segments.push(segment);
    }
  }

  get readonly(): boolean {
    return this.options.readonly === true;
  }

  /** Device address. */
  get address(): bigint {
    return BigInt(this.high) << 32n;
  }

  /** The piece that holds byte `offset`, and the offset in it. */
  piece(offset: number): { segment: Segment; at: number; left: number } {
    const part = this.segments[Math.floor(offset / GRANULE)]!;
    const low = offset % GRANULE;
    if (!part.pages) return { segment: part, at: low, left: part.size - low };
    const segment = pageOf(part, low);
    const at = low % PAGE;
    return { segment, at, left: Math.min(PAGE - at, part.size - low) };
  }

  /** `tensor[i, j]` for a byte offset, where the allocation has a tensor. */
  element(offset: number): string | undefined {
    const { tensor } = this.options;
    if (!tensor) return undefined;
    let rest = Math.floor(offset / tensor.bytes);
    const order = tensor.strides
      .map((stride, axis) => ({ stride, axis }))
      .sort((a, b) => b.stride - a.stride);
    const index = new Array<number>(tensor.shape.length).fill(0);
    for (const { stride, axis } of order) {
      if (stride <= 0) continue;
      index[axis] = Math.floor(rest / stride);
      rest -= index[axis]! * stride;
    }
    return `${this.name}[${index.join(', ')}]`;
  }
}

/** The page of a sparse piece that holds a low word, made when first touched. */
export function pageOf(part: Segment, low: number): Segment {
  const number = low >>> PAGE_BITS;
  let page = part.pages!.get(number);
  if (!page) {
    part.allocation!.charge(2 * PAGE);
    page = new Segment(part.allocation, part.start + number * PAGE, PAGE, PAGE - 1, null, PAGE);
    page.track();
    part.pages!.set(number, page);
  }
  return page;
}

/** What an access that was refused reads and writes: zeros, and nothing. */
export const NOWHERE = new Segment(undefined, 0, 0, 63, null, 64);

export class SimMemory {
  /** By high word. */
  readonly segments: Segment[] = new Array<Segment>(STEP * 4).fill(NOWHERE);
  readonly allocations: Allocation[] = [];
  #next = STEP;

  /** @param limit bytes that allocations may use of the host's memory. */
  constructor(readonly limit = 2 ** 33) {}

  #used = 0;
  /** Gives back what an allocation has used. */
  readonly #release = new Map<Allocation, () => void>();

  /** @throws RoseError SIM_LIMIT where the buffers take more of the host's memory than they may */
  alloc(bytes: number, options: AllocationOptions = {}): Allocation {
    const name = options.name ?? `buffer ${this.allocations.length}`;
    let used = 0;
    const charge = (more: number): void => {
      this.#charge(more, name, bytes);
      used += more;
    };
    // A byte of memory and one of its shadow; a paged allocation counts what is touched of it.
    if (bytes <= CONTIGUOUS_LIMIT) charge(bytes * 2);
    const high = this.#next;
    const allocation = new Allocation(name, bytes, high, options, charge);
    this.#release.set(allocation, () => {
      this.#used -= used;
    });
    this.#next += Math.ceil((allocation.segments.length + 1) / STEP) * STEP;
    while (this.segments.length < this.#next) this.segments.push(NOWHERE);
    allocation.segments.forEach((segment, n) => {
      this.segments[high + n] = segment;
    });
    this.allocations.push(allocation);
    return allocation;
  }

  #charge(bytes: number, name: string, whole: number): void {
    if (this.#used + bytes > this.limit) {
      throw new RoseError({
        code: 'SIM_LIMIT',
        message: `the simulated device is out of memory at "${name}", a buffer of ${whole} bytes`,
        actual: `${this.#used + bytes} bytes`,
        expected: `at most ${this.limit} bytes`,
        next: 'simulate a smaller shape, or raise the memory limit',
      });
    }
    this.#used += bytes;
  }

  free(allocation: Allocation): void {
    const at = this.allocations.indexOf(allocation);
    if (at < 0) return;
    this.allocations.splice(at, 1);
    allocation.segments.forEach((_, n) => {
      this.segments[allocation.high + n] = NOWHERE;
    });
    this.#release.get(allocation)!();
    this.#release.delete(allocation);
  }

  /** Host to device; the bytes count as initialised. */
  write(allocation: Allocation, data: Uint8Array, offset = 0): void {
    this.#inRange(allocation, offset, data.length);
    for (let done = 0; done < data.length;) {
      const { segment, at, left } = allocation.piece(offset + done);
      const count = Math.min(left, data.length - done);
      segment.u8.set(data.subarray(done, done + count), at);
      segment.init?.fill(1, at, at + count);
      done += count;
    }
  }

  /** Device to host. */
  read(allocation: Allocation, bytes = allocation.bytes, offset = 0): Uint8Array<ArrayBuffer> {
    this.#inRange(allocation, offset, bytes);
    const data = new Uint8Array(bytes);
    for (let done = 0; done < bytes;) {
      const { segment, at, left } = allocation.piece(offset + done);
      const count = Math.min(left, bytes - done);
      data.set(segment.u8.subarray(at, at + count), done);
      done += count;
    }
    return data;
  }

  /** Sets bytes, and counts them as initialised. */
  fill(allocation: Allocation, value: number, bytes = allocation.bytes, offset = 0): void {
    this.#inRange(allocation, offset, bytes);
    for (let done = 0; done < bytes;) {
      const { segment, at, left } = allocation.piece(offset + done);
      const count = Math.min(left, bytes - done);
      segment.u8.fill(value, at, at + count);
      segment.init?.fill(1, at, at + count);
      done += count;
    }
  }

  /** Whether every byte of a range has been written. */
  initialised(allocation: Allocation, bytes = allocation.bytes, offset = 0): boolean {
    for (let done = 0; done < bytes;) {
      const { segment, at, left } = allocation.piece(offset + done);
      const count = Math.min(left, bytes - done);
      if (segment.init && segment.init.subarray(at, at + count).includes(0)) return false;
      done += count;
    }
    return true;
  }

  #inRange(allocation: Allocation, offset: number, bytes: number): void {
    if (offset >= 0 && bytes >= 0 && offset + bytes <= allocation.bytes) return;
    throw new RoseError({
      code: 'USAGE',
      message: `a copy reaches beyond the buffer "${allocation.name}"`,
      actual: `bytes ${offset} to ${offset + bytes}`,
      expected: `at most ${allocation.bytes} bytes`,
      next: 'copy within the buffer',
    });
  }

  /** Forgets who read and wrote what: a new launch starts. */
  forgetAccesses(): void {
    for (const allocation of this.allocations) {
      allocation.written = false;
      for (const segment of allocation.segments) {
        segment.forget();
        if (segment.pages) for (const page of segment.pages.values()) page.forget();
      }
    }
  }
}
