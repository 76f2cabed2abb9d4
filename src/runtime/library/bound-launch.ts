/** A call that is checked and packed once and then launched at the cost of the driver's own call. */

import type { Tensor } from '../../device/launcher.js';
import type { PreparedKernel, RuntimeDevice } from '../runtime-device.js';
import type { CallArguments } from './parameter-writer.js';
import { guardError } from './refusal.js';
import type { ServedVariant } from './served-variant.js';
import { VariantPlan } from './variant-plan.js';

export interface BindOptions {
  readonly stream?: bigint;
  /** `false`: the launch waits for the stream's previous kernel, also where the variant need not. */
  readonly dependentLaunch?: boolean;
}

export class BoundLaunch {
  readonly #args: Record<string, Tensor<string> | number>;
  readonly #plan: VariantPlan;
  readonly #prepared: PreparedKernel;
  readonly #device: RuntimeDevice;
  /** Number of frees at which the arguments were last looked at; -1: look again. */
  #checkedAt = -1;
  #nothingToDo = false;

  constructor(
    served: ServedVariant,
    args: CallArguments,
    private readonly options: BindOptions = {},
  ) {
    this.#args = { ...args };
    this.#device = served.device;
    this.#plan = new VariantPlan(served.variant, served.device);
    this.#prepared = served.prepare(options.dependentLaunch);
    this.#pack();
  }

  /** Id of the variant that runs. */
  get variant(): string {
    return this.#plan.variant.id;
  }

  /** Takes another tensor or number; checked at the next run. */
  set(name: string, value: Tensor<string> | number): this {
    this.#args[name] = value;
    this.#checkedAt = -1;
    return this;
  }

  /**
   * Launches. Arguments are looked at again where one was set or anything was freed since.
   * Raises LAUNCH_GUARD, DEVICE_LOST, DRIVER_CALL.
   */
  run(): void {
    const device = this.#device;
    if (this.#checkedAt !== device.buffers.removals || device.capturing) this.#pack();
    if (this.#nothingToDo) return;
    this.#prepared.launch();
  }

  #pack(): void {
    const [plan, prepared, device] = [this.#plan, this.#prepared, this.#device];
    const refusal = plan.bind(this.#args);
    if (refusal) throw guardError(refusal, this.variant);
    this.#nothingToDo = !plan.computeGrid();
    plan.write(prepared.parameters, this.#args);
    prepared.setGrid(plan.grid[0], plan.grid[1], plan.grid[2]);
    prepared.setStream(this.options.stream);
    // What was packed for a capture names its stream: the next run packs anew.
    this.#checkedAt = device.capturing ? -1 : device.buffers.removals;
  }
}
