/** A build folder -> a library on a device. */

import type { Device } from '../../device/device.js';
import type { Manifest } from '../../device/manifest.js';
import { RoseError } from '../../util/errors.js';
import { cudaVersionOf, formatCudaVersion } from '../driver/driver-version.js';
import { openDevice, type OpenDeviceOptions } from '../open-device.js';
import type { RuntimeDevice } from '../runtime-device.js';
import { servesArch } from './catalogue.js';
import { Library } from './library.js';
import { readLibraryManifest } from './read-library.js';

export interface OpenLibraryOptions extends OpenDeviceOptions {
  /**
   * `cuda`: a GPU of this machine; `sim`: the simulator, for the architecture `arch`; or a device that is open, which
   * stays open when the library is closed. Default `cuda`.
   */
  readonly device?: 'cuda' | 'sim' | Device;
}

/**
 * Opens the library that a build wrote to `folder`. Code is read, checked against its hash and loaded when it is first
 * launched. Raises MANIFEST_INVALID, LIBRARY_MISS, DRIVER_MISSING, DEVICE_UNAVAILABLE.
 */
export async function openLibrary(folder: string, options: OpenLibraryOptions = {}): Promise<Library> {
  const manifest = await readLibraryManifest(folder);
  const asked = options.device ?? 'cuda';
  const device = await openDevice(asked, { ...options, arch: options.arch ?? simulatedArch(manifest) });
  const owned = typeof asked === 'string';
  try {
    assertDriver(manifest, device);
    assertArch(manifest, device, folder);
  } catch (error) {
    if (owned) device.close();
    throw error;
  }
  return new Library(folder, manifest, device, owned);
}

/** What the simulator stands for where nobody says: sm90 where the library has it. */
function simulatedArch({ archs }: Manifest): string {
  return archs.includes('sm90') ? 'sm90' : (archs[0] ?? 'sm90');
}

function assertDriver({ toolchain }: Manifest, device: RuntimeDevice): void {
  if (device.cudaVersion === undefined) return;
  const least = cudaVersionOf(toolchain.minimumDriver);
  if (device.cudaVersion >= least) return;
  throw new RoseError({
    code: 'DRIVER_MISSING',
    message: 'the CUDA driver is too old for this library',
    actual: `CUDA ${formatCudaVersion(device.cudaVersion)}`,
    expected: `CUDA ${formatCudaVersion(least)} or later (driver ${toolchain.minimumDriver})`,
    next: 'update the NVIDIA driver',
  });
}

function assertArch(manifest: Manifest, device: RuntimeDevice, folder: string): void {
  if (manifest.variants.length === 0 || manifest.archs.some((arch) => servesArch(arch, device.arch))) return;
  throw new RoseError({
    code: 'LIBRARY_MISS',
    message: `the library ${folder} has no code for this device`,
    actual: `${device.name}, ${device.arch}`,
    expected: `a device of ${manifest.archs.join(', ')}`,
    next: `build it: rose-gen build --model MODEL --arch ${device.arch}`,
  });
}
