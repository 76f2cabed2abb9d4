/** A toolchain error in a rendered module -> the same error with the place in the spec that the line came from. */

import { CompileError } from '../toolchain/index.js';
import { RoseError } from '../util/errors.js';
import type { RenderedVariant } from './render.js';

export function atSpecPlace(error: unknown, rendered: RenderedVariant): unknown {
  if (!(error instanceof CompileError) || error.moduleLine === undefined) return error;
  const place = rendered.module.places[error.moduleLine - 1];
  if (!place) return error;
  return new RoseError({
    code: error.code,
    message: `${rendered.variant.id}: ${error.message}`,
    place,
    ...(error.actual !== undefined && { actual: error.actual }),
    ...(error.expected !== undefined && { expected: error.expected }),
    next: error.next,
    ...(error.detail !== undefined && { detail: error.detail }),
    cause: error,
  });
}
