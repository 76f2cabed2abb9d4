/** The RoseError that an action raises. */

import { RoseError } from '../../src/util/errors.js';

export function raised(action: () => unknown): RoseError {
  try {
    action();
  } catch (error) {
    if (error instanceof RoseError) return error;
    throw error;
  }
  throw new Error('nothing was raised');
}
