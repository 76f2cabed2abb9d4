/** What a cubin says of a kernel + how it is launched -> the resource report of the manifest. */

import type { Architecture } from '../device/arch.js';
import type { ResourceReport } from '../device/manifest.js';
import type { CubinKernel } from './cubin.js';
import { estimateOccupancy } from './occupancy.js';

export interface LaunchShape {
  /** Threads of a CTA. */
  readonly threads: number;
  /** Dynamic shared memory of a CTA, in bytes. */
  readonly dynamicSharedBytes: number;
}

export function reportResources(
  arch: Architecture,
  kernel: CubinKernel,
  launch: LaunchShape,
): ResourceReport {
  const occupancy = estimateOccupancy(arch, {
    threads: launch.threads,
    registers: kernel.registers,
    sharedBytes: kernel.staticSharedBytes + launch.dynamicSharedBytes,
  });
  return {
    registers: kernel.registers,
    spillBytes: kernel.spillStoreBytes + kernel.spillLoadBytes,
    localBytes: kernel.localBytes,
    staticSharedBytes: kernel.staticSharedBytes,
    dynamicSharedBytes: launch.dynamicSharedBytes,
    ctasPerSm: occupancy.ctasPerSm,
  };
}
