/**
 * The elements of a row, one at a time: what the walks of cuts are made of.
 *
 * An element is a key of its row's order, the position where it lies and, of a cut by mass, its weight in whole units of 2^-28, so
 * that sums of them do not depend on an order.
 */

import type { Value, ValueId } from '../../ir/kernel.js';
import { arith, compare, guarded, i32, literal, name, type Statement, type TileExpr } from '../../ir/tile.js';
import { bits } from './integers.js';
import type { Fragments } from './fragments.js';
import type { LaneGeometry } from './lane-geometry.js';
import type { Scope, SectionContext } from './section-context.js';
import { isMadeOf, singleScope, type Listed } from './single-element.js';
import type { Values } from './values.js';

/** What a cut is made of. */
export interface Source {
  readonly operand: ValueId;
  readonly weight?: ValueId;
  /** The smallest elements lead. */
  readonly ascending: boolean;
}

/** An element under consideration. */
export interface Element {
  readonly key: TileExpr;
  readonly position: TileExpr;
  /** Of a cut by mass. */
  readonly mass?: TileExpr;
}

export type Visit = (element: Element) => readonly Statement[];

/** Units of mass in a weight of 1. */
const UNIT = 2 ** 28;

export class RowElements {
  constructor(
    private readonly context: SectionContext,
    private readonly geometry: LaneGeometry,
    private readonly fragments: Fragments,
    private readonly values: Values,
  ) {}

  /** Every element of this thread. A vector whose largest element, or mass, does not pass `some` is left out as a whole. */
  walk(
    source: Source,
    visit: Visit,
    { some, together }: { readonly some?: (largest: TileExpr) => TileExpr; readonly together?: number } = {},
  ): readonly Statement[] {
    const all = this.context.lanes.tiles.map((_, i) => i);
    return this.geometry.overTiles(
      all,
      (tiles, out) => out.push(...this.within(source, { tiles, memo: new Map() }, visit, some)),
      together === undefined ? {} : { together },
    );
  }

  /** An element of a list, whichever thread's it is. */
  at(source: Source, element: Listed, visit: Visit): readonly Statement[] {
    const { key, position } = element;
    const { operand, weight } = source;
    if (weight !== undefined && isMadeOf(this.context, operand, [weight])) {
      const out: Statement[] = [];
      const mass = massOf(
        this.values.compute(weight, singleScope(this.context, this.values, operand, element, out)),
      );
      const own = this.context.bind('mass', mass, out);
      return [...out, ...visit({ key, position, mass: own })];
    }
    return this.geometry.atPosition(position, (tiles) =>
      this.within(source, { tiles, memo: new Map() }, (each) =>
        guarded(compare('==', each.position, position), visit(each)),
      ),
    );
  }

  /** The value of an element of the vector at `scope`, and its key. */
  valuesAt(source: Source, scope: Scope): { value: OfVector; key: OfVector } {
    const value = this.takeApart(source.operand, scope);
    return { value, key: (at) => orderKey(value(at), source.ascending) };
  }

  /** Runs `body` for each element of a vector. */
  each(body: (element: TileExpr) => readonly Statement[]): Statement {
    const variable = this.context.names.fresh('element');
    this.context.unrolled.add(variable);
    const { vector } = this.context.lanes;
    return { kind: 'unroll', variable, extent: vector, body: body(name(variable, 'i32')) };
  }

  /** Whether the keys of a source have the order of its numbers: none is NaN, and the largest leads. */
  hasNumbers({ operand, ascending }: Source): boolean {
    return !ascending && isNumber(this.context.section.values, operand);
  }

  /** The elements at one place of the lanes; none of them where that lies behind the row's end. */
  within(
    source: Source,
    place: Pick<Scope, 'tiles' | 'memo'>,
    visit: Visit,
    some?: (largest: TileExpr) => TileExpr,
  ): readonly Statement[] {
    return guarded(this.geometry.tailGuard(place.tiles), this.vector(source, place, visit, some));
  }

  private vector(
    source: Source,
    place: Pick<Scope, 'tiles' | 'memo'>,
    visit: Visit,
    some?: (largest: TileExpr) => TileExpr,
  ): readonly Statement[] {
    const { names, vectorAxis } = this.context;
    const out: Statement[] = [];
    const scope: Scope = { ...place, out };
    const { value, key } = this.valuesAt(source, scope);
    const weight = source.weight === undefined ? undefined : this.takeApart(source.weight, scope);
    const all = this.each((at) => {
      const [own, mass] = [names.fresh('key'), names.fresh('mass')];
      return [
        { kind: 'let', name: own, value: key(at) },
        ...(weight ? [{ kind: 'let', name: mass, value: massOf(weight(at)) } as const] : []),
        ...visit({
          key: name(own, 'i32'),
          position: arith('+', this.geometry.start(vectorAxis!, place.tiles), at),
          ...(weight && { mass: name(mass, 'i32') }),
        }),
      ];
    });
    if (!some || !(weight ?? this.hasNumbers(source))) return [...out, all];
    const largest = this.largestOf(weight ?? value);
    const test = some(weight ? massOf(largest) : orderKey(largest, false));
    return [...out, { kind: 'if', condition: test, then: [all] }];
  }

  private largestOf(value: OfVector): TileExpr {
    const elements = Array.from({ length: this.context.lanes.vector }, (_, i) => value(i32(i)));
    return elements.reduce((most, each) => bits('max', most, each, 'f32'));
  }

  private takeApart(id: ValueId, scope: Scope): OfVector {
    return this.fragments.takeApart(this.values.compute(id, scope), 'r_value', scope.out);
  }
}

/** Element `at` of a vector. */
type OfVector = (at: TileExpr) => TileExpr;

export const orderKey = (operand: TileExpr, ascending: boolean): TileExpr => ({
  kind: 'order-key',
  operand,
  ascending,
  dtype: 'i32',
  width: 0,
});

/** A weight in units of 2^-28: NaN and what is below 0 as 0, what is above as 1 less one unit. */
function massOf(weight: TileExpr): TileExpr {
  const f32 = (fn: 'max' | 'min' | '*', left: TileExpr, right: TileExpr) => bits(fn, left, right, 'f32');
  const least = f32('min', f32('max', weight, literal(0, 'f32')), literal(1, 'f32'));
  const scaled: TileExpr = {
    kind: 'cast',
    operand: f32('*', least, literal(UNIT, 'f32')),
    rounding: 'rz',
    saturate: false,
    dtype: 'i32',
    width: 0,
  };
  return bits('min', scaled, i32(UNIT - 1));
}

/** Never NaN: the number of two, one of which is a literal, and a choice of such. */
export function isNumber(values: readonly Value[], id: ValueId): boolean {
  const value = values[id]!;
  if (value.kind === 'literal') return !Number.isNaN(Number(value.value));
  if (value.kind === 'select') return isNumber(values, value.then) && isNumber(values, value.otherwise);
  return (
    value.kind === 'binary' &&
    (value.fn === 'max' || value.fn === 'min') &&
    (isNumber(values, value.left) || isNumber(values, value.right))
  );
}
