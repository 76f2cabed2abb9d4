/** Stands in a bundle where the simulator would be, and says so. */

import { RoseError } from '../util/errors.js';

/** Raises DEVICE_UNAVAILABLE. */
export function openSimDevice(): never {
  throw new RoseError({
    code: 'DEVICE_UNAVAILABLE',
    message: 'this bundle was packed without the simulator',
    actual: 'the device "sim"',
    expected: 'the device "cuda"',
    next: 'open "cuda", or pack the build again with --sim',
  });
}
