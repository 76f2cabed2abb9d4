/** What the forms of the language need of the checker that they are part of. */

import type { Dtype, Expr, TypedExpr } from '../types.js';
import type { Scope } from './scope.js';

export interface Checker {
  readonly scope: Scope;
  /** The typed form; a literal takes the dtype `hint` where it can. Raises FORMULA_TYPE, FORMULA_NAME. */
  check(expr: Expr, hint?: Dtype): TypedExpr;
}
