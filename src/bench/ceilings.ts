/** The rates at which a device streams memory at best, measured by kernels that do nothing else. */

import type { CudaDevice, CudaStream, RuntimeBuffer } from '../runtime/index.js';
import { GraphTimer } from './graph-timer.js';
import { STREAM_SHAPES, streamEntry, streamModule, type StreamKind, type StreamShape } from './ptx.js';
import { spreadOf } from './statistics.js';

/** Bytes a second. Of a copy both directions count. */
export type Ceilings = Readonly<Record<StreamKind, number>>;

/** Bytes of each buffer: far more than any L2, where the device has as much. */
const MOST_BYTES = 2 ** 30;
const UNIT = 2 ** 20;
const CALLS = 4;
const ROUNDS = 3;
const REPLAYS = 3;

/** PTX that every device of this compute capability runs. */
export const ptxTarget = ([major]: readonly [number, number]): string => (major >= 9 ? 'sm_90' : 'sm_80');

export function measureCeilings(device: CudaDevice, stream: CudaStream): Ceilings {
  const bytes = Math.min(MOST_BYTES, Math.floor(device.memoryInfo().free / 8 / UNIT) * UNIT);
  const [from, to] = [device.alloc(bytes, { name: 'ceiling' }), device.alloc(bytes, { name: 'ceiling' })];
  device.fill(from, 0x3c);
  device.fill(to, 0x3c);
  stream.wait();
  const reader = new StreamKernels(device, stream);
  try {
    const best = (kind: StreamKind): number =>
      Math.max(
        ...STREAM_SHAPES.map((shape) => {
          const run = reader.prepare(kind, shape, from, to, bytes);
          using timer = new GraphTimer(device, stream, CALLS, () => {
            for (let i = 0; i < CALLS; i++) run();
          });
          const samples = Array.from({ length: ROUNDS }, () => timer.round(REPLAYS)).flat();
          const moved = bytes * (kind === 'copy' ? 2 : 1);
          return moved / (spreadOf(samples).median * 1e-6);
        }),
      );
    return { read: best('read'), write: best('write'), copy: best('copy') };
  } finally {
    reader.close();
    from.close();
    to.close();
  }
}

/** Seconds that streaming alone takes: reads and writes in pairs at the rate of a copy, the rest at its own. */
export function floorSeconds(
  { read, write, copy }: Ceilings,
  moved: { read: number; written: number },
): number {
  const pairs = Math.min(moved.read, moved.written);
  return (2 * pairs) / copy + (moved.read - pairs) / read + (moved.written - pairs) / write;
}

export class StreamKernels {
  readonly #module;

  constructor(
    private readonly device: CudaDevice,
    private readonly stream: CudaStream,
  ) {
    const text = `${streamModule(ptxTarget(device.info.computeCapability))}\0`;
    this.#module = device.loadModule({ name: 'streaming kernels', cubin: Buffer.from(text) });
  }

  /** A launch over `bytes` bytes, ready to be repeated. */
  prepare(
    kind: StreamKind,
    shape: StreamShape,
    from: RuntimeBuffer,
    to: RuntimeBuffer,
    bytes: number,
  ): () => void {
    const prepared = this.device.prepare(this.#module.kernel(streamEntry(kind, shape)), {
      block: [shape.threads, 1, 1],
      cluster: [1, 1, 1],
      sharedMemoryBytes: 0,
      pdl: false,
      cooperative: false,
      parameterBytes: 16,
    });
    prepared.parameters.setBigUint64(0, from.address, true);
    prepared.parameters.setBigUint64(8, to.address, true);
    prepared.setGrid(Math.floor(bytes / (shape.vectors * shape.threads * 16)), 1, 1);
    prepared.setStream(this.stream.handle);
    return () => {
      this.device.noteUse(from.slot, from.generation);
      this.device.noteUse(to.slot, to.generation);
      prepared.launch();
    };
  }

  close(): void {
    this.#module.unload();
  }
}
