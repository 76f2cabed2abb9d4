/** One primary context: makes it current, checks every call, and remembers that a fault has made it unusable. */

import { closest, RoseError } from '../../util/errors.js';
import { HostBlock, type CudaDriver } from '../driver/cuda-driver.js';
import { driverError, poisons, STATUS } from '../driver/driver-error.js';
import type { CudaApi } from '../driver/signatures.js';
import { closedError } from '../lifetime.js';

/** What a handle is destroyed with. */
type Destroy =
  | 'cuStreamDestroy'
  | 'cuEventDestroy'
  | 'cuModuleUnload'
  | 'cuGraphDestroy'
  | 'cuGraphExecDestroy'
  | 'cuMemFreeHost';

/** Handles are destroyed in this order when a context ends. */
const ORDER: readonly Destroy[] = [
  'cuGraphExecDestroy',
  'cuGraphDestroy',
  'cuEventDestroy',
  'cuModuleUnload',
  'cuMemFreeHost',
  'cuStreamDestroy',
];

export class CudaContext {
  readonly api: CudaApi;
  readonly handle: number;
  /** Results of calls: four 64-bit words. */
  readonly out: HostBlock;
  readonly #handles = new Map<number, Destroy>();
  #lost: RoseError | undefined;
  #closed = false;

  constructor(
    readonly driver: CudaDriver,
    readonly ordinal: number,
  ) {
    this.api = driver.api;
    this.out = new HostBlock(driver, 32);
    const status = this.api.cuDevicePrimaryCtxRetain(this.out.address, ordinal);
    if (status !== STATUS.success) throw driverError(driver, status, 'cuDevicePrimaryCtxRetain');
    this.handle = this.out.getAddress(0);
    this.activate();
  }

  /** Makes it this thread's context. Raises DEVICE_LOST after a fault and HANDLE_CLOSED after the end. */
  activate(): void {
    if (this.#lost) throw this.#lostError(this.#lost);
    if (this.#closed) throw closedError(`the CUDA device ${this.ordinal}`);
    if (this.driver.currentContext !== this.handle) this.#setCurrent();
  }

  check(status: number, call: string): void {
    if (status !== STATUS.success) throw this.error(status, call);
  }

  error(status: number, call: string): RoseError {
    const error = driverError(this.driver, status, call);
    if (poisons(status)) this.#lost ??= error;
    return error;
  }

  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /** Whether a stream has done all its work. */
  isIdle(stream: number): boolean {
    this.activate();
    const status = this.api.cuStreamQuery(stream);
    if (status === STATUS.notReady) return false;
    this.check(status, 'cuStreamQuery');
    return true;
  }

  /** Blocks this thread until a stream has done all its work. */
  wait(stream: number): void {
    this.activate();
    this.check(this.api.cuStreamSynchronize(stream), 'cuStreamSynchronize');
  }

  /** Keeps a handle until it is destroyed, at the latest when the context ends. */
  adopt(handle: number, destroy: Destroy): number {
    this.#handles.set(handle, destroy);
    return handle;
  }

  /** Destroys a handle; after a fault there is nothing left to destroy. */
  destroy(handle: number): void {
    const destroy = this.#handles.get(handle);
    if (!destroy) return;
    this.#handles.delete(handle);
    if (this.#lost) return;
    this.activate();
    this.check(this.api[destroy](handle), destroy);
  }

  /** Destroys what is left and gives the context back. */
  close(): void {
    if (this.#closed) return;
    for (const kind of ORDER) {
      for (const [handle, destroy] of this.#handles) if (destroy === kind) this.destroy(handle);
    }
    this.#closed = true;
    if (this.driver.currentContext === this.handle) {
      this.driver.currentContext = 0;
      this.api.cuCtxSetCurrent(0);
    }
    const status = this.api.cuDevicePrimaryCtxRelease(this.ordinal);
    if (!this.#lost) this.check(status, 'cuDevicePrimaryCtxRelease');
  }

  #setCurrent(): void {
    this.check(this.api.cuCtxSetCurrent(this.handle), 'cuCtxSetCurrent');
    this.driver.currentContext = this.handle;
  }

  #lostError(cause: RoseError): RoseError {
    return new RoseError({
      code: 'DEVICE_LOST',
      message: `the CUDA device ${this.ordinal} was lost to an earlier fault`,
      ...(cause.actual !== undefined && { actual: cause.actual }),
      next: 'end this process and start a new one: the driver refuses it every further call',
      cause,
    });
  }
}

/** An entry that a module does not have: names the closest one where names are known. */
export function noSuchKernel(
  entry: string,
  module: string,
  names: readonly string[],
  cause?: unknown,
): RoseError {
  const near = closest(entry, names);
  return new RoseError({
    code: 'USAGE',
    message: `the module "${module}" has no kernel "${entry}"`,
    next: near === undefined ? 'name a kernel of the module' : `did you mean ${near}?`,
    cause,
  });
}
