/** The statements of one section, for one choice of types and flags -> typed statements. */

import { RoseError } from '../../util/errors.js';
import { checkName } from '../names.js';
import type { BoundIndex, Statement, TypedExpr, TypedStatement } from '../types.js';
import { ExprChecker, requireAxes } from './check-expr.js';
import { typeError } from './errors.js';
import { AbsentName, type Scope, type TensorView } from './scope.js';
import { decide } from './static-flags.js';

/** Raises FORMULA_TYPE, FORMULA_NAME, SPEC_NAME, FORMULA_UNSUPPORTED. */
export function checkSection(statements: readonly Statement[], scope: Scope): readonly TypedStatement[] {
  const checker = new ExprChecker(scope);
  return statements.flatMap((statement): readonly TypedStatement[] => {
    const decl = scope.spec.tensors.find((tensor) => tensor.name === statement.target);
    if (!decl) return bindLocal(statement, scope, checker);
    // A tensor that the flags leave out is not written.
    if (!scope.exists(decl)) return [];
    return write(statement, scope.tensor(decl.name, statement.span)!, scope, checker);
  });
}

function bindLocal(statement: Statement, scope: Scope, checker: ExprChecker): readonly TypedStatement[] {
  const { target: name, span } = statement;
  if (statement.entries.length > 0 || statement.where) {
    throw new RoseError({
      code: 'FORMULA_NAME',
      message: `there is no tensor ${name}`,
      place: span,
      actual: name,
      expected: `one of ${scope.spec.tensors.map((tensor) => tensor.name).join(', ')}`,
      next: 'only a tensor is written at an index or under a condition',
    });
  }
  checkName('a local', name, span);
  if (scope.locals.has(name))
    throw typeError(
      `${name} is assigned twice`,
      name,
      'each name once',
      'give the second value another name',
      span,
    );
  if (
    scope.isDim(name) ||
    scope.spec.params.some((param) => param.name === name) ||
    (scope.dtype(name) !== undefined && scope.spec.types.some((type) => type.name === name))
  ) {
    throw typeError(`${name} is declared already`, name, 'a name of its own', 'rename the local', span);
  }
  let value: TypedExpr;
  try {
    value = checker.check(statement.value);
  } catch (error) {
    if (!(error instanceof AbsentName)) throw error;
    // A local made of a tensor that the flags leave out: an error only where something uses it.
    scope.locals.set(name, error);
    return [];
  }
  scope.locals.set(name, value);
  return [{ kind: 'let', name, value, span }];
}

function write(
  statement: Statement,
  view: TensorView,
  scope: Scope,
  checker: ExprChecker,
): readonly TypedStatement[] {
  const { decl } = view;
  const { span } = statement;
  if (decl.access === 'in') {
    throw typeError(
      `${decl.name} is an input and cannot be written`,
      'access: in',
      'access: out or inout',
      `declare ${decl.name} with access: out`,
      span,
    );
  }
  const value = checker.check(
    statement.value,
    ['f32', 'i32', 'i64'].includes(view.dtype) ? view.dtype : undefined,
  );
  if (value.dtype !== view.dtype) {
    throw typeError(
      `${decl.name} is of another dtype`,
      value.dtype,
      view.dtype,
      `write ${decl.dtype}(...) around the value`,
      statement.value.span,
    );
  }
  const indices = checker.entries(view, statement.entries);
  const domain = domainOf(view, indices);
  requireAxes(value, domain, 'the value');
  indices.forEach(({ dim, index }) => requireScatter(dim, index));
  const folded = statement.where && decide(statement.where, scope.choice.flags);
  if (folded === false) return [];
  const where =
    statement.where && folded === undefined ? checker.condition(statement.where, 'where') : undefined;
  if (where) requireAxes(where, domain, 'the condition');
  return [{ kind: 'write', tensor: decl.name, indices, value, ...(where && { where }), span }];
}

/** Axes that a write covers: those of the tensor, with the axes of its indices in place of what they index. */
function domainOf(view: TensorView, indices: readonly BoundIndex[]): readonly string[] {
  return [
    ...new Set(
      view.modes.flatMap(({ axis, dim }) => indices.find((index) => index.dim === dim)?.index.axes ?? [axis]),
    ),
  ];
}

function requireScatter(dim: string, index: TypedExpr): void {
  if (index.kind === 'position' && index.dim !== dim) {
    throw typeError(
      `${dim} is written at a position along ${index.dim}`,
      `[${dim}: ${index.dim}]`,
      'an index tensor, or a position along the dimension itself',
      'declare the tensor over the dimension it is written along',
      index.span,
    );
  }
}
