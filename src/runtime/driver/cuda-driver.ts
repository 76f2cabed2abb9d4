/** What the runtime needs of a CUDA driver: its functions, and host memory that they can reach. */

import type { HostMemory } from '../native/shared-library.js';
import type { CudaApi, CudaFunction } from './signatures.js';

export interface CudaDriver extends HostMemory {
  /** The shared library, for messages. */
  readonly library: string;
  readonly api: CudaApi;
  has(name: CudaFunction): boolean;
  /** Memory that the driver allocated on the host, as an array buffer. */
  memoryAt(address: number, bytes: number): ArrayBuffer;
  /** The context that is current on this thread; 0 before the first. */
  currentContext: number;
}

/** Host memory for a library to read and write: results of calls, packed structures. */
export class HostBlock {
  readonly view: DataView;
  readonly address: number;

  constructor(host: Pick<HostMemory, 'addressOf'>, bytes: number) {
    const memory = new ArrayBuffer(bytes);
    this.view = new DataView(memory);
    this.address = host.addressOf(memory);
  }

  getAddress(offset: number): number {
    return this.view.getUint32(offset + 4, true) * 2 ** 32 + this.view.getUint32(offset, true);
  }

  setAddress(offset: number, value: number): void {
    writeAddress(this.view, offset, value);
  }
}

/** Writes a whole number from 0 to 2^53 - 1 as 64 bits, without a BigInt. */
export function writeAddress(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, value / 2 ** 32, true);
}
