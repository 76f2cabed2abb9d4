/** Stores: by every lane inside a sweep's loops, or once for what is the same over some lanes. */

import type { Store } from '../../ir/kernel.js';
import {
  all,
  arith,
  clusterRank,
  compare,
  guarded,
  i32,
  type Statement,
  type TileExpr,
} from '../../ir/tile.js';
import { unsupported } from '../unsupported.js';
import { laneView, type LaneView } from './access.js';
import { Elementwise } from './elementwise.js';
import type { Fragments } from './fragments.js';
import type { LaneGeometry } from './lane-geometry.js';
import type { RowPlace } from './rows.js';
import type { Scope, SectionContext } from './section-context.js';
import type { Values } from './values.js';

export class Stores {
  private readonly elementwise: Elementwise;

  constructor(
    private readonly context: SectionContext,
    private readonly rows: RowPlace,
    private readonly geometry: LaneGeometry,
    private readonly fragments: Fragments,
    private readonly values: Values,
  ) {
    this.elementwise = new Elementwise(context, geometry, values.views, fragments, values);
  }

  /** Whether every lane takes part, so that the store belongs in the sweep's common loops. */
  isFull(store: Store): boolean {
    if (this.isElementwise(store)) {
      this.requireEveryLane(store);
      return true;
    }
    const { lanes } = this.context;
    const view = laneView(lanes, store.access);
    if (!view?.hasVector) return false;
    const indexed = store.access.terms.flatMap((term) =>
      term.kind === 'value' ? this.context.tileModes(term.value) : [],
    );
    return lanes.tiles.every((_, i) => view.tiles.includes(i) || indexed.includes(i));
  }

  /** What must hold for the row's stores, apart from what varies along it. */
  guard(store: Store): TileExpr | undefined {
    const { lanes, plan } = this.context;
    const { where, access } = store;
    const conditions = [
      ...(this.rows.valid ? [this.rows.valid] : []),
      ...this.values.views.uniformBounds(access),
      ...(where === undefined || plan.laneVarying(where) ? [] : [this.values.scalar(where)]),
    ];
    if (this.isElementwise(store)) return all(conditions);
    const shared = lanes.tiles.at(-1)?.axis;
    const once =
      lanes.cluster > 1 && !access.terms.some((term) => term.kind === 'axis' && term.axis === shared);
    const rank = once ? [compare('==', clusterRank, i32(0))] : [];
    return all([...conditions, ...this.oneOfIdle(store), ...rank]);
  }

  /** The statements of a full store at one place of the lanes. */
  write(store: Store, scope: Scope): void {
    const { access, span } = store;
    const value = this.values.vector(store.value, scope);
    if (this.isElementwise(store)) {
      const at = this.fragments.takeApart(value, 'r_out', scope.out);
      const { where } = store;
      const varying = where !== undefined && this.context.plan.laneVarying(where) ? where : undefined;
      const hasVector = this.context.vectorAxis !== undefined;
      this.elementwise.each(
        access,
        scope,
        hasVector,
        (to, element) => storeFirst(to, at(element), span),
        varying,
      );
      return;
    }
    const { name: to, lanes } = this.values.views.view(access, scope);
    const inner: Statement[] = [];
    this.storeVector(to, lanes!, { ...scope, out: inner }, value, span);
    scope.out.push(...guarded(all(this.values.views.tileBounds(access, scope)), inner));
  }

  /** Whether the views of a store are made for each element or tile. */
  isPlacedInLoop(store: Store): boolean {
    return this.isElementwise(store) || this.values.views.isPerTile(store.access);
  }

  /** A store of a value that varies over few lanes or none: one thread of those that share an element writes it. */
  writePartial(store: Store): void {
    const guard = this.guard(store);
    const { name: to, lanes } = this.values.views.view(store.access);
    if (!lanes) {
      const value = this.values.scalar(store.value);
      this.context.row.push(...guarded(guard, [storeFirst(to, value, store.span)]));
      return;
    }
    const body = this.geometry.overTiles(lanes.tiles, (tiles, out) => {
      const scope: Scope = { tiles, out, memo: new Map() };
      const value = lanes.hasVector
        ? this.values.vector(store.value, scope)
        : this.values.compute(store.value, scope);
      this.storeVector(to, lanes, scope, value, store.span);
    });
    this.context.row.push(...guarded(guard, body));
  }

  /** The elements of one vector that exist, or the one element where the view has no vector. */
  private storeVector(to: string, lanes: LaneView, scope: Scope, value: TileExpr, span: Store['span']): void {
    const { tiles, out } = scope;
    const parts =
      lanes.hasVector && this.context.lanes.partial
        ? this.fragments.takeApart(value, 'r_out', out)
        : undefined;
    const statements = this.geometry.moveVector(lanes.hasVector, tiles, (element) => [
      {
        kind: 'store',
        to,
        at: this.geometry.coordinates(lanes, tiles, element),
        value: element ? parts!(element) : value,
        span,
      },
    ]);
    out.push(...statements);
  }

  /** Conditions that pick one thread of those that hold the same element. */
  private oneOfIdle(store: Store): readonly TileExpr[] {
    const { lanes } = this.context;
    const { lane } = this.geometry;
    const view = laneView(lanes, store.access);
    if (!view) return lanes.threads === 1 ? [] : [compare('==', lane, i32(0))];
    return view.idleThreads.map(({ stride, extent }) => {
      const index = arith('/', lane, i32(stride));
      const last = stride * extent === lanes.threads;
      return compare('==', last ? index : arith('%', index, i32(extent)), i32(0));
    });
  }

  /** Moved element by element: its index or condition varies along the row. */
  isElementwise(store: Store): boolean {
    const { where } = store;
    return (
      (where !== undefined && this.context.plan.laneVarying(where)) ||
      this.values.views.isElementwise(store.access)
    );
  }

  private requireEveryLane(store: Store): void {
    const { lanes, section } = this.context;
    const axes = new Set(
      store.access.terms.flatMap((term) =>
        term.kind === 'axis' ? [term.axis] : term.kind === 'value' ? section.values[term.value]!.axes : [],
      ),
    );
    const idle = lanes.axes.find(({ axis }) => !axes.has(axis));
    if (!idle) return;
    throw unsupported(
      section,
      `a write to ${store.access.tensor} whose index or condition varies along the row, but not over ${idle.axis}`,
      'an index or condition that is the same for the whole row, or varies over all of it',
      store.span,
    );
  }
}

const storeFirst = (to: string, value: TileExpr, span: Store['span']): Statement => ({
  kind: 'store',
  to,
  at: [{ kind: 'at', index: i32(0) }],
  value,
  span,
});
