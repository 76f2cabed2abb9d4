/** Type-checks a spec under every combination of its types and flags. */

import { checkUsed, checkWrites, sectionsOf } from './check-formulas.js';
import type { Choice } from './check/scope.js';
import { evaluateExtents } from './dims.js';
import type { KernelSpec } from './types.js';

/** Raises FORMULA_TYPE, FORMULA_NAME, FORMULA_UNSUPPORTED. */
export function checkFormulas(spec: KernelSpec, choices: readonly Choice[]): void {
  const extents = evaluateExtents(spec.dims, new Map());
  const all = choices.map((choice) => {
    const sections = sectionsOf(spec, choice, extents);
    checkWrites(spec, choice, sections);
    return sections;
  });
  checkUsed(spec, all);
}
