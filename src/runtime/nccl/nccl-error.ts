/** A status of NCCL -> a RoseError with the call and NCCL's own words. */

import { RoseError } from '../../util/errors.js';
import { STATUS } from './constants.js';
import type { Nccl } from './signatures.js';

const NEXT: Readonly<Record<number, string>> = {
  1: 'look at the CUDA error that NCCL reports: update the driver, free memory, or end what else uses the devices',
  2: 'check that the ranks reach each other over the network, and /dev/shm is large enough; NCCL_DEBUG=WARN says more',
  4: 'correct the arguments; NCCL_DEBUG=WARN says which one',
  5: 'make the same calls in the same order on every rank, those of one process in a group',
  6: 'look at the other ranks: one of them failed or ended',
};

/** @param call the function, and what it was called for */
export function checkNccl(nccl: Nccl, status: number, call: string): void {
  if (status !== STATUS.success) throw ncclError(nccl, status, `NCCL refused ${call}`);
}

export function ncclError(nccl: Nccl, status: number, message: string): RoseError {
  const { api, host } = nccl;
  const texts = [api.getErrorString(status), api.getLastError(0)]
    .map((at) => (at === 0 ? '' : host.textAt(at).trim()))
    .filter((text) => text !== '');
  return new RoseError({
    code: 'NATIVE_CALL',
    message,
    actual: `${status} ${texts.join(': ')}`,
    expected: '0 ncclSuccess',
    next: NEXT[status] ?? 'set NCCL_DEBUG=WARN and run again: NCCL then says more',
  });
}
