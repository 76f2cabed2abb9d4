/** A condition -> true or false where flags alone decide it, so that the arm not taken need not have a meaning. */

import type { Expr } from '../types.js';

/** Undefined where the condition depends on more than flags. Nothing but flags is looked at. */
export function decide(expr: Expr, flags: Readonly<Record<string, boolean>>): boolean | undefined {
  if (expr.kind === 'name') {
    if (expr.name === 'true' || expr.name === 'false') return expr.name === 'true';
    return Object.hasOwn(flags, expr.name) ? flags[expr.name] : undefined;
  }
  if (expr.kind === 'unary' && expr.op === 'not') {
    const operand = decide(expr.operand, flags);
    return operand === undefined ? undefined : !operand;
  }
  if (expr.kind === 'binary' && (expr.op === '&&' || expr.op === '||')) {
    // `false && x` is false and `true || x` is true, whatever x is.
    const settles = expr.op === '||';
    const [left, right] = [decide(expr.left, flags), decide(expr.right, flags)];
    if (left === settles || right === settles) return settles;
    return left === undefined || right === undefined ? undefined : !settles;
  }
  return undefined;
}
