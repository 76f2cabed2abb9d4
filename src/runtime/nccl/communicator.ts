/** One rank of a clique of GPUs: collectives and messages in the order of a stream. */

import type { DeviceStream } from '../../device/device.js';
import { RoseError } from '../../util/errors.js';
import type { CudaDevice } from '../cuda/cuda-device.js';
import type { GraphMember } from '../cuda/graph.js';
import { poll, type CudaStream } from '../cuda/stream.js';
import { HostBlock } from '../driver/cuda-driver.js';
import { Resource } from '../lifetime.js';
import type { DeviceTensor } from '../tensor.js';
import { REDUCTION, STATUS, type Reduction } from './constants.js';
import { dataType, elements, expectRank, expectSame } from './exchange-guard.js';
import { ncclVersion } from './load-nccl.js';
import { checkNccl, ncclError } from './nccl-error.js';
import type { Nccl } from './signatures.js';

/**
 * Every rank makes the same calls in the same order. Where one process has several ranks, those calls are made in a `group`.
 * All raise LAUNCH_GUARD with the numbers, HANDLE_CLOSED, DEVICE_LOST and NATIVE_CALL.
 */
export class Communicator extends Resource implements GraphMember {
  /** How many graphs hold its work: it is closed after them. */
  graphs = 0;
  readonly #version: number;
  readonly #out: HostBlock;
  #aborted = false;

  constructor(
    readonly nccl: Nccl,
    readonly device: CudaDevice,
    readonly rank: number,
    readonly ranks: number,
    private readonly handle: number,
  ) {
    super(`the communicator of rank ${rank} of ${ranks}`);
    this.#version = ncclVersion(nccl);
    this.#out = new HostBlock(nccl.host, 8);
  }

  /** `output` of each rank: the elements of every rank's `input`, reduced. They may be the same tensor. */
  allReduce(input: DeviceTensor, output: DeviceTensor, by: Reduction = 'sum', stream?: DeviceStream): void {
    const call = 'ncclAllReduce';
    const count = this.#elements(call, input);
    expectSame(call, input, output, [count, this.#elements(call, output)]);
    const { handle, nccl } = this;
    const on = this.#begin(input, output, stream);
    const type = dataType(call, input, this.#version);
    this.#end(nccl.api.allReduce(input.at, output.at, count, type, REDUCTION[by], handle, on), call);
  }

  /** `output` of each rank: the inputs of all, one after the other; it has `ranks` times as many elements. */
  allGather(input: DeviceTensor, output: DeviceTensor, stream?: DeviceStream): void {
    const call = 'ncclAllGather';
    const count = this.#elements(call, input);
    expectSame(call, input, output, [count * this.ranks, this.#elements(call, output)]);
    const on = this.#begin(input, output, stream);
    const type = dataType(call, input, this.#version);
    this.#end(this.nccl.api.allGather(input.at, output.at, count, type, this.handle, on), call);
  }

  /** `output` of rank i: part i of the reduced inputs, which have `ranks` times as many elements. */
  reduceScatter(
    input: DeviceTensor,
    output: DeviceTensor,
    by: Reduction = 'sum',
    stream?: DeviceStream,
  ): void {
    const call = 'ncclReduceScatter';
    const count = this.#elements(call, output);
    expectSame(call, input, output, [this.#elements(call, input), count * this.ranks]);
    const { handle, nccl } = this;
    const on = this.#begin(input, output, stream);
    const type = dataType(call, input, this.#version);
    this.#end(nccl.api.reduceScatter(input.at, output.at, count, type, REDUCTION[by], handle, on), call);
  }

  /** `output` of each rank: `input` of the rank `root`. They may be the same tensor. */
  broadcast(input: DeviceTensor, output: DeviceTensor, root: number, stream?: DeviceStream): void {
    const call = 'ncclBroadcast';
    expectRank(call, 'root', root, this.ranks);
    const count = this.#elements(call, input);
    expectSame(call, input, output, [count, this.#elements(call, output)]);
    const on = this.#begin(input, output, stream);
    const type = dataType(call, input, this.#version);
    this.#end(this.nccl.api.broadcast(input.at, output.at, count, type, root, this.handle, on), call);
  }

  /** The rank `peer` has to receive as many elements of the same dtype. What goes both ways belongs in a group. */
  send(tensor: DeviceTensor, peer: number, stream?: DeviceStream): void {
    this.#message('send', 'ncclSend', tensor, peer, stream);
  }

  /** Takes what the rank `peer` sends. */
  recv(tensor: DeviceTensor, peer: number, stream?: DeviceStream): void {
    this.#message('recv', 'ncclRecv', tensor, peer, stream);
  }

  /** Raises NATIVE_CALL where an operation failed after it was queued: abort the communicator then. */
  assertHealthy(): void {
    this.assertOpen();
    const { nccl } = this;
    checkNccl(nccl, nccl.api.commGetAsyncError(this.handle, this.#out.address), 'ncclCommGetAsyncError');
    const status = this.#out.view.getInt32(0, true);
    if (status === STATUS.success || status === STATUS.inProgress) return;
    throw ncclError(nccl, status, `an operation of ${this.what} failed`);
  }

  /**
   * Returns when the stream has done its work, or aborts and raises NATIVE_CALL where an operation failed, so that a lost
   * peer is no endless wait.
   */
  async synchronize(stream: CudaStream = this.device.stream): Promise<void> {
    try {
      await poll(() => {
        this.assertHealthy();
        return stream.idle;
      });
    } catch (error) {
      // With a graph around an abort would wait for it.
      if (error instanceof RoseError && error.code === 'NATIVE_CALL' && this.graphs === 0) this.abort();
      throw error;
    }
  }

  /** Ends what is under way on the device and closes; for a clique in which a rank has failed. Raises USAGE as `close`. */
  abort(): void {
    if (this.closed) return;
    this.#assertNoGraphs();
    this.#aborted = true;
    this.close();
  }

  /** Raises USAGE while a graph holds its work: NCCL would wait for that graph for ever. */
  override close(): void {
    if (!this.closed) this.#assertNoGraphs();
    super.close();
  }

  #assertNoGraphs(): void {
    if (this.graphs === 0 || this.#deviceGone) return;
    throw new RoseError({
      code: 'USAGE',
      message: `${this.what} is in use by captured graphs`,
      actual: `${this.graphs} graphs, instantiated ones counted`,
      expected: 'none',
      next: 'close the graphs first',
    });
  }

  /** After a fault, or without its device, there is nothing to wait for. */
  get #deviceGone(): boolean {
    return this.device.closed || this.device.context.lost;
  }

  #message(
    which: 'send' | 'recv',
    call: string,
    tensor: DeviceTensor,
    peer: number,
    stream: DeviceStream | undefined,
  ): void {
    expectRank(call, 'peer', peer, this.ranks);
    const count = this.#elements(call, tensor);
    const on = this.#begin(tensor, tensor, stream);
    const type = dataType(call, tensor, this.#version);
    this.#end(this.nccl.api[which](tensor.at, count, type, peer, this.handle, on), call);
  }

  #elements(call: string, tensor: DeviceTensor): number {
    this.assertOpen();
    return elements(call, tensor, this.device);
  }

  /** Makes the device current and tells a capture what it uses. The stream's address. */
  #begin(input: DeviceTensor, output: DeviceTensor, stream: DeviceStream | undefined): number {
    const { device } = this;
    device.context.activate();
    if (device.capturing) {
      device.noteMember(this);
      device.noteUse(input.buffer.slot, input.buffer.generation);
      device.noteUse(output.buffer.slot, output.buffer.generation);
    }
    return device.streamAddress(stream);
  }

  #end(status: number, call: string): void {
    if (status !== STATUS.success) checkNccl(this.nccl, status, `${call} of ${this.what}`);
  }

  protected override release(): void {
    const { nccl, device, handle } = this;
    const gone = this.#deviceGone;
    if (!gone) device.context.activate();
    const abort = this.#aborted || gone;
    const status = abort ? nccl.api.commAbort(handle) : nccl.api.commDestroy(handle);
    device.context.driver.currentContext = 0;
    if (!gone) checkNccl(nccl, status, abort ? 'ncclCommAbort' : 'ncclCommDestroy');
  }
}
