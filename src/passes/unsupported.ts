/** The typed rejection of a formula that no family can schedule. */

import type { Section } from '../ir/kernel.js';
import { RoseError, type Place } from '../util/errors.js';

export function unsupported(
  section: Section,
  actual: string,
  expected: string,
  place?: Place,
  next = 'rewrite the formula, or split the kernel in two',
): RoseError {
  const where = place ?? section.stores[0]?.span;
  return new RoseError({
    code: 'FORMULA_UNSUPPORTED',
    message: 'no family of schedules can carry this formula',
    ...(where && { place: where }),
    actual,
    expected,
    next,
  });
}
