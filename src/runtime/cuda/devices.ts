/** The GPUs that the driver shows. */

import { ARCHITECTURES, runsOn } from '../../device/arch.js';
import { RoseError } from '../../util/errors.js';
import { HostBlock, type CudaDriver } from '../driver/cuda-driver.js';
import { driverError, STATUS } from '../driver/driver-error.js';

export interface CudaDeviceInfo {
  readonly ordinal: number;
  readonly name: string;
  readonly computeCapability: readonly [number, number];
  /** `sm90`. */
  readonly arch: string;
  readonly multiprocessors: number;
  readonly memoryBytes: number;
  readonly l2Bytes: number;
  /** Most dynamic shared memory of a block, in bytes. */
  readonly maxSharedMemoryPerCta: number;
  readonly cooperativeLaunch: boolean;
  readonly memoryPools: boolean;
  /** CUDA version of the driver: 12080 is 12.8. */
  readonly cudaVersion: number;
}

const ATTRIBUTE = {
  multiprocessors: 16,
  l2Bytes: 38,
  major: 75,
  minor: 76,
  cooperativeLaunch: 95,
  maxSharedMemory: 97,
  memoryPools: 115,
} as const;
const NAME_BYTES = 256;

/** Every GPU, in the driver's order. Raises DRIVER_CALL, and DEVICE_UNAVAILABLE where there is none. */
export function listCudaDevices(driver: CudaDriver): readonly CudaDeviceInfo[] {
  const query = new Query(driver);
  query.check(driver.api.cuInit(0), 'cuInit');
  const count = query.int((out) => driver.api.cuDeviceGetCount(out), 'cuDeviceGetCount');
  return Array.from({ length: count }, (_, ordinal) => query.device(ordinal));
}

/** One of them. Raises DEVICE_UNAVAILABLE, with what is there. */
export function findCudaDevice(driver: CudaDriver, ordinal: number): CudaDeviceInfo {
  const devices = listCudaDevices(driver);
  const device = devices[ordinal];
  if (device) return device;
  throw new RoseError({
    code: 'DEVICE_UNAVAILABLE',
    message: `there is no CUDA device ${ordinal}`,
    actual: devices.map(({ name }, i) => `${i}: ${name}`).join(', ') || 'no CUDA device',
    expected: `an ordinal below ${devices.length}`,
    next: devices.length > 0 ? 'choose one of these' : 'open the "sim" device, or use a machine with a GPU',
  });
}

class Query {
  readonly #out: HostBlock;

  constructor(private readonly driver: CudaDriver) {
    this.#out = new HostBlock(driver, NAME_BYTES);
  }

  check(status: number, call: string): void {
    if (status !== STATUS.success) throw driverError(this.driver, status, call);
  }

  int(call: (out: number) => number, name: string): number {
    this.check(call(this.#out.address), name);
    return this.#out.view.getInt32(0, true);
  }

  device(ordinal: number): CudaDeviceInfo {
    const { api } = this.driver;
    const handle = this.int((out) => api.cuDeviceGet(out, ordinal), 'cuDeviceGet');
    const attribute = (id: number): number =>
      this.int((out) => api.cuDeviceGetAttribute(out, id, handle), `cuDeviceGetAttribute(${id})`);
    const computeCapability = [attribute(ATTRIBUTE.major), attribute(ATTRIBUTE.minor)] as const;
    this.check(api.cuDeviceGetName(this.#out.address, NAME_BYTES, handle), 'cuDeviceGetName');
    const name = this.driver.textAt(this.#out.address);
    this.check(api.cuDeviceTotalMem(this.#out.address, handle), 'cuDeviceTotalMem');
    const memoryBytes = this.#out.getAddress(0);
    return {
      ordinal,
      name,
      computeCapability,
      arch: archOf(computeCapability),
      multiprocessors: attribute(ATTRIBUTE.multiprocessors),
      memoryBytes,
      l2Bytes: attribute(ATTRIBUTE.l2Bytes),
      maxSharedMemoryPerCta: attribute(ATTRIBUTE.maxSharedMemory),
      cooperativeLaunch: attribute(ATTRIBUTE.cooperativeLaunch) !== 0,
      memoryPools: attribute(ATTRIBUTE.memoryPools) !== 0,
      cudaVersion: this.int((out) => api.cuDriverGetVersion(out), 'cuDriverGetVersion'),
    };
  }
}

/** The architecture made for this capability; `sm75` for one that no kernel is built for. */
function archOf(capability: readonly [number, number]): string {
  const exact = ARCHITECTURES.find(
    ({ computeCapability: [major, minor] }) => major === capability[0] && minor === capability[1],
  );
  const fits = exact ?? ARCHITECTURES.find((arch) => runsOn(arch, capability));
  return fits?.name ?? `sm${capability.join('')}`;
}
