/**
 * Positions of the largest (smallest) elements of a row.
 *
 * Each thread keeps its best element and where it lies, walking up the row: the first of equal ones stays. Then keys of the
 * order of `top` are compared, and of equal keys positions: over the warp, over the warps in shared memory, over the cluster.
 * Elements that a condition leaves out (`select(kept, x, -inf)`) are not computed where a whole vector is left out.
 */

import type { Value, ValueId } from '../../ir/kernel.js';
import {
  all,
  arith,
  compare,
  guarded,
  i32,
  literal,
  name,
  type Statement,
  type TileExpr,
} from '../../ir/tile.js';
import { bits, either, NOWHERE, overWarp, TAKEN, typed } from './integers.js';
import type { Fragments } from './fragments.js';
import type { LaneGeometry } from './lane-geometry.js';
import { isNumber } from './row-elements.js';
import { choose, read } from './scalars.js';
import type { Scope, SectionContext } from './section-context.js';
import type { Values } from './values.js';
import { declareResults, overResults, shareResults, warpsOf } from './warp-results.js';

type Arg = Value & { readonly kind: 'arg' };

/** Names of a thread's best element, or its key, and of its position. */
export interface Best {
  readonly best: string;
  readonly at: string;
}

export class Args {
  constructor(
    private readonly context: SectionContext,
    private readonly geometry: LaneGeometry,
    private readonly fragments: Fragments,
    private readonly values: Values,
  ) {}

  begin(id: ValueId): Best {
    const { context } = this;
    const arg = this.arg(id);
    const best = context.names.fresh(`${arg.name ?? arg.fn}_best`);
    const at = context.names.fresh(`${arg.name ?? arg.fn}_at`);
    const start = isNumber(this.context.section.values, arg.operand)
      ? literal(arg.fn === 'argmax' ? -Infinity : Infinity, 'f32')
      : typed(i32(TAKEN));
    context.row.push(
      { kind: 'let', name: best, value: start, span: arg.span },
      { kind: 'let', name: at, value: typed(i32(NOWHERE)) },
    );
    return { best, at };
  }

  /** Takes in the elements at one place of the lanes. */
  accumulate(id: ValueId, into: Best, scope: Scope): void {
    const { context } = this;
    const arg = this.arg(id);
    const operand = context.section.values[arg.operand]!;
    const inner: Statement[] = [];
    const within: Scope = { ...scope, out: inner, memo: new Map(scope.memo) };
    const body: Statement[] = [];
    if (operand.kind === 'select' && this.isLeast(arg, operand.otherwise)) {
      const kept = this.fragments.takeApart(this.values.compute(operand.condition, within), 'r_kept', inner);
      const then: Statement[] = [];
      const value = this.fragments.takeApart(
        this.values.compute(operand.then, { ...within, out: then, memo: new Map(within.memo) }),
        'r_value',
        then,
      );
      then.push(
        ...this.each(scope, (element) => this.take(arg, into, value(element), scope, element, kept(element))),
      );
      const count = scope.single ? 1 : context.lanes.vector;
      const some = Array.from({ length: count }, (_, i) => kept(i32(i))).reduce(either);
      body.push(...inner, { kind: 'if', condition: some, then });
    } else {
      const value = this.fragments.takeApart(this.values.compute(arg.operand, within), 'r_value', inner);
      body.push(
        ...inner,
        ...this.each(scope, (element) => this.take(arg, into, value(element), scope, element)),
      );
    }
    const guard = scope.single ? undefined : this.geometry.tailGuard(scope.tiles);
    scope.out.push(...guarded(guard, body));
  }

  /** The best of all threads of the row, in each of them. */
  finish(id: ValueId, { best, at }: Best): void {
    const { context } = this;
    const { row, names } = context;
    const arg = this.arg(id);
    const [key, found] = [names.fresh(`${best}_key`), names.fresh(`${at}_found`)];
    const value = name(best, isNumber(this.context.section.values, arg.operand) ? 'f32' : 'i32');
    row.push(
      { kind: 'let', name: key, value: value.dtype === 'f32' ? this.key(arg, value) : value },
      { kind: 'let', name: found, value: name(at, 'i32') },
    );
    this.overWarp(key, found);
    const { cluster } = context.lanes;
    const warps = warpsOf(context);
    const count = warps * cluster;
    if (count > 1) {
      const regions = [
        declareResults(context, `s_${key}`, count),
        declareResults(context, `s_${found}`, count),
      ] as const;
      row.push(
        ...shareResults(cluster, [
          { to: regions[0], value: name(key, 'i32'), warps },
          { to: regions[1], value: name(found, 'i32'), warps },
        ]),
      );
      this.gather(regions, key, found, count);
      this.overWarp(key, found);
    }
    // Where nothing is above the least there is, all are equal.
    const nothing = compare('==', name(found, 'i32'), i32(NOWHERE));
    this.values.define(id, context.bind(arg.name ?? arg.fn, choose(nothing, i32(0), name(found, 'i32'))));
  }

  private overWarp(key: string, found: string): void {
    const { names, row } = this.context;
    const most = names.fresh(`${key}_most`);
    const [own, position] = [name(key, 'i32'), name(found, 'i32')];
    const mine = choose(compare('==', own, name(most, 'i32')), position, i32(NOWHERE));
    row.push(
      { kind: 'let', name: most, value: overWarp('max', own) },
      { kind: 'assign', name: found, value: overWarp('min', mine) },
      { kind: 'assign', name: key, value: name(most, 'i32') },
    );
  }

  /** The best of what the lanes of a warp find there. */
  private gather(regions: readonly [string, string], key: string, found: string, count: number): void {
    const { names, row } = this.context;
    const [other, there] = [names.fresh(`${key}_other`), names.fresh(`${found}_other`)];
    const [k, f, ok, of] = [key, found, other, there].map((each) => name(each, 'i32')) as [
      TileExpr,
      TileExpr,
      TileExpr,
      TileExpr,
    ];
    const same = bits('&&', compare('==', ok, k), compare('<', of, f), 'bool');
    row.push(
      { kind: 'assign', name: key, value: typed(i32(TAKEN)) },
      { kind: 'assign', name: found, value: typed(i32(NOWHERE)) },
      overResults(this.context, count, (index) => [
        { kind: 'let', name: other, value: read(regions[0], index) },
        { kind: 'let', name: there, value: read(regions[1], index) },
        {
          kind: 'if',
          condition: either(compare('>', ok, k), same),
          then: [
            { kind: 'assign', name: key, value: ok },
            { kind: 'assign', name: found, value: of },
          ],
        },
      ]),
    );
  }

  private each(scope: Scope, body: (element: TileExpr) => readonly Statement[]): readonly Statement[] {
    if (scope.single) return body(i32(0));
    const variable = this.context.names.fresh('element');
    this.context.unrolled.add(variable);
    const { vector } = this.context.lanes;
    return [{ kind: 'unroll', variable, extent: vector, body: body(name(variable, 'i32')) }];
  }

  /** One element: taken where it is beyond the best so far. */
  private take(
    arg: Arg,
    { best, at }: Best,
    value: TileExpr,
    scope: Scope,
    element: TileExpr,
    kept?: TileExpr,
  ): readonly Statement[] {
    const fresh = this.context.names.fresh('candidate');
    const plain = isNumber(this.context.section.values, arg.operand);
    const dtype = plain ? 'f32' : 'i32';
    const candidate = name(fresh, dtype);
    const position =
      scope.single ?? arith('+', this.geometry.start(this.context.vectorAxis!, scope.tiles), element);
    const above = compare(plain && arg.fn === 'argmin' ? '<' : '>', candidate, name(best, dtype));
    const before = all([
      compare('<', position, name(at, 'i32')),
      compare('!=', name(at, 'i32'), i32(NOWHERE)),
    ])!;
    // Going up the row, the first of equal ones is there already. Nothing is found at the least there is.
    const beyond = scope.unordered
      ? either(above, bits('&&', compare('==', candidate, name(best, dtype)), before, 'bool'))
      : above;
    const body: readonly Statement[] = [
      { kind: 'let', name: fresh, value: plain ? value : this.key(arg, value) },
      {
        kind: 'if',
        condition: beyond,
        then: [
          { kind: 'assign', name: best, value: candidate },
          { kind: 'assign', name: at, value: position },
        ],
      },
    ];
    return guarded(kept, body);
  }

  private key(arg: Arg, operand: TileExpr): TileExpr {
    return { kind: 'order-key', operand, ascending: arg.fn === 'argmin', dtype: 'i32', width: 0 };
  }

  /** A literal that no element is behind. */
  private isLeast(arg: Arg, id: ValueId): boolean {
    const value = this.context.section.values[id]!;
    return (
      value.kind === 'literal' &&
      value.value === (arg.fn === 'argmax' ? -Infinity : Infinity) &&
      isNumber(this.context.section.values, arg.operand)
    );
  }

  /** The condition without which an element counts for nothing, if there is one. */
  condition(id: ValueId): ValueId | undefined {
    const arg = this.arg(id);
    const operand = this.context.section.values[arg.operand]!;
    return operand.kind === 'select' && this.isLeast(arg, operand.otherwise) ? operand.condition : undefined;
  }

  operand(id: ValueId): ValueId {
    return this.arg(id).operand;
  }

  private arg(id: ValueId): Arg {
    const value = this.context.section.values[id]!;
    if (value.kind !== 'arg') throw new Error(`value ${id} is no position of an extreme`);
    return value;
  }
}
