/** Work captured from a stream -> a graph -> an executable that replays it with one call. */

import { RoseError } from '../../util/errors.js';
import type { BufferTable } from '../buffer-table.js';
import { HostBlock } from '../driver/cuda-driver.js';
import { STATUS } from '../driver/driver-error.js';
import { Resource } from '../lifetime.js';
import type { CudaContext } from './context.js';
import type { CudaStream } from './stream.js';

/** Something whose work a graph may hold, and which has to outlive it: told how many graphs do. */
export interface GraphMember {
  graphs: number;
}

/** What captured work uses. */
export interface Used {
  /** Slots of buffers and their generations in turn. */
  readonly buffers: readonly number[];
  readonly members: ReadonlySet<GraphMember>;
}

function hold({ members }: Used, by: 1 | -1): void {
  for (const member of members) member.graphs += by;
}

export class CudaGraph extends Resource {
  constructor(
    readonly context: CudaContext,
    readonly handle: number,
    readonly buffers: BufferTable,
    readonly used: Used,
  ) {
    super('a CUDA graph');
    hold(used, 1);
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
    hold(this.used, -1);
    this.context.destroy(this.handle);
  }
}

export class CudaGraphExec extends Resource {
  readonly context: CudaContext;
  readonly #buffers: BufferTable;
  #used: Used;
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
    hold(this.#used, 1);
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
    hold(graph.used, 1);
    hold(this.#used, -1);
    this.#used = graph.used;
    this.#checkedAt = -1;
    return true;
  }

  #checkBuffers(): void {
    const { buffers } = this.#used;
    for (let i = 0; i < buffers.length; i += 2) {
      if (!this.#buffers.isLive(buffers[i]!, buffers[i + 1]!)) {
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
    hold(this.#used, -1);
    this.context.destroy(this.handle);
  }
}
