/** A kernel and an architecture -> what the architecture lacks for it, in words. */

import type { Architecture } from '../device/arch.js';
import type { BoundKernel, Dtype } from '../spec/types.js';

const FP8: readonly Dtype[] = ['e4m3', 'e5m2'];

/** Undefined where nothing is missing that the kernel's dtypes show; a schedule may still not fit. */
export function missingFeature(kernel: BoundKernel, arch: Architecture): string | undefined {
  if (arch.hasFp8Casts) return undefined;
  const tensor = kernel.tensors.find(({ dtype }) => FP8.includes(dtype));
  if (!tensor) return undefined;
  return `${arch.name} has no fp8 conversions (sm89 and later do), and ${tensor.name} is ${tensor.dtype}`;
}
