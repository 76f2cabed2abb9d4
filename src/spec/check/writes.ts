/** A statement that assigns to a tensor -> a typed write: dtype equal, axes those of the tensor, indices inside it. */

import type { Axis, BoundIndex, Statement, TypedExpr, TypedStatement } from '../types.js';
import { affineOf, isIdentity } from '../affine.js';
import { requireAxes } from './axes.js';
import type { ExprChecker } from './check-expr.js';
import { typeError, unsupported } from './errors.js';
import { ARITHMETIC } from './literals.js';
import { checkCondition } from './operators.js';
import type { TensorView } from './scope.js';
import { decide } from './static-flags.js';
import { dependsOnLaunch } from '../walk.js';

export type Write = TypedStatement & { readonly kind: 'write' };

/** Undefined where flags alone make its condition false. Raises FORMULA_TYPE, FORMULA_NAME, FORMULA_UNSUPPORTED. */
export function checkWrite(checker: ExprChecker, view: TensorView, statement: Statement): Write | undefined {
  const { decl, dtype } = view;
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
  const value = checker.check(statement.value, ARITHMETIC.includes(dtype) ? dtype : undefined);
  if (value.dtype !== dtype) {
    throw typeError(
      `${decl.name} is of another dtype`,
      value.dtype,
      dtype,
      `write ${decl.dtype}(...) around the value`,
      statement.value.span,
    );
  }
  const indices = checker
    .entries(view, statement.entries)
    .filter(({ dim, index }) => !isIdentity(affineOf(index), dim));
  for (const index of indices) refuseMove(index, checker.scope.launchLocals);
  const domain = writeDomain(view, indices);
  requireAxes(value, domain, 'the value');
  const where = checkWhere(checker, statement.where, domain);
  return where === false
    ? undefined
    : { kind: 'write', tensor: decl.name, indices, value, ...(where && { where }), span };
}

/** A condition; false where nothing is ever written, undefined where everything is. */
function checkWhere(
  checker: ExprChecker,
  where: Statement['where'],
  domain: readonly Axis[],
): TypedExpr | false | undefined {
  const decided = where && decide(where, checker.scope.choice.flags);
  if (where === undefined || decided === true) return undefined;
  if (decided === false) return false;
  const condition = checkCondition(checker, where, 'where');
  requireAxes(condition, domain, 'the condition');
  return condition;
}

/** Axes that a write covers: those of the tensor, with the axes of its indices in place of what they index. */
export function writeDomain(view: TensorView, indices: readonly BoundIndex[]): readonly Axis[] {
  const axes = view.modes.flatMap(
    ({ axis, dim }) => indices.find((index) => index.dim === dim)?.index.axes ?? [axis],
  );
  return [...new Set(axes)];
}

/** A write at a moved position says the same as reading the value at the inverse one, and may leave elements out. */
function refuseMove({ dim, index }: BoundIndex, launchLocals: ReadonlySet<string>): void {
  if (index.axes.length === 0 || dependsOnLaunch(index, launchLocals)) return;
  throw unsupported(
    `a write cannot move along ${dim}`,
    `a position along ${index.axes.join(', ')}, mapped`,
    'a constant, or an index that a tensor or a param decides',
    `write at every position of ${dim}, and read the value elsewhere: value[${dim}: ...]`,
    index.span,
  );
}
