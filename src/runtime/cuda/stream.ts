/** Streams and events: the order of work on a device, and points in it. */

import type { DeviceStream } from '../../device/device.js';
import { STATUS } from '../driver/driver-error.js';
import { Resource } from '../lifetime.js';
import type { CudaContext } from './context.js';

const NON_BLOCKING = 1;
const DISABLE_TIMING = 2;
/** Looks at unfinished work that yield to the event loop at once, before each look waits a millisecond. */
const EAGER_LOOKS = 1000;

/** Waits without blocking the event loop until `query` says done. */
export async function poll(query: () => boolean): Promise<void> {
  for (let look = 0; !query(); look++) {
    await new Promise<void>((resolve) => {
      if (look < EAGER_LOOKS) setImmediate(resolve);
      else setTimeout(resolve, 1);
    });
  }
}

export class CudaStream extends Resource implements DeviceStream {
  readonly handle: bigint;
  /** The handle as a number. */
  readonly at: number;

  /** @param priority lower goes first; the device's range is clamped to */
  constructor(
    readonly context: CudaContext,
    priority = 0,
    private readonly onClose: (handle: bigint) => void = () => undefined,
  ) {
    super('a CUDA stream');
    context.activate();
    const { out, api } = context;
    context.check(
      api.cuStreamCreateWithPriority(out.address, NON_BLOCKING, priority),
      'cuStreamCreateWithPriority',
    );
    this.at = context.adopt(out.getAddress(0), 'cuStreamDestroy');
    this.handle = BigInt(this.at);
  }

  /** Whether all work so far is done. */
  get idle(): boolean {
    this.assertOpen();
    return this.context.isIdle(this.at);
  }

  synchronize(): Promise<void> {
    return poll(() => this.idle);
  }

  /** As `synchronize`, but blocks this thread: the shortest wait. */
  wait(): void {
    this.assertOpen();
    this.context.wait(this.at);
  }

  /** Later work on this stream starts after the event. */
  waitFor(event: CudaEvent): void {
    this.assertOpen();
    this.context.activate();
    this.context.check(this.context.api.cuStreamWaitEvent(this.at, event.at, 0), 'cuStreamWaitEvent');
  }

  protected override release(): void {
    this.onClose(this.handle);
    this.context.destroy(this.at);
  }
}

export interface EventOptions {
  /** Whether the event records a time; without it an event is cheaper. Default false. */
  readonly timing?: boolean;
}

export class CudaEvent extends Resource {
  readonly at: number;

  constructor(
    readonly context: CudaContext,
    options: EventOptions = {},
  ) {
    super('a CUDA event');
    context.activate();
    const { out, api } = context;
    context.check(api.cuEventCreate(out.address, options.timing ? 0 : DISABLE_TIMING), 'cuEventCreate');
    this.at = context.adopt(out.getAddress(0), 'cuEventDestroy');
  }

  /** Marks the work that is on the stream now. */
  record(stream: CudaStream): this {
    this.assertOpen();
    this.context.activate();
    this.context.check(this.context.api.cuEventRecord(this.at, stream.at), 'cuEventRecord');
    return this;
  }

  get done(): boolean {
    this.assertOpen();
    this.context.activate();
    const status = this.context.api.cuEventQuery(this.at);
    if (status === STATUS.notReady) return false;
    this.context.check(status, 'cuEventQuery');
    return true;
  }

  synchronize(): Promise<void> {
    return poll(() => this.done);
  }

  /** Milliseconds from an earlier event to this one; both were made with `timing` and are done. */
  since(earlier: CudaEvent): number {
    this.assertOpen();
    this.context.activate();
    const { out, api } = this.context;
    this.context.check(api.cuEventElapsedTime(out.address, earlier.at, this.at), 'cuEventElapsedTime');
    return out.view.getFloat32(0, true);
  }

  protected override release(): void {
    this.context.destroy(this.at);
  }
}
