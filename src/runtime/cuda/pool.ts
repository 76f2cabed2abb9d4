/** Device memory in stream order, from the pool that the driver keeps for the device. */

import type { RoseError } from '../../util/errors.js';
import { HostBlock } from '../driver/cuda-driver.js';
import { STATUS } from '../driver/driver-error.js';
import type { CudaContext } from './context.js';
import { CudaEvent } from './stream.js';

const RELEASE_THRESHOLD = 4;
/** CUmemAccessDesc, 12 bytes: type of the location, which one, access. */
const ACCESS = { device: 1, readAndWrite: 3, bytes: 12 } as const;

export class CudaPool {
  /** Handle of the driver's pool; 0 where the device has none and memory is allocated at once. */
  readonly #pool: number;
  readonly #fence: CudaEvent;

  constructor(
    private readonly context: CudaContext,
    supported: boolean,
  ) {
    this.#fence = new CudaEvent(context);
    this.#pool = supported ? this.#keepingPool() : 0;
  }

  /**
   * Address of `bytes` bytes, usable on `stream` and on `others`. Raises DEVICE_MEMORY.
   */
  alloc(bytes: number, what: string, stream: number, others: Iterable<number>): number {
    const size = Math.max(bytes, 1);
    let status = this.#allocate(size, stream);
    if (status === STATUS.outOfMemory && this.#pool !== 0) {
      this.trim();
      status = this.#allocate(size, stream);
    }
    if (status !== STATUS.success) throw this.#failure(status, `${what} of ${bytes} bytes`);
    const address = this.context.out.getAddress(0);
    this.#order(stream, others);
    return address;
  }

  /** Frees once `stream` and `others` have done what they were given so far. */
  free(address: number, stream: number, others: Iterable<number>): void {
    const { api } = this.context;
    if (this.#pool === 0) {
      this.context.check(api.cuMemFree(address), 'cuMemFree');
      return;
    }
    for (const other of others) if (other !== stream) this.#order(other, [stream]);
    this.context.check(api.cuMemFreeAsync(address, stream), 'cuMemFreeAsync');
  }

  /** Gives freed memory back to the system. */
  trim(): void {
    if (this.#pool !== 0)
      this.context.check(this.context.api.cuMemPoolTrimTo(this.#pool, 0), 'cuMemPoolTrimTo');
  }

  /**
   * Lets another GPU of this process reach what is and will be allocated here; false where it cannot. Memory of a pool, unlike
   * other memory, is not opened by enabling peer access.
   */
  openTo(ordinal: number): boolean {
    const { api, out, driver } = this.context;
    this.context.check(
      api.cuDeviceCanAccessPeer(out.address, ordinal, this.context.ordinal),
      'cuDeviceCanAccessPeer',
    );
    if (out.view.getInt32(0, true) === 0) return false;
    if (this.#pool === 0) return true;
    const access = new HostBlock(driver, ACCESS.bytes);
    access.view.setInt32(0, ACCESS.device, true);
    access.view.setInt32(4, ordinal, true);
    access.view.setInt32(8, ACCESS.readAndWrite, true);
    this.context.check(api.cuMemPoolSetAccess(this.#pool, access.address, 1), 'cuMemPoolSetAccess');
    return true;
  }

  close(): void {
    this.#fence.close();
  }

  /** The device's pool, told to keep freed memory for the next allocation. */
  #keepingPool(): number {
    const { api, out, ordinal } = this.context;
    this.context.check(api.cuDeviceGetDefaultMemPool(out.address, ordinal), 'cuDeviceGetDefaultMemPool');
    const pool = out.getAddress(0);
    out.view.setBigUint64(0, 2n ** 64n - 1n, true);
    this.context.check(
      api.cuMemPoolSetAttribute(pool, RELEASE_THRESHOLD, out.address),
      'cuMemPoolSetAttribute',
    );
    return pool;
  }

  #allocate(bytes: number, stream: number): number {
    const { api, out } = this.context;
    return this.#pool === 0
      ? api.cuMemAlloc(out.address, bytes)
      : api.cuMemAllocAsync(out.address, bytes, stream);
  }

  /** What `later` streams are given from now on starts after what `stream` has. */
  #order(stream: number, later: Iterable<number>): void {
    if (this.#pool === 0) return;
    const { api } = this.context;
    let recorded = false;
    for (const other of later) {
      if (other === stream) continue;
      if (!recorded) this.context.check(api.cuEventRecord(this.#fence.at, stream), 'cuEventRecord');
      recorded = true;
      this.context.check(api.cuStreamWaitEvent(other, this.#fence.at, 0), 'cuStreamWaitEvent');
    }
  }

  #failure(status: number, what: string): RoseError {
    const { api, out } = this.context;
    const known =
      status === STATUS.outOfMemory &&
      api.cuMemGetInfo(out.address, out.address + 8) === STATUS.success &&
      ` (${out.getAddress(0)} of ${out.getAddress(8)} bytes are free)`;
    return this.context.error(status, `the allocation of ${what}${known || ''}`);
  }
}
