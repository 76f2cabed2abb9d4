/** An L2 with nothing in it that a call needs. */

import type { CudaDevice, CudaStream } from '../runtime/index.js';
import type { Scope } from '../util/scope.js';
import { L2_TIMES } from './rotation.js';

/**
 * Sets so much memory that nothing else is left in the L2. Reading as much leaves tensors of a few rows there, measured on
 * an H200; after this their times are those of calls that rotate through more memory than the L2 holds.
 */
export function prepareFlush(
  { device, stream }: { readonly device: CudaDevice; readonly stream: CudaStream },
  scope: Scope,
): () => void {
  const buffer = scope.use(device.alloc(L2_TIMES * device.info.l2Bytes, { name: 'flush' }));
  return () => {
    device.fill(buffer, 0, stream);
  };
}
