/** A declared spec, for one choice of types and flags and perhaps bound dimensions -> its typed sections. */

import { CheckedSection } from './check/checked-section.js';
import { checkCoverage } from './check/coverage.js';
import { checkInPlace } from './check/in-place.js';
import { checkSection } from './check/check-section.js';
import { Scope, type Choice } from './check/scope.js';
import { evaluateExtents, type Extents } from './dims.js';
import type { BoundSection, DimDecl, KernelSpec, SectionFormula } from './types.js';

/** Type-checks a spec under every choice. Raises FORMULA_TYPE, FORMULA_NAME, FORMULA_UNSUPPORTED. */
export function checkFormulas(spec: KernelSpec, choices: readonly Choice[]): void {
  const extents = evaluateExtents(spec.dims, new Map());
  for (const choice of choices) typedSections(spec, choice, extents);
}

/** Raises FORMULA_TYPE, FORMULA_NAME, FORMULA_UNSUPPORTED. */
export function typedSections(spec: KernelSpec, choice: Choice, extents: Extents): readonly BoundSection[] {
  const cut = spec.dims.find((dim): dim is DimDecl & { kind: 'sections' } => dim.kind === 'sections');
  const sections = spec.formulas.map((formula): CheckedSection => {
    const part = cut && partOf(cut, formula, extents);
    const scope = new Scope(spec, choice, extents, part && { dim: part.dim, as: part.as });
    const statements = checkSection(formula.statements, scope);
    return new CheckedSection(scope, { name: formula.section, ...(part && { cut: part }), statements });
  });
  checkCoverage(sections);
  checkInPlace(sections);
  return sections.map(({ bound }) => bound);
}

function partOf(
  cut: DimDecl & { kind: 'sections' },
  formula: SectionFormula,
  extents: Extents,
): { dim: string; as: string; offset: number } {
  const index = cut.parts.findIndex((part) => part.section === formula.section);
  const before = cut.parts.slice(0, index).map((part) => extents.get(part.dim));
  const offset = before.reduce<number>((sum, extent) => sum + (typeof extent === 'number' ? extent : 0), 0);
  return { dim: cut.name, as: cut.parts[index]!.dim, offset };
}
