/** A variant on a device: its code, loaded at the first launch, and a launch of it that is packed again and again. */

import type { DeviceKernel, DeviceModule } from '../../device/device.js';
import type { VariantEntry } from '../../device/manifest.js';
import type { PreparedKernel, RuntimeDevice } from '../runtime-device.js';
import { readImage } from './code-files.js';
import type { CallArguments } from './parameter-writer.js';
import { VariantPlan } from './variant-plan.js';

export class ServedVariant {
  readonly plan: VariantPlan;
  #module: DeviceModule | undefined;
  #kernel: DeviceKernel | undefined;
  #prepared: PreparedKernel | undefined;
  #ctasAtOnce: number | undefined;

  constructor(
    readonly variant: VariantEntry,
    readonly device: RuntimeDevice,
    private readonly folder: string,
  ) {
    this.plan = new VariantPlan(variant, device);
  }

  /** Launches the call that the plan has bound. */
  launch(args: CallArguments, stream: bigint | undefined): void {
    const { plan } = this;
    if (!plan.computeGrid()) return;
    const prepared = (this.#prepared ??= this.prepare());
    const { grid } = plan;
    plan.write(prepared.parameters, args);
    prepared.setGrid(grid[0], grid[1], grid[2]);
    prepared.setStream(stream);
    prepared.launch();
  }

  /** A packed launch of one's own. Raises LIBRARY_DAMAGED, CUBIN_INVALID, LAUNCH_GUARD. */
  prepare(dependentLaunch = true): PreparedKernel {
    const { shape } = this.plan;
    return this.device.prepare(this.load(), { ...shape, pdl: shape.pdl && dependentLaunch });
  }

  /** CTAs that the device runs at once: as its driver says of clusters, else as many as their resources leave room for. */
  get ctasAtOnce(): number {
    return (this.#ctasAtOnce ??= this.#countAtOnce());
  }

  #countAtOnce(): number {
    const { device, plan, variant } = this;
    const { ctasInCluster: cluster, shape } = plan;
    if (cluster > 1 && device.activeClusters) return cluster * device.activeClusters(this.load(), shape);
    return variant.resources.ctasPerSm * device.multiprocessors;
  }

  /** Loads the code, once. */
  load(): DeviceKernel {
    if (this.#kernel) return this.#kernel;
    const { variant, device } = this;
    const module = device.loadModule(readImage(this.folder, variant, device.code));
    try {
      const kernel = module.kernel(variant.entry);
      device.checkParameters(kernel, variant.params);
      this.#kernel = kernel;
    } catch (error) {
      module.unload();
      throw error;
    }
    this.#module = module;
    return this.#kernel;
  }

  close(): void {
    this.#module?.unload();
    this.#module = undefined;
    this.#kernel = undefined;
    this.#prepared = undefined;
  }
}
