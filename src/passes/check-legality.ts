/**
 * check-legality: refuses a schedule that the architecture cannot run. Changes nothing.
 *
 * Threads, shared memory, cluster size, access width and instructions are compared with the architecture's limits before
 * anything is rendered. A rejection names the number and the limit.
 */

import type { Architecture } from '../device/arch.js';
import type { Axis } from '../spec/index.js';
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
    const most = arch.maxSharedMemoryPerCta;
    const tables = largestTables(kernel);
    const fitting = tables ? tablesThatFit(tables, most - (shared - tables.bytes)) : 0;
    if (tables && fitting > 0) {
      const { axis, extent, bytes, place } = tables;
      refuse(
        'SCHEDULE_ILLEGAL',
        `tables along ${axis} take too much shared memory`,
        `${shared} bytes, of which ${bytes} for ${extent} elements of ${axis}`,
        `at most ${most} bytes: ${fitting} elements of ${axis}`,
        `count over fewer ${axis}`,
        place,
      );
    }
    refuse('SCHEDULE_ILLEGAL', 'too much shared memory', `${shared} bytes`, `at most ${most} bytes`, fewer);
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

/** Tables of a kernel that lie along one dimension. */
interface TablesAlong {
  readonly axis: Axis;
  readonly extent: number;
  readonly bytes: number;
  /** Where the formula counts or sums along it. */
  readonly place: Place | undefined;
}

/** The dimension whose tables take most of the shared memory. */
function largestTables(kernel: Kernel): TablesAlong | undefined {
  const bytes = new Map<Axis, number>();
  for (const region of kernel.shared) {
    if (region.along === undefined) continue;
    bytes.set(region.along, (bytes.get(region.along) ?? 0) + region.elements * dtypeBytes(region.dtype));
  }
  const [largest] = [...bytes].sort(([, a], [, b]) => b - a);
  if (!largest) return undefined;
  const [axis, most] = largest;
  const tables = kernel.sections.flatMap((section) => section.tables ?? []);
  const info = tables.flatMap(({ axes }) => axes).find((each) => each.axis === axis)!;
  const value = tables
    .flatMap(({ values }) => values)
    .find(
      (each) => (each.kind === 'count' && each.bins === axis) || (each.kind === 'scan' && each.over === axis),
    );
  return { axis, extent: Number(info.extent), bytes: most, place: value?.span };
}

/** Elements whose tables fit in so many bytes, each array a multiple of 16 bytes; 0 where none do. */
function tablesThatFit({ extent, bytes }: TablesAlong, room: number): number {
  return Math.max(0, Math.floor(room / (bytes / extent) / 4) * 4);
}

/** Dynamic shared memory of a CTA, in bytes, as the allocator lays the regions out one after another. */
export function sharedBytes(kernel: Kernel): number {
  return kernel.shared.reduce(
    (offset, region) =>
      Math.ceil(offset / region.align) * region.align + region.elements * dtypeBytes(region.dtype),
    0,
  );
}
