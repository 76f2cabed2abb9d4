/** Every mutation operator on the tile form: the mistakes that a pass of the compiler could make. */

import {
  i32,
  literal,
  wide,
  type Coordinate,
  type ReduceFn,
  type Statement,
  type TileExpr,
} from '../../ir/tile.js';
import { expressionSites, statementSites, type Body } from './ir/walk.js';

/** A body with one node changed. */
export interface IrEdit {
  readonly before: Statement | TileExpr;
  /** Absent: the statement is dropped. */
  readonly after?: Statement | TileExpr;
  readonly body: Body;
}

export interface IrOperator {
  readonly name: string;
  /** One sentence: the mistake it stands for. */
  readonly doc: string;
  readonly sites: (body: Body) => readonly IrEdit[];
}

/** An operator on statements; an empty list drops one. */
function onStatements(
  name: string,
  doc: string,
  replace: (statement: Statement) => readonly Body[],
): IrOperator {
  return {
    name,
    doc,
    sites: (body) =>
      [...statementSites(body)].flatMap(({ statement, put }) =>
        replace(statement).map((others) => ({
          before: statement,
          ...(others.length === 1 && { after: others[0]! }),
          body: put(others),
        })),
      ),
  };
}

function onExpressions(
  name: string,
  doc: string,
  replace: (expr: TileExpr, statement: Statement) => readonly TileExpr[],
): IrOperator {
  return {
    name,
    doc,
    sites: (body) =>
      [...expressionSites(body)].flatMap(({ expr, statement, put }) =>
        replace(expr, statement).map((other) => ({ before: expr, after: other, body: put(other) })),
      ),
  };
}

const drop = (name: string, doc: string, matches: (statement: Statement) => boolean): IrOperator =>
  onStatements(name, doc, (statement) => (matches(statement) ? [[]] : []));

const plus = (expr: TileExpr, step: number): TileExpr => ({
  kind: 'binary',
  fn: step < 0 ? '-' : '+',
  left: expr,
  right: literal(Math.abs(step), expr.dtype),
  dtype: expr.dtype,
  width: expr.width,
});

/** Twice as large; 1 for 0 and for infinities. */
const otherConstant = (value: number): number => (value === 0 || !Number.isFinite(value) ? 1 : 2 * value);

const OTHER_REDUCTION: Readonly<Record<ReduceFn, ReduceFn>> = { sum: 'max', max: 'min', min: 'max' };

/** One coordinate one further; of a literal one less where there is one less. */
const shifted = (at: readonly Coordinate[]): readonly (readonly Coordinate[])[] =>
  at.flatMap((coordinate, i) => {
    if (coordinate.kind === 'vector') return [];
    const { index } = coordinate;
    const next =
      index.kind === 'literal'
        ? { ...index, value: Number(index.value) > 0 ? Number(index.value) - 1 : 1 }
        : plus(index, 1);
    return [at.map((old, j) => (j === i ? ({ kind: 'at', index: next } as const) : old))];
  });

const BOUNDS: Readonly<Record<string, '<' | '<=' | '>' | '>='>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
};
const INTEGERS = new Set(['i32', 'i64']);

export const IR_OPERATORS: readonly IrOperator[] = [
  drop(
    'ir-drop-barrier',
    'a barrier of the CTA or cluster is missing',
    ({ kind }) => kind === 'barrier' || kind === 'cluster-barrier' || kind === 'warp-barrier',
  ),
  drop(
    'ir-drop-wait',
    'inputs are read before the previous kernel has ended',
    ({ kind }) => kind === 'dependent-wait',
  ),
  drop(
    'ir-drop-store',
    'a value is not written',
    ({ kind }) => kind === 'store' || kind === 'cluster-store' || kind === 'shared-add',
  ),
  onStatements('ir-drop-guard', 'the body of an `if` always runs', (statement) =>
    statement.kind === 'if' ? [statement.then] : [],
  ),
  onStatements('ir-shift-store', 'a coordinate of a store is off by one', (statement) =>
    statement.kind === 'store' ? shifted(statement.at).map((at) => [{ ...statement, at }]) : [],
  ),
  onExpressions('ir-shift-load', 'a coordinate of a load is off by one', (expr) =>
    expr.kind === 'element' ? shifted(expr.at).map((at) => ({ ...expr, at })) : [],
  ),
  onStatements('ir-loop-bound', 'a loop begins late, or ends early or late', (statement) => {
    if (statement.kind === 'unroll')
      return statement.extent > 1 ? [[{ ...statement, extent: statement.extent - 1 }]] : [];
    if (statement.kind !== 'loop') return [];
    return [
      [{ ...statement, begin: plus(statement.begin, 1) }],
      [{ ...statement, end: plus(statement.end, 1) }],
      [{ ...statement, end: plus(statement.end, -1) }],
    ];
  }),
  onExpressions('ir-reduce-fn', 'a reduction combines in another way', (expr) =>
    expr.kind === 'fold' || expr.kind === 'combine' || expr.kind === 'warp-reduce'
      ? [{ ...expr, fn: OTHER_REDUCTION[expr.fn] }]
      : [],
  ),
  onExpressions('ir-fold-initial', 'a reduction starts from 1', (expr) =>
    expr.kind === 'fold' ? [{ ...expr, initial: literal(1, expr.initial.dtype) }] : [],
  ),
  onExpressions(
    'ir-constant',
    'a constant of the formula, or the identity of a reduction, is another',
    (expr) =>
      expr.kind === 'literal' && expr.dtype === 'f32'
        ? [{ ...expr, value: otherConstant(Number(expr.value)) }]
        : [],
  ),
  onExpressions('ir-cast-rounding', 'a cast rounds toward zero', (expr) =>
    expr.kind === 'cast' && expr.rounding === 'rn' && (expr.dtype === 'bf16' || expr.dtype === 'f16')
      ? [{ ...expr, rounding: 'rz' }]
      : [],
  ),
  onExpressions('ir-swap-select', 'the arms of a select are exchanged', (expr) =>
    expr.kind === 'select' ? [{ ...expr, then: expr.otherwise, otherwise: expr.then }] : [],
  ),
  onExpressions('ir-warp-lanes', 'a reduction covers half of its lanes, or lanes too close', (expr) =>
    expr.kind === 'warp-reduce'
      ? [
          { ...expr, threads: expr.threads / 2 },
          ...(expr.stride > 1 ? [{ ...expr, stride: expr.stride / 2 }] : []),
        ]
      : [],
  ),
  onStatements('ir-view-offset', 'a view begins one vector too late', (statement) =>
    statement.kind === 'view'
      ? [
          [
            {
              ...statement,
              offset: statement.offset
                ? plus(wide(statement.offset), statement.multipleOf)
                : literal(statement.multipleOf, 'i64'),
            },
          ],
        ]
      : [],
  ),
  onExpressions(
    'ir-row-index',
    'the index of a CTA, cluster or thread is off, or another is taken',
    (expr) => {
      if (expr.kind === 'cta-index')
        return [plus(expr, 1), { kind: 'thread-index', dtype: expr.dtype, width: expr.width }];
      if (expr.kind === 'thread-index') return [{ kind: 'cta-index', dtype: expr.dtype, width: expr.width }];
      if (expr.kind === 'cluster-rank') return [i32(0)];
      return [];
    },
  ),
  onExpressions('ir-move-bound', 'an integer bound is one too wide or too narrow', (expr) => {
    const fn = expr.kind === 'compare' ? BOUNDS[expr.fn] : undefined;
    return expr.kind === 'compare' && fn && INTEGERS.has(expr.left.dtype) ? [{ ...expr, fn }] : [];
  }),
  onExpressions('ir-swap-operands', 'operands of an operation that does not commute are exchanged', (expr) =>
    (expr.kind === 'binary' && ['-', '/', '%'].includes(expr.fn)) ||
    (expr.kind === 'compare' && expr.fn in BOUNDS)
      ? [{ ...expr, left: expr.right, right: expr.left }]
      : [],
  ),
  onExpressions('ir-replace-operation', 'another operation is done', (expr) => {
    const others: Readonly<Record<string, '+' | '-' | '*' | '/'>> = {
      '+': '-',
      '-': '+',
      '*': '+',
      '/': '*',
    };
    const fn = expr.kind === 'binary' ? others[expr.fn] : undefined;
    return expr.kind === 'binary' && fn ? [{ ...expr, fn }] : [];
  }),
];
