/** The driver and the GPUs of a machine -> whether the bundle's kernels run there. */

import { cudaDevices, type CudaDeviceInfo, type CudaDriver } from '../runtime/index.js';
import { cudaVersionOf, formatCudaVersion } from '../runtime/driver/driver-version.js';
import { servesArch } from '../runtime/library/catalogue.js';
import { readLibraryManifest } from '../runtime/library/read-library.js';
import { RoseError } from '../util/errors.js';
import { errorMessage } from '../util/system-error.js';
import type { BundleRecord, Finding } from './bundle.js';

/** `driver`: path of its library, or the driver itself; `kernels`: the folder of the manifest. */
export async function diagnoseGpu(
  record: BundleRecord,
  kernels: string,
  driver?: string | CudaDriver,
): Promise<readonly Finding[]> {
  let devices: readonly CudaDeviceInfo[];
  try {
    devices = await cudaDevices(driver === undefined ? {} : { driver });
  } catch (error) {
    return withoutDevices(error, record);
  }
  if (devices.length === 0) return [{ id: 'driver', status: 'ok', found: 'loads' }, NO_DEVICE];
  return [checkVersion(record, devices[0]!.cudaVersion), await checkDevices(kernels, devices)];
}

const NO_DEVICE: Finding = {
  id: 'device',
  status: 'missing',
  found: 'no GPU',
  fix: 'use a machine with an NVIDIA GPU, and let the container or the batch system see it',
};
const SKIPPED: Finding = {
  id: 'device',
  status: 'skipped',
  found: 'not looked at: there is no usable driver',
};

function withoutDevices(error: unknown, { minimumDriver, platform }: BundleRecord): readonly Finding[] {
  if (!(error instanceof RoseError)) {
    const found = `the native part of koffi does not load: ${errorMessage(error)}`;
    const fix = `use a system with glibc for ${platform}, or pack again for this platform`;
    return [{ id: 'driver', status: 'missing', found, fix }, SKIPPED];
  }
  if (error.code === 'DEVICE_UNAVAILABLE')
    return [
      { id: 'driver', status: 'ok', found: 'loads' },
      { ...NO_DEVICE, found: error.message },
    ];
  const found = [error.message, error.actual].filter((part) => part !== undefined).join(': ');
  const fix =
    error.code === 'DRIVER_MISSING' ? `install the NVIDIA driver, ${minimumDriver} or later` : error.next;
  return [{ id: 'driver', status: 'missing', found, fix }, SKIPPED];
}

function checkVersion({ minimumDriver }: BundleRecord, version: number): Finding {
  const least = cudaVersionOf(minimumDriver);
  const found = `CUDA ${formatCudaVersion(version)}`;
  if (version >= least) return { id: 'driver', status: 'ok', found };
  return {
    id: 'driver',
    status: 'missing',
    found: `${found}, needs CUDA ${formatCudaVersion(least)} or later`,
    fix: `update the NVIDIA driver to ${minimumDriver} or later`,
  };
}

/** Well where one of the GPUs has kernels. */
async function checkDevices(kernels: string, devices: readonly CudaDeviceInfo[]): Promise<Finding> {
  const { archs, variants } = await readLibraryManifest(kernels);
  const counts = devices.map(({ arch }) => variants.filter((each) => servesArch(each.arch, arch)).length);
  const found = devices
    .map(
      ({ ordinal, name, arch }, i) =>
        `${ordinal}: ${name}, ${arch}, ${counts[i]} of ${variants.length} variants`,
    )
    .join('; ');
  if (counts.some((count) => count > 0)) return { id: 'device', status: 'ok', found };
  return {
    id: 'device',
    status: 'missing',
    found: `${found}; the kernels are for ${archs.join(', ')}`,
    fix: `build for ${devices[0]!.arch} and pack that: rose-gen build --model MODEL --arch ${devices[0]!.arch}`,
  };
}
