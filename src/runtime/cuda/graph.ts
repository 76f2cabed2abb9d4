/** Work captured from a stream -> a graph -> an executable that replays it with one call. */

import { RoseError } from '../../util/errors.js';
import type { BufferTable } from '../buffer-table.js';
import { HostBlock } from '../driver/cuda-driver.js';
import { STATUS } from '../driver/driver-error.js';
import { Resource } from '../lifetime.js';
import type { CudaContext } from './context.js';
import type { CudaStream } from './stream.js';

/** Buffers that captured work uses, as slots and their generations in turn. */
export type UsedBuffers = readonly number[];

export class CudaGraph extends Resource {
  constructor(
    readonly context: CudaContext,
    readonly handle: number,
    readonly buffers: BufferTable,
    readonly used: UsedBuffers,
  ) {
    super('a CUDA graph');
    context.adopt(handle, 'cuGraphDestroy');
  }

  /** Number of kernels, copies and other steps. */
  get nodes(): number {
    this.assertOpen();
    this.context.activate();
    const { out, api } = this.context;
    this.context.check(api.cuGraphGetNodes(this.handle, 0, out.address), 'cuGraphGetNodes');
    return out.getAddress(0);
  }

  instantiate(): CudaGraphExec {
    this.assertOpen();
    this.context.activate();
    const { out, api } = this.context;
    this.context.check(api.cuGraphInstantiate(out.address, this.handle, 0), 'cuGraphInstantiate');
    return new CudaGraphExec(this, out.getAddress(0));
  }

  protected override release(): void {
    this.context.destroy(this.handle);
  }
}

export class CudaGraphExec extends Resource {
  readonly context: CudaContext;
  readonly #buffers: BufferTable;
  #used: UsedBuffers;
  /** Number of frees at which every buffer was last seen live. */
  #checkedAt = -1;

  constructor(
    graph: CudaGraph,
    readonly handle: number,
  ) {
    super('an executable CUDA graph');
    this.context = graph.context;
    this.#buffers = graph.buffers;
    this.#used = graph.used;
    this.context.adopt(handle, 'cuGraphExecDestroy');
  }

  /** Queues the whole graph. Raises HANDLE_CLOSED where one of its buffers has been freed. */
  launch(stream: CudaStream): void {
    this.assertOpen();
    if (this.#checkedAt !== this.#buffers.removals) this.#checkBuffers();
    const { context } = this;
    context.activate();
    const status = context.api.cuGraphLaunch(this.handle, stream.at);
    if (status !== STATUS.success) throw context.error(status, 'cuGraphLaunch');
  }

  /**
   * Takes over the parameters of another graph of the same shape; false where the shapes differ: instantiate that graph
   * instead.
   */
  update(graph: CudaGraph): boolean {
    this.assertOpen();
    const { context } = this;
    context.activate();
    const result = new HostBlock(context.driver, 24);
    const status = context.api.cuGraphExecUpdate(this.handle, graph.handle, result.address);
    if (status === STATUS.graphUpdateFailure) return false;
    context.check(status, 'cuGraphExecUpdate');
    this.#used = graph.used;
    this.#checkedAt = -1;
    return true;
  }

  #checkBuffers(): void {
    for (let i = 0; i < this.#used.length; i += 2) {
      if (!this.#buffers.isLive(this.#used[i]!, this.#used[i + 1]!)) {
        throw new RoseError({
          code: 'HANDLE_CLOSED',
          message: 'a buffer that the graph uses was freed',
          next: 'keep buffers until the graph is closed, or capture it again',
        });
      }
    }
    this.#checkedAt = this.#buffers.removals;
  }

  protected override release(): void {
    this.context.destroy(this.handle);
  }
}
