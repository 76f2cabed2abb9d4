/** Work -> a CUDA graph of it -> microseconds a call. */

import type { CudaDevice, CudaEvent, CudaGraph, CudaGraphExec, CudaStream } from '../runtime/index.js';

/** Something that can be timed in turns with others. */
export interface Timed {
  /** Microseconds a call, one sample a replay. */
  round(replays: number): readonly number[] | Promise<readonly number[]>;
}

export class GraphTimer implements Timed, Disposable {
  readonly #graph: CudaGraph;
  readonly #replay: CudaGraphExec;
  readonly #start: CudaEvent;
  readonly #end: CudaEvent;

  /**
   * @param work queues `calls` calls on the stream
   * @param before queued before each replay, outside its time
   */
  constructor(
    device: CudaDevice,
    private readonly stream: CudaStream,
    private readonly calls: number,
    work: () => void,
    private readonly before: () => void = () => undefined,
  ) {
    this.#graph = device.capture(stream, work);
    this.#replay = this.#graph.instantiate();
    this.#start = device.createEvent({ timing: true });
    this.#end = device.createEvent({ timing: true });
  }

  /** One replay that is not timed, then `replays` that are. */
  round(replays: number): readonly number[] {
    const { stream } = this;
    this.#replay.launch(stream);
    return Array.from({ length: replays }, () => {
      this.before();
      this.#start.record(stream);
      this.#replay.launch(stream);
      this.#end.record(stream);
      stream.wait();
      return (this.#end.since(this.#start) * 1000) / this.calls;
    });
  }

  [Symbol.dispose](): void {
    this.#end.close();
    this.#start.close();
    this.#replay.close();
    this.#graph.close();
  }
}
