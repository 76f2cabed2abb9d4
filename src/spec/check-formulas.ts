/** A declared spec, for one choice of types and flags and perhaps bound dimensions -> its typed sections. */

import { RoseError } from '../util/errors.js';
import { checkSection } from './check/check-section.js';
import { Scope, type Choice } from './check/scope.js';
import type { Extents } from './dims.js';
import type { BoundSection, DimDecl, KernelSpec, SectionFormula } from './types.js';

export function sectionsOf(spec: KernelSpec, choice: Choice, extents: Extents): readonly BoundSection[] {
  const cut = spec.dims.find((dim): dim is DimDecl & { kind: 'sections' } => dim.kind === 'sections');
  return spec.formulas.map((formula): BoundSection => {
    const part = cut && partOf(cut, formula, extents);
    const scope = new Scope(spec, choice, extents, part && { dim: part.dim, as: part.as });
    const statements = checkSection(formula.statements, scope);
    return { name: formula.section, ...(part && { cut: part }), statements };
  });
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

/** Raises FORMULA_TYPE where, for some choice, an output is never written, written twice, or nothing is left to do. */
export function checkWrites(spec: KernelSpec, choice: Choice, sections: readonly BoundSection[]): void {
  const writes = sections.flatMap((section) =>
    section.statements.flatMap((statement) =>
      statement.kind === 'write' ? [{ ...statement, section: section.name }] : [],
    ),
  );
  for (const tensor of spec.tensors) {
    if (tensor.access === 'in' || (tensor.when !== undefined && !choice.flags[tensor.when])) continue;
    const own = writes.filter((write) => write.tensor === tensor.name);
    if (own.length === 0) {
      throw formulaError(
        tensor.span,
        `${tensor.name} is never written`,
        `access: ${tensor.access}`,
        'one statement that assigns it',
        `assign ${tensor.name}, or remove it`,
      );
    }
    const cut = tensor.shape.some(
      (entry) => 'dim' in entry && spec.dims.some((dim) => dim.name === entry.dim && dim.kind === 'sections'),
    );
    const twice = own.find(
      (write, i) => i > 0 && (!cut || own.slice(0, i).some((earlier) => earlier.section === write.section)),
    );
    if (twice)
      throw formulaError(
        twice.span,
        `${tensor.name} is written twice`,
        'two statements',
        'one',
        'combine them with select()',
      );
  }
}

/** Raises FORMULA_NAME for a tensor, param or local that no combination of choices uses. */
export function checkUsed(spec: KernelSpec, all: readonly (readonly BoundSection[])[]): void {
  const used = new Set<string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(visit);
    else if (typeof node === 'object' && node !== null) {
      const { kind, name, tensor, range } = node as Record<string, unknown>;
      if ((kind === 'local' || kind === 'param') && typeof name === 'string') used.add(name);
      if ((kind === 'load' || kind === 'write') && typeof tensor === 'string') used.add(tensor);
      if (typeof range === 'object' && range !== null)
        used.add(String((range as { tensor?: string }).tensor));
      for (const [key, field] of Object.entries(node)) if (key !== 'span') visit(field);
    }
  };
  visit(all);
  for (const decl of [...spec.tensors, ...spec.params]) {
    if (!used.has(decl.name))
      throw nameError(decl.span, `${decl.name} is declared and never used`, 'use it, or remove it');
  }
  for (const formula of spec.formulas) {
    for (const statement of formula.statements) {
      const isTensor = spec.tensors.some((tensor) => tensor.name === statement.target);
      if (!isTensor && !used.has(statement.target))
        throw nameError(
          statement.span,
          `${statement.target} is computed and never used`,
          'use it, or remove it',
        );
    }
  }
}

const nameError = (place: KernelSpec['tensors'][number]['span'], message: string, next: string): RoseError =>
  new RoseError({
    code: 'FORMULA_NAME',
    message,
    place,
    actual: 'no use',
    expected: 'a use in the formula',
    next,
  });

function formulaError(
  place: KernelSpec['tensors'][number]['span'],
  message: string,
  actual: string,
  expected: string,
  next: string,
): RoseError {
  return new RoseError({ code: 'FORMULA_TYPE', message, place, actual, expected, next });
}
