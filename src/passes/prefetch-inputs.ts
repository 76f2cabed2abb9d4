/**
 * Statements after a wait -> the views and prefetches that may come before it, and the rest.
 *
 * Before: view x; load x; view residual; load residual; reduce.
 * After:  view x; prefetch x; view residual; prefetch residual | load x; load residual; reduce.
 * What the views are made of moves with them. Vectors alone are prefetched, up to the first barrier, and none whose place or condition needs what is loaded after the wait.
 */

import { expressionsOf, type Coordinate, type Statement, type TileExpr } from '../ir/tile.js';

export interface Prefetched {
  readonly early: readonly Statement[];
  readonly rest: readonly Statement[];
}

/** `inputs`: views of the tensors that a previous kernel may write, made before the wait. */
export function prefetchInputs(body: readonly Statement[], inputs: readonly string[]): Prefetched {
  /** Names whose values are known after the wait. */
  const late = new Set(body.flatMap(assigned));
  const isEarly = (expr: TileExpr): boolean =>
    (expr.kind !== 'name' || !late.has(expr.name)) &&
    expr.kind !== 'element' &&
    expressionsOf(expr).every(isEarly);
  const reaches = (at: readonly Coordinate[]) =>
    at.every((each) => each.kind === 'vector' || isEarly(each.index));
  const views = new Set(inputs);
  const early: Statement[] = [];
  const rest: Statement[] = [];
  const end = body.findIndex(({ kind }) => kind === 'barrier' || kind === 'cluster-barrier');
  body.forEach((statement, i) => {
    const reachable = end < 0 || i < end;
    if (reachable && statement.kind === 'view' && (!statement.offset || isEarly(statement.offset))) {
      views.add(statement.name);
      early.push(statement);
      return;
    }
    if (reachable && statement.kind === 'let' && !late.has(statement.name) && isEarly(statement.value)) {
      early.push(statement);
      return;
    }
    if (statement.kind === 'let') late.add(statement.name);
    if (reachable) early.push(...prefetchesOf(statement));
    rest.push(statement);
  });
  return { early, rest };

  function prefetchesOf(statement: Statement): readonly Statement[] {
    switch (statement.kind) {
      case 'store': {
        const { value } = statement;
        if (value.kind !== 'element' || value.width === 0 || !views.has(value.of) || !reaches(value.at))
          return [];
        return [{ kind: 'prefetch', of: value.of, at: value.at }];
      }
      case 'if': {
        const then = isEarly(statement.condition) ? statement.then.flatMap(prefetchesOf) : [];
        return then.length === 0 ? [] : [{ kind: 'if', condition: statement.condition, then }];
      }
      case 'unroll': {
        const inner = statement.body.flatMap(prefetchesOf);
        return inner.length === 0 ? [] : [{ ...statement, body: inner }];
      }
      default:
        return [];
    }
  }
}

/** Names that a statement gives another value. */
function assigned(statement: Statement): readonly string[] {
  switch (statement.kind) {
    case 'assign':
      return [statement.name];
    case 'if':
      return [...statement.then, ...(statement.otherwise ?? [])].flatMap(assigned);
    case 'unroll':
    case 'loop':
      return statement.body.flatMap(assigned);
    default:
      return [];
  }
}
