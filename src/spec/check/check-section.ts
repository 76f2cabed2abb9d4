/** The statements of one section, for one choice of types and flags -> typed statements. */

import type { Statement, TypedExpr, TypedStatement } from '../types.js';
import { ExprChecker } from './check-expr.js';
import { AbsentName, type Scope } from './scope.js';
import { dependsOnLaunch } from '../walk.js';
import { checkWrite } from './writes.js';

/** Statements whose names are checked already. Raises FORMULA_TYPE, FORMULA_NAME, FORMULA_UNSUPPORTED. */
export function checkSection(statements: readonly Statement[], scope: Scope): readonly TypedStatement[] {
  const checker = new ExprChecker(scope);
  return statements.flatMap((statement): readonly TypedStatement[] => {
    const decl = scope.spec.tensors.find((tensor) => tensor.name === statement.target);
    if (!decl) return bindLocal(statement, scope, checker);
    // A tensor that the flags leave out is not written.
    if (!scope.exists(decl)) return [];
    const write = checkWrite(checker, scope.tensor(decl.name, statement.span)!, statement);
    return write ? [write] : [];
  });
}

function bindLocal(statement: Statement, scope: Scope, checker: ExprChecker): readonly TypedStatement[] {
  const { target: name, span } = statement;
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
  if (dependsOnLaunch(value, scope.launchLocals)) scope.launchLocals.add(name);
  return [{ kind: 'let', name, value, span }];
}
