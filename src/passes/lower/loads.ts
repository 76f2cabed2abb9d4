/** Loads of the row's lanes: into fragments before the first sweep, or where a value is used. */

import type { Value, ValueId } from '../../ir/kernel.js';
import { all, guarded, i32, literal, type Coordinate, type Statement, type TileExpr } from '../../ir/tile.js';
import { tensorOf } from '../choose-vector.js';
import { Elementwise } from './elementwise.js';
import { asBool } from './expressions.js';
import type { Fragments } from './fragments.js';
import type { LaneGeometry } from './lane-geometry.js';
import type { Scope, SectionContext, ValueSource } from './section-context.js';
import type { Views } from './views.js';

type Load = Value & { readonly kind: 'load' };

export class Loads {
  private readonly elementwise: Elementwise;

  constructor(
    private readonly context: SectionContext,
    private readonly geometry: LaneGeometry,
    private readonly views: Views,
    private readonly fragments: Fragments,
    private readonly values: ValueSource,
  ) {
    this.elementwise = new Elementwise(context, geometry, views, fragments, values);
  }

  /** Loads every lane-varying input that depends on no reduction into fragments: weights first, those of every row once. */
  preload(): void {
    const { plan, section } = this.context;
    const loads = [...plan.loads].sort((a, b) => a - b).map((id) => section.values[id] as Load);
    const weights = loads.filter((load) => this.isWeight(load));
    const others = loads.filter((load) => plan.stageOf(load.id) === 0 && !weights.includes(load));
    for (const load of weights) {
      this.loadFragment(
        load,
        this.views.isRowIndependent(load.access) ? this.context.prologue : this.context.row,
      );
    }
    this.scalars();
    for (const load of others) this.loadFragment(load, this.context.row);
  }

  /** What is loaded once a row, such as indices: asked for before the lanes, whose loads may wait for it. */
  private scalars(): void {
    const { plan, section } = this.context;
    const ranges = section.axes.filter(({ role }) => role === 'range').map(({ axis }) => axis);
    for (const { kind, id, axes } of section.values) {
      if (kind !== 'load' || plan.laneVarying(id) || plan.stageOf(id) > 0) continue;
      if (!axes.some((axis) => ranges.includes(axis))) this.values.early(id);
    }
  }

  /** A load at one place of the lanes. */
  direct(load: Load, scope: Scope, rangeScope?: Scope): TileExpr {
    const { access, dtype, id } = load;
    const hasVector = this.context.isVector(id);
    if (this.views.isElementwise(access)) {
      const fragment = this.fragments.scratch(`r_${access.tensor}`, dtype, scope.out, 0);
      const inner: Statement[] = [];
      const condition = this.views.readGuard(access, rangeScope ?? scope);
      this.elementwise.each(
        access,
        { ...scope, out: inner, memo: new Map(scope.memo) },
        hasVector,
        (view, element) => moveElement(view, fragment, element, dtype),
      );
      scope.out.push(...guarded(condition, inner));
      return asBool(read(fragment, hasVector, hasVector ? this.context.lanes.vector : 0, dtype));
    }
    const { name: view, lanes } = this.views.view(access, rangeScope ?? scope);
    const width = lanes?.hasVector ? this.context.lanes.vector : 0;
    const at = lanes
      ? this.geometry.coordinates(lanes, scope.tiles)
      : [{ kind: 'at', index: i32(0) } as const];
    if (scope.unguarded) {
      const element: TileExpr = { kind: 'element', of: view, at, dtype, width };
      return this.takenOut(
        load,
        this.context.bind(load.name ?? access.tensor, element, scope.out),
        rangeScope ?? scope,
      );
    }
    const condition = this.views.readGuard(access, rangeScope ?? scope);
    if (!condition && !this.geometry.mayLack(width > 0)) {
      return asBool({ kind: 'element', of: view, at, dtype, width });
    }
    const fragment = this.fragments.scratch(`r_${access.tensor}`, dtype, scope.out, 0);
    const body = this.geometry.moveVector(width > 0, scope.tiles, (element) => [
      {
        kind: 'store',
        to: fragment,
        at: element ? [{ kind: 'at', index: element }] : vectorOrFirst(width > 0),
        value: {
          kind: 'element',
          of: view,
          at: element ? this.geometry.coordinates(lanes!, scope.tiles, element) : at,
          dtype,
          width: element ? 0 : width,
        },
      },
    ]);
    scope.out.push(...guarded(condition, body));
    return asBool(read(fragment, width > 0, width, dtype));
  }

  /** What was loaded without a condition, or 0 where its index is out of range. */
  private takenOut({ access }: Load, loaded: TileExpr, scope: Scope): TileExpr {
    const { dtype, width } = loaded;
    if (width > 0)
      return this.views
        .masks(access, scope)
        .reduce<TileExpr>((operand, mask) => ({ kind: 'masked', operand, mask, dtype, width }), loaded);
    const condition = all(this.views.uniformBounds(access, scope));
    if (!condition) return asBool(loaded);
    const otherwise = literal(0, dtype);
    return asBool({ kind: 'select', condition, then: loaded, otherwise, traced: false, dtype, width });
  }

  /** Model parameters whose place does not depend on data: what a previous kernel writes does not reach them. */
  private isWeight({ access }: Load): boolean {
    return (
      tensorOf(this.context.kernel, access.tensor).weight &&
      access.terms.every((term) => term.kind !== 'value')
    );
  }

  private loadFragment(load: Load, out: Statement[]): void {
    const { access, dtype, id } = load;
    const wanted = `r_${access.tensor}`;
    const condition = this.views.readGuard(access);
    if (this.views.isElementwise(access)) {
      const fragment = this.fragments.inRegisters(id, wanted, out, 0);
      const body = this.geometry.overTiles(fragment.tiles, (tiles, inner) => {
        const scope: Scope = { tiles, out: inner, memo: new Map<ValueId, TileExpr>() };
        this.elementwise.each(access, scope, fragment.hasVector, (view, element) => ({
          kind: 'store',
          to: fragment.name,
          at: this.fragments.coordinates(fragment, tiles, element),
          value: { kind: 'element', of: view, at: [{ kind: 'at', index: i32(0) }], dtype, width: 0 },
        }));
      });
      out.push(...guarded(condition, body));
      return;
    }
    const { name: view, lanes } = this.views.view(access, undefined, out);
    const incomplete = condition !== undefined || this.geometry.mayLack(lanes!.hasVector);
    const fragment = this.fragments.inRegisters(id, wanted, out, incomplete ? 0 : undefined);
    const body = this.geometry.overTiles(lanes!.tiles, (tiles, inner) => {
      const statements = this.geometry.moveVector(lanes!.hasVector, tiles, (element) => [
        {
          kind: 'store',
          to: fragment.name,
          at: this.fragments.coordinates(fragment, tiles, element),
          value: {
            kind: 'element',
            of: view,
            at: this.geometry.coordinates(lanes!, tiles, element),
            dtype,
            width: lanes!.hasVector && !element ? this.context.lanes.vector : 0,
          },
        },
      ]);
      inner.push(...statements);
    });
    out.push(...guarded(condition, body));
  }
}

const vectorOrFirst = (hasVector: boolean): readonly Coordinate[] => [
  hasVector ? { kind: 'vector' } : { kind: 'at', index: i32(0) },
];

const read = (of: string, hasVector: boolean, width: number, dtype: Load['dtype']): TileExpr => ({
  kind: 'element',
  of,
  at: vectorOrFirst(hasVector),
  dtype,
  width,
});

const moveElement = (view: string, to: string, element: TileExpr, dtype: Load['dtype']): Statement => ({
  kind: 'store',
  to,
  at: [{ kind: 'at', index: element }],
  value: { kind: 'element', of: view, at: [{ kind: 'at', index: i32(0) }], dtype, width: 0 },
});
