/** The tensors of a workload on a device, once or several times at other addresses, and launches on them. */

import {
  CudaDevice,
  DeviceTensor,
  type BindOptions,
  type BoundLaunch,
  type Library,
  type RuntimeDevice,
} from '../runtime/index.js';
import type { Workload } from './workload.js';

export type TensorSet = ReadonlyMap<string, DeviceTensor>;

/** A byte that outputs hold before a launch. */
export const UNTOUCHED = 0xa5;

export class TensorSets implements Disposable {
  readonly sets: readonly TensorSet[];

  /** @throws DEVICE_MEMORY */
  constructor(
    readonly device: RuntimeDevice,
    readonly workload: Workload,
    count: number,
  ) {
    const sets: TensorSet[] = [];
    this.sets = sets;
    try {
      for (let i = 0; i < count; i++) sets.push(this.allocate(sets[0]));
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Arguments of a call on one of the sets. */
  arguments(index: number): Record<string, DeviceTensor | number> {
    const { dims, params } = this.workload;
    return { ...dims, ...params, ...Object.fromEntries(this.sets[index]!) };
  }

  /** A launch of exactly this variant on each set. */
  bind(library: Library, variant: string, options: BindOptions): readonly BoundLaunch[] {
    return this.sets.map((_, i) => library.bindVariant(variant, this.arguments(i), options));
  }

  private allocate(first: TensorSet | undefined): TensorSet {
    const { device, workload } = this;
    const set = new Map<string, DeviceTensor>();
    for (const tensor of workload.tensors) {
      const { name, entry, shape } = tensor;
      const mine = DeviceTensor.create(device, entry.dtype, shape, { name });
      set.set(name, mine);
      const source = first?.get(name);
      if (source && device instanceof CudaDevice) device.copy(mine.buffer, source.buffer);
      else if (entry.access === 'out') device.fill(mine.buffer, UNTOUCHED);
      else device.copyIn(mine.buffer, workload.contents(tensor));
    }
    return set;
  }

  [Symbol.dispose](): void {
    for (const set of this.sets) for (const tensor of set.values()) tensor.close();
  }
}
