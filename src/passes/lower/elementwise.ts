/**
 * Accesses whose lanes follow no layout, and writes whose condition varies along the row: moved element by element.
 *
 * Before: `x[hidden: ids]`, ids varying along the row.
 * After:  the indices of a vector in registers; for each element a bounds check, a view of that element and one access.
 */

import type { Access, ValueId } from '../../ir/kernel.js';
import { all, guarded, i32, name, type Statement, type TileExpr } from '../../ir/tile.js';
import type { Fragments } from './fragments.js';
import type { LaneGeometry } from './lane-geometry.js';
import type { Scope, SectionContext, ValueSource } from './section-context.js';
import type { Views } from './views.js';

export class Elementwise {
  constructor(
    private readonly context: SectionContext,
    private readonly geometry: LaneGeometry,
    private readonly views: Views,
    private readonly fragments: Fragments,
    private readonly values: ValueSource,
  ) {}

  /** Emits `move` for every element of the vector at these tiles that exists and for which `where` holds. */
  each(
    access: Access,
    scope: Scope,
    hasVector: boolean,
    move: (view: string, element: TileExpr) => Statement,
    where?: ValueId,
  ): void {
    const { laneVarying } = this.context.plan;
    const parts = new Map<ValueId, (element: TileExpr) => TileExpr>();
    const indices = [
      ...access.terms.flatMap((term) => (term.kind === 'value' ? [term.value] : [])),
      ...access.bounds.map(({ value }) => value),
    ];
    for (const id of indices) {
      if (!laneVarying(id)) parts.set(id, () => this.values.scalar(id));
      else if (!parts.has(id))
        parts.set(id, this.fragments.takeApart(this.values.compute(id, scope), 'r_index', scope.out));
    }
    const holds =
      where === undefined
        ? undefined
        : this.fragments.takeApart(this.values.compute(where, scope), 'r_where', scope.out);
    const one = (element: TileExpr): readonly Statement[] => {
      const valueAt = (id: ValueId) => parts.get(id)!(element);
      const view = this.views.elementView(access, scope, element, valueAt);
      const condition = all([
        ...(hasVector && this.geometry.hasTail ? [this.geometry.elementInside(scope.tiles, element)] : []),
        ...access.bounds
          .filter(({ value }) => laneVarying(value))
          .flatMap((bound) => this.views.bound(bound, valueAt(bound.value))),
        ...(holds ? [holds(element)] : []),
      ]);
      return guarded(condition, [view, move(view.name, element)]);
    };
    if (!hasVector) {
      scope.out.push(...one(i32(0)));
      return;
    }
    const variable = this.context.names.fresh('element');
    this.context.unrolled.add(variable);
    const body = one(name(variable, 'i32'));
    scope.out.push({ kind: 'unroll', variable, extent: this.context.lanes.vector, body });
  }
}
