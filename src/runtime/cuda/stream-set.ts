/** The streams of a device, the one that is captured among them. */

import type { DeviceStream } from '../../device/device.js';
import { RoseError } from '../../util/errors.js';
import type { BufferTable } from '../buffer-table.js';
import { closedError } from '../lifetime.js';
import type { CudaContext } from './context.js';
import { CudaGraph, type GraphMember } from './graph.js';
import { CudaEvent, CudaStream } from './stream.js';

const CAPTURE_THREAD_LOCAL = 1;

/** While a stream is captured: it, and what its work uses. */
interface Capture {
  readonly stream: number;
  readonly buffers: number[];
  readonly members: Set<GraphMember>;
}

export class StreamSet {
  /** Handles only, so that a stream nobody holds any more is found out. */
  readonly #handles = new Map<bigint, number>();
  #capture: Capture | undefined;

  constructor(private readonly context: CudaContext) {}

  get all(): Iterable<number> {
    return this.#handles.values();
  }

  get capturing(): boolean {
    return this.#capture !== undefined;
  }

  /** @param after work on the new stream starts after what is on this one now */
  create(priority: number, after?: CudaStream): CudaStream {
    const stream = new CudaStream(this.context, priority, (handle) => this.#handles.delete(handle));
    if (after) {
      const fence = new CudaEvent(this.context).record(after);
      stream.waitFor(fence);
      fence.close();
    }
    this.#handles.set(stream.handle, stream.at);
    return stream;
  }

  /** The stream to use. A capture takes what names none: the device's own stream would not be part of it. */
  resolve(handle: bigint | undefined, byDefault: CudaStream): number {
    if (handle === undefined) return this.#capture?.stream ?? byDefault.at;
    const at = this.#handles.get(handle);
    if (at === undefined) throw closedError(`the stream ${handle}`);
    return at;
  }

  /** Tells a capture that its work uses a buffer. */
  noteUse(slot: number, generation: number): void {
    this.#capture?.buffers.push(slot, generation);
  }

  /** Tells a capture that its graph holds work of this. */
  noteMember(member: GraphMember): void {
    this.#capture?.members.add(member);
  }

  /** @throws USAGE during a capture */
  assertNotCapturing(what: string): void {
    if (!this.#capture) return;
    throw new RoseError({
      code: 'USAGE',
      message: `nothing can be ${what} while a stream is captured`,
      next: 'do it before the capture begins',
    });
  }

  /** What `work` queues on the stream, as a graph. */
  capture(stream: DeviceStream, buffers: BufferTable, work: () => void): CudaGraph {
    this.assertNotCapturing('captured');
    const { context } = this;
    const { api, out } = context;
    const at = this.#handles.get(stream.handle);
    if (at === undefined) throw closedError(`the stream ${stream.handle}`);
    context.activate();
    context.check(api.cuStreamBeginCapture(at, CAPTURE_THREAD_LOCAL), 'cuStreamBeginCapture');
    const capture: Capture = { stream: at, buffers: [], members: new Set() };
    this.#capture = capture;
    let finished = false;
    try {
      work();
      finished = true;
    } finally {
      this.#capture = undefined;
      // Work for several devices leaves another one's context current.
      if (!context.lost) context.activate();
      const status = api.cuStreamEndCapture(at, out.address);
      // A failure of `work` says more than the broken capture that follows from it.
      if (finished) context.check(status, 'cuStreamEndCapture');
      else if (status === 0) api.cuGraphDestroy(out.getAddress(0));
    }
    return new CudaGraph(context, out.getAddress(0), buffers, capture);
  }
}
