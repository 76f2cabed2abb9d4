/** A cuBLASLt handle on one device: makes descriptors, checks every call, destroys what is left at its end. */

import { RoseError } from '../../util/errors.js';
import type { CudaDevice } from '../cuda/cuda-device.js';
import { HostBlock } from '../driver/cuda-driver.js';
import { closedError } from '../lifetime.js';
import { STATUS } from './constants.js';
import type { CublasLt } from './load-cublaslt.js';
import type { CublasLtApi } from './signatures.js';

/** What a descriptor is destroyed with. */
type Destroy = 'matmulDescDestroy' | 'matrixLayoutDestroy' | 'matmulPreferenceDestroy';

/** An attribute's id and the size of its value. */
export type Attribute = readonly [id: number, bytes: 1 | 4 | 8];

const NEXT: Readonly<Record<number, string>> = {
  [STATUS.notInitialized]:
    'update the NVIDIA driver, or set ROSE_GEN_CUBLASLT to a cuBLASLt that is no newer than it',
  [STATUS.notSupported]: 'use other dtypes, extents or pitches; docs/runtime.md lists what there is',
  [STATUS.archMismatch]: 'use dtypes that this GPU has: FP8 needs sm89 or later',
};

export class LtSession {
  readonly api: CublasLtApi;
  readonly handle: number;
  /** Results of calls, and values of attributes: two 64-bit words. */
  readonly out: HostBlock;
  readonly #owned = new Map<number, Destroy>();
  #closed = false;

  constructor(
    readonly library: CublasLt,
    readonly device: CudaDevice,
  ) {
    this.api = library.api;
    this.out = new HostBlock(library.host, 16);
    device.context.activate();
    this.check(this.api.create(this.out.address), 'cublasLtCreate');
    this.handle = this.out.getAddress(0);
  }

  /** @throws HANDLE_CLOSED */
  assertOpen(): void {
    if (this.#closed) throw closedError('the cuBLASLt handle');
  }

  check(status: number, call: string): void {
    if (status !== STATUS.success) throw this.error(status, call);
  }

  /** @param call the function, and what it was called for */
  error(status: number, call: string): RoseError {
    const { api, library } = this;
    const [name, text] = [api.getStatusName(status), api.getStatusString(status)].map((at) =>
      at === 0 ? '' : library.host.textAt(at),
    );
    return new RoseError({
      code: 'NATIVE_CALL',
      message: `cuBLASLt refused ${call}`,
      actual: `${status} ${name}: ${text}`,
      expected: '0 CUBLAS_STATUS_SUCCESS',
      next: NEXT[status] ?? "correct the call; cuBLAS's reference explains the status",
    });
  }

  layout(dataType: number, rows: number, columns: number, pitch: number): number {
    const status = this.api.matrixLayoutCreate(this.out.address, dataType, rows, columns, pitch);
    return this.#adopt(status, 'cublasLtMatrixLayoutCreate', 'matrixLayoutDestroy');
  }

  operation(computeType: number, scaleType: number): number {
    const status = this.api.matmulDescCreate(this.out.address, computeType, scaleType);
    return this.#adopt(status, 'cublasLtMatmulDescCreate', 'matmulDescDestroy');
  }

  preference(): number {
    const status = this.api.matmulPreferenceCreate(this.out.address);
    return this.#adopt(status, 'cublasLtMatmulPreferenceCreate', 'matmulPreferenceDestroy');
  }

  setOperation(operation: number, [id, bytes]: Attribute, value: number): void {
    this.out.setAddress(0, value);
    const status = this.api.matmulDescSetAttribute(operation, id, this.out.address, bytes);
    this.check(status, `cublasLtMatmulDescSetAttribute(${id}, ${value})`);
  }

  setPreference(preference: number, [id, bytes]: Attribute, value: number): void {
    this.out.setAddress(0, value);
    const status = this.api.matmulPreferenceSetAttribute(preference, id, this.out.address, bytes);
    this.check(status, `cublasLtMatmulPreferenceSetAttribute(${id}, ${value})`);
  }

  /** Destroys a descriptor: host memory, whatever has become of the device. */
  destroy(descriptor: number): void {
    const destroy = this.#owned.get(descriptor);
    if (destroy === undefined) return;
    this.#owned.delete(descriptor);
    this.check(this.api[destroy](descriptor), destroy);
  }

  close(): void {
    this.#closed = true;
    for (const descriptor of [...this.#owned.keys()]) this.destroy(descriptor);
    const { context } = this.device;
    // A device that is gone took along what the handle had on it.
    if (this.device.closed || context.lost) return;
    context.activate();
    this.check(this.api.destroy(this.handle), 'cublasLtDestroy');
  }

  #adopt(status: number, call: string, destroy: Destroy): number {
    this.check(status, call);
    const descriptor = this.out.getAddress(0);
    this.#owned.set(descriptor, destroy);
    return descriptor;
  }
}
