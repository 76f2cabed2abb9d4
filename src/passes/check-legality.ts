/**
 * check-legality: refuses a schedule that the architecture cannot run. Changes nothing.
 *
 * Threads, shared memory, cluster size, access width and instructions are compared with the architecture's limits before
 * anything is rendered. A rejection names the number and the limit.
 */

import type { Architecture } from '../device/arch.js';
import { dtypeBytes } from '../ir/dtype.js';
import { clusterSize, partsOf, type Kernel, type Target } from '../ir/kernel.js';
import { RoseError, type ErrorCode, type Place } from '../util/errors.js';

export function checkLegality(kernel: Kernel, target: Target, arch: Architecture): Kernel {
  const schedule = kernel.schedule!;
  const refuse = (
    code: ErrorCode,
    message: string,
    actual: string,
    expected: string,
    next: string,
    place: Place | undefined = kernel.sections[0]?.stores[0]?.span,
  ): never => {
    throw new RoseError({
      code,
      message: `${kernel.name} on ${target.arch}: ${message}`,
      ...(place && { place }),
      actual,
      expected,
      next,
    });
  };
  const fewer = 'choose a smaller row, or another schedule in the tuning file';
  if (schedule.threads > arch.maxThreadsPerCta) {
    refuse(
      'SCHEDULE_ILLEGAL',
      'too many threads',
      `${schedule.threads} threads a CTA`,
      `at most ${arch.maxThreadsPerCta}`,
      fewer,
    );
  }
  const cluster = clusterSize(schedule);
  if (cluster > 1 && !arch.hasClusters) {
    refuse(
      'TARGET_UNSUPPORTED',
      'no clusters',
      `a cluster of ${cluster}`,
      'sm90 or later',
      'build for sm90 or later, or without a cluster',
    );
  }
  if (cluster > arch.maxClusterSize) {
    refuse(
      'SCHEDULE_ILLEGAL',
      'the cluster is too large',
      `${cluster} CTAs`,
      `at most ${arch.maxClusterSize}`,
      fewer,
    );
  }
  if (target.dependentLaunch && !arch.hasDependentLaunch) {
    refuse(
      'TARGET_UNSUPPORTED',
      'no programmatic dependent launch',
      'dependent launch asked for',
      'sm90 or later',
      'build for sm90 or later, or without dependent launch',
    );
  }
  const shared = sharedBytes(kernel);
  if (shared > arch.maxSharedMemoryPerCta) {
    refuse(
      'SCHEDULE_ILLEGAL',
      'too much shared memory',
      `${shared} bytes`,
      `at most ${arch.maxSharedMemoryPerCta} bytes`,
      fewer,
    );
  }
  const fp8 = kernel.tensors.find((tensor) => tensor.dtype === 'e4m3' || tensor.dtype === 'e5m2');
  if (fp8 && !arch.hasFp8Casts) {
    refuse(
      'TARGET_UNSUPPORTED',
      'no fp8 casts',
      `tensor ${fp8.name} of dtype ${fp8.dtype}`,
      'sm89 or later',
      'build for sm89 or later, or with another dtype',
      placeOfUse(kernel, fp8.name),
    );
  }
  for (const section of kernel.sections.flatMap(partsOf)) {
    for (const value of section.values) {
      if (value.kind !== 'cast' || value.rounding === 'rn') continue;
      const fromFloat = section.values[value.operand]!.dtype === 'f32';
      const floatTarget = ['bf16', 'f16', 'e4m3', 'e5m2'].includes(value.dtype);
      if (fromFloat && floatTarget && !(value.dtype === 'bf16' && value.rounding === 'rz')) {
        refuse(
          'FORMULA_UNSUPPORTED',
          'no such cast',
          `f32 to ${value.dtype} rounded by ${value.rounding}`,
          'rn, or rz to bf16',
          'round another way',
          value.span,
        );
      }
    }
  }
  return kernel;
}

/** Where the formula first reads or writes a tensor. */
function placeOfUse(kernel: Kernel, tensor: string): Place | undefined {
  const uses = kernel.sections
    .flatMap(partsOf)
    .flatMap(({ values, stores }) => [
      ...values.filter((value) => value.kind === 'load' && value.access.tensor === tensor),
      ...stores.filter((store) => store.access.tensor === tensor),
    ]);
  return uses[0]?.span;
}

/** Dynamic shared memory of a CTA, in bytes, as the allocator lays the regions out one after another. */
export function sharedBytes(kernel: Kernel): number {
  return kernel.shared.reduce(
    (offset, region) =>
      Math.ceil(offset / region.align) * region.align + region.elements * dtypeBytes(region.dtype),
    0,
  );
}
