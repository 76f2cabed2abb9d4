/** Host memory that the device reads and writes without a detour, for copies that run beside other work. */

import { HostBlock } from '../driver/cuda-driver.js';
import { Resource } from '../lifetime.js';
import type { CudaContext } from './context.js';

export class PinnedBuffer extends Resource {
  readonly at: number;
  readonly #memory: Uint8Array<ArrayBuffer>;

  constructor(
    readonly context: CudaContext,
    readonly byteLength: number,
  ) {
    super(`a pinned buffer of ${byteLength} bytes`);
    context.activate();
    const out = new HostBlock(context.driver, 8);
    context.check(
      context.api.cuMemHostAlloc(out.address, Math.max(byteLength, 1), 0),
      `cuMemHostAlloc of ${byteLength} bytes`,
    );
    this.at = context.adopt(out.getAddress(0), 'cuMemFreeHost');
    this.#memory = new Uint8Array(context.driver.memoryAt(this.at, byteLength));
  }

  /** The memory itself: not to be kept beyond `close`. */
  get bytes(): Uint8Array<ArrayBuffer> {
    this.assertOpen();
    return this.#memory;
  }

  protected override release(): void {
    this.context.destroy(this.at);
  }
}
