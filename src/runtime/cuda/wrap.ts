/** An address from elsewhere -> proof that it is memory of this GPU, and enough of it. */

import { RoseError } from '../../util/errors.js';
import { STATUS } from '../driver/driver-error.js';
import type { CudaContext } from './context.js';

const ATTRIBUTE = { ordinal: 9, start: 11, size: 12 } as const;

/** The address as a number. Raises HANDLE_CLOSED with what the driver knows of it. */
export function foreignRange(context: CudaContext, address: bigint, bytes: number): number {
  const at = Number(address);
  const ordinal = attribute(context, ATTRIBUTE.ordinal, at);
  const start = attribute(context, ATTRIBUTE.start, at);
  const size = attribute(context, ATTRIBUTE.size, at);
  const hex = `0x${address.toString(16)}`;
  if (ordinal === undefined || start === undefined || size === undefined) {
    throw refused(`${hex} is no memory that the driver knows`, 'no allocation', `${bytes} bytes`);
  }
  if (ordinal !== context.ordinal) {
    throw refused(`${hex} is memory of another device`, `device ${ordinal}`, `device ${context.ordinal}`);
  }
  if (at + bytes > start + size) {
    throw refused(`the memory at ${hex} is too small`, `${start + size - at} bytes`, `${bytes} bytes`);
  }
  return at;
}

/** A 32- or 64-bit attribute; undefined where the driver does not know the address. */
function attribute(context: CudaContext, id: number, at: number): number | undefined {
  context.activate();
  const { api, out } = context;
  out.setAddress(0, 0);
  const status = api.cuPointerGetAttribute(out.address, id, at);
  if (status === STATUS.invalidValue) return undefined;
  context.check(status, `cuPointerGetAttribute(${id})`);
  return id === ATTRIBUTE.ordinal ? out.view.getInt32(0, true) : out.getAddress(0);
}

function refused(message: string, actual: string, expected: string): RoseError {
  return new RoseError({
    code: 'HANDLE_CLOSED',
    message,
    actual,
    expected,
    next: 'wrap an address that was allocated on this GPU and is still allocated',
  });
}
