/** A typed expression -> the expressions right below it, whatever its kind; and what can be read off a whole tree. */

import type { TypedExpr, TypedStatement } from './types.js';

/** Operands, and the indices of a load. */
export function children(expr: TypedExpr): readonly TypedExpr[] {
  switch (expr.kind) {
    case 'literal':
    case 'param':
    case 'position':
    case 'extent':
    case 'local':
      return [];
    case 'load':
      return expr.indices.map(({ index }) => index);
    case 'remap':
    case 'unary':
    case 'cast':
    case 'reduce':
    case 'tally':
    case 'scan':
    case 'arg':
      return [expr.operand];
    case 'top':
      return [expr.operand, ...(expr.allowed ? [expr.allowed] : [])];
    case 'leading':
      return [expr.operand, ...(expr.weight ? [expr.weight] : []), expr.need];
    case 'random':
      return [expr.seed, expr.offset];
    case 'pick':
    case 'lookup':
      return [expr.operand, expr.index];
    case 'binary':
    case 'compare':
      return [expr.left, expr.right];
    case 'select':
      return [expr.condition, expr.then, expr.otherwise];
    default:
      expr satisfies never;
      throw new Error('unreachable');
  }
}

/** Value, indices and condition of a statement. */
export function expressionsOf(statement: TypedStatement): readonly TypedExpr[] {
  if (statement.kind === 'let') return [statement.value];
  const { value, indices, where } = statement;
  return [value, ...indices.map(({ index }) => index), ...(where ? [where] : [])];
}

/** Whether an expression is known only at launch: it holds a tensor, a param, or one of `locals`, which are. */
export const dependsOnLaunch = (expr: TypedExpr, locals: ReadonlySet<string>): boolean =>
  expr.kind === 'load' ||
  expr.kind === 'param' ||
  (expr.kind === 'local' && locals.has(expr.name)) ||
  children(expr).some((child) => dependsOnLaunch(child, locals));
