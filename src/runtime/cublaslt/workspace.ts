/** Device memory that algorithms may use while they run: one piece a stream, since work of two streams may overlap. */

import type { DeviceStream } from '../../device/device.js';
import { ownBuffer, type RuntimeBuffer } from '../buffer.js';
import type { CudaDevice } from '../cuda/cuda-device.js';
import type { GemmPlan } from './plan.js';
import { refuse } from './problem.js';

/** The piece that one product has; `at` is 0 where its algorithm needs none. */
export class Workspace {
  readonly at: number;
  readonly bytes: number;

  constructor(
    private readonly device: CudaDevice,
    private readonly buffer?: RuntimeBuffer,
  ) {
    this.at = buffer?.at ?? 0;
    this.bytes = buffer?.bytes ?? 0;
  }

  /** Raises HANDLE_CLOSED. */
  assertLive(): void {
    if (this.buffer) ownBuffer(this.buffer, this.device.buffers);
  }

  /** Tells a capture that its work uses the memory. */
  noteUse(): void {
    if (this.buffer) this.device.noteUse(this.buffer.slot, this.buffer.generation);
  }
}

export class Workspaces {
  /** By the address of the stream. */
  readonly #shared = new Map<number, RuntimeBuffer>();

  constructor(
    private readonly device: CudaDevice,
    /** Of each piece. */
    readonly bytes: number,
  ) {}

  /** The product's own memory, or the one of its stream. Raises LAUNCH_GUARD where its own is too small. */
  of(plan: GemmPlan, stream: DeviceStream | undefined, own: RuntimeBuffer | undefined): Workspace {
    if (plan.workspaceBytes === 0) return new Workspace(this.device);
    if (!own) return new Workspace(this.device, this.#sharedOn(stream));
    if (own.bytes < plan.workspaceBytes) {
      const [has, needs] = [`a workspace of ${own.bytes} bytes`, `at least ${plan.workspaceBytes}`];
      throw refuse(plan.problem.text, has, needs, 'give more, or leave it out');
    }
    return new Workspace(this.device, own);
  }

  close(): void {
    for (const buffer of this.#shared.values()) buffer.close();
    this.#shared.clear();
  }

  #sharedOn(stream: DeviceStream | undefined): RuntimeBuffer {
    const at = this.device.streamAddress(stream ?? this.device.stream);
    let buffer = this.#shared.get(at);
    if (!buffer?.live) {
      buffer = this.device.alloc(this.bytes, { name: 'cuBLASLt workspace' });
      this.#shared.set(at, buffer);
    }
    return buffer;
  }
}
