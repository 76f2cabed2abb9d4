/** Statements and expressions of a tile body, each with a function that gives the body with another in its place. */

import { expressionsOf, type Coordinate, type Statement, type TileExpr } from '../../../ir/tile.js';

export type Body = readonly Statement[];

export interface StatementSite {
  readonly statement: Statement;
  readonly put: (statements: Body) => Body;
}

export interface ExprSite {
  readonly expr: TileExpr;
  /** The statement it is part of. */
  readonly statement: Statement;
  readonly put: (expr: TileExpr) => Body;
}

/** In the order of the text, outer ones first. */
export function* statementSites(body: Body): Generator<StatementSite> {
  for (const [i, statement] of body.entries()) {
    const put = (statements: Body): Body => [...body.slice(0, i), ...statements, ...body.slice(i + 1)];
    yield { statement, put };
    for (const { inner, replace } of bodiesOf(statement))
      for (const site of statementSites(inner))
        yield { statement: site.statement, put: (statements) => put([replace(site.put(statements))]) };
  }
}

export function* expressionSites(body: Body): Generator<ExprSite> {
  for (const { statement, put } of statementSites(body))
    for (const { expr, replace } of topExpressions(statement))
      for (const site of within(expr))
        yield { expr: site.expr, statement, put: (other) => put([replace(site.put(other))]) };
}

interface Part {
  readonly expr: TileExpr;
  readonly put: (expr: TileExpr) => TileExpr;
}

function* within(expr: TileExpr): Generator<Part> {
  yield { expr, put: (other) => other };
  for (const [i, child] of expressionsOf(expr).entries())
    for (const part of within(child))
      yield { expr: part.expr, put: (other) => withChild(expr, i, part.put(other)) };
}

/** `expr` with the child at `at`, in the order of `expressionsOf`, another. */
export function withChild(expr: TileExpr, at: number, child: TileExpr): TileExpr {
  switch (expr.kind) {
    case 'name':
    case 'literal':
    case 'iota':
    case 'cluster-rank':
    case 'cta-index':
    case 'cta-count':
    case 'thread-index':
      return expr;
    case 'element':
      return { ...expr, at: withIndex(expr.at, at, child) };
    case 'splat':
    case 'unary':
    case 'cast':
    case 'warp-reduce':
    case 'key-number':
    case 'key-position':
    case 'warp-match':
    case 'lane-count':
    case 'warp-scan':
      return { ...expr, operand: child };
    case 'random-bits':
      return at === 0
        ? { ...expr, start: child }
        : at === 1
          ? { ...expr, seed: child }
          : { ...expr, offset: child };
    case 'gap-bin':
    case 'gap-key':
      return at === 0 ? { ...expr, operand: child } : { ...expr, top: child };
    case 'share-of':
      return at === 0 ? { ...expr, total: child } : { ...expr, share: child };
    case 'order-key':
      return at === 0 ? { ...expr, operand: child } : { ...expr, position: child };
    case 'index-mask':
      return at === 0 ? { ...expr, operand: child } : { ...expr, extent: child };
    case 'masked':
      return at === 0 ? { ...expr, operand: child } : { ...expr, mask: child };
    case 'fold':
      return at === 0 ? { ...expr, operand: child } : { ...expr, initial: child };
    case 'binary':
    case 'compare':
    case 'combine':
      return at === 0 ? { ...expr, left: child } : { ...expr, right: child };
    case 'select':
      return at === 0
        ? { ...expr, condition: child }
        : at === 1
          ? { ...expr, then: child }
          : { ...expr, otherwise: child };
    default:
      expr satisfies never;
      return expr;
  }
}

/** Coordinates with the `at`-th index, the vector mode not counted, another. */
function withIndex(coordinates: readonly Coordinate[], at: number, index: TileExpr): readonly Coordinate[] {
  let seen = -1;
  return coordinates.map((coordinate) =>
    coordinate.kind === 'at' && ++seen === at ? { kind: 'at', index } : coordinate,
  );
}

function bodiesOf(
  statement: Statement,
): readonly { readonly inner: Body; readonly replace: (body: Body) => Statement }[] {
  switch (statement.kind) {
    case 'unroll':
    case 'loop':
      return [{ inner: statement.body, replace: (body) => ({ ...statement, body }) }];
    case 'if': {
      const { otherwise } = statement;
      const then = { inner: statement.then, replace: (body: Body) => ({ ...statement, then: body }) };
      return otherwise
        ? [then, { inner: otherwise, replace: (body: Body) => ({ ...statement, otherwise: body }) }]
        : [then];
    }
    default:
      return [];
  }
}

interface Top {
  readonly expr: TileExpr;
  readonly replace: (expr: TileExpr) => Statement;
}

function topExpressions(statement: Statement): readonly Top[] {
  switch (statement.kind) {
    case 'let':
    case 'assign':
      return [{ expr: statement.value, replace: (value) => ({ ...statement, value }) }];
    case 'view':
      return statement.offset
        ? [{ expr: statement.offset, replace: (offset) => ({ ...statement, offset }) }]
        : [];
    case 'store': {
      const indices = statement.at.flatMap((coordinate) =>
        coordinate.kind === 'at' ? [coordinate.index] : [],
      );
      return [
        { expr: statement.value, replace: (value) => ({ ...statement, value }) },
        ...indices.map((expr, i) => ({
          expr,
          replace: (index: TileExpr) => ({ ...statement, at: withIndex(statement.at, i, index) }),
        })),
      ];
    }
    case 'loop':
      return (['begin', 'end', 'step'] as const).map((field) => ({
        expr: statement[field],
        replace: (expr) => ({ ...statement, [field]: expr }),
      }));
    case 'if':
      return [{ expr: statement.condition, replace: (condition) => ({ ...statement, condition }) }];
    case 'row-total':
      return [{ expr: statement.value, replace: (value) => ({ ...statement, value }) }];
    case 'search-bins':
      return [
        { expr: statement.phase, replace: (phase) => ({ ...statement, phase }) },
        { expr: statement.need, replace: (need) => ({ ...statement, need }) },
      ];
    case 'shared-add':
    case 'cluster-store':
      return [
        { expr: statement.value, replace: (value) => ({ ...statement, value }) },
        { expr: statement.index, replace: (index) => ({ ...statement, index }) },
      ];
    case 'gather-list':
    case 'prefetch':
    case 'fragment':
    case 'shared-fragment':
    case 'unroll':
    case 'barrier':
    case 'warp-barrier':
    case 'cluster-barrier':
    case 'dependent-wait':
    case 'dependent-launch':
      return [];
    default:
      statement satisfies never;
      return [];
  }
}
