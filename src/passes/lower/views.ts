/** Accesses -> views: the base of a row in a tensor, the layout of its lanes, and when it may be touched. */

import type { Axis } from '../../spec/index.js';
import type { Access, Bound, Stride, ValueId } from '../../ir/kernel.js';
import { all, arith, compare, literal, name, wide, type Statement, type TileExpr } from '../../ir/tile.js';
import { dtypeBytes } from '../../ir/dtype.js';
import { tensorOf } from '../choose-vector.js';
import { laneStride, laneView, type LaneView } from './access.js';
import { castTo } from './expressions.js';
import type { LaneGeometry } from './lane-geometry.js';
import { joinRowMajor } from './row-major.js';
import type { RowPlace } from './rows.js';
import type { Scope, SectionContext, ValueSource } from './section-context.js';

export interface View {
  readonly name: string;
  /** Undefined where no lane axis touches the access: one element a row. */
  readonly lanes: LaneView | undefined;
}

export class Views {
  private readonly known = new Map<string, View>();

  constructor(
    private readonly context: SectionContext,
    private readonly rows: RowPlace,
    private readonly geometry: LaneGeometry,
    private readonly values: ValueSource,
  ) {}

  /** The view of an access, made once a row; once a position inside a range, and where an index varies from tile to tile. */
  view(access: Access, scope?: Scope, out: Statement[] = this.context.row): View {
    const ranged =
      scope !== undefined &&
      (this.isPerTile(access) || (scope.range !== undefined && this.followsRange(access, scope.range.axis)));
    const key = JSON.stringify([access.tensor, access.terms]);
    const known = ranged ? undefined : this.known.get(key);
    if (known) return known;
    const lanes = laneView(this.context.lanes, access);
    const made = { name: this.context.names.fresh(`g_${access.tensor}`), lanes };
    const tensor = tensorOf(this.context.kernel, access.tensor);
    const offset = this.rowOffset(access, scope);
    (ranged ? scope.out : out).push({
      ...this.statement(access, made.name, offset),
      multipleOf: lanes?.hasVector ? Math.max(1, tensor.align / dtypeBytes(tensor.dtype)) : 1,
      layout: lanes?.layout ?? { shape: 1, stride: 1 },
    });
    if (!ranged) this.known.set(key, made);
    return made;
  }

  /** A view of one element of a lane, for accesses whose lanes follow no layout. */
  elementView(
    access: Access,
    scope: Scope,
    element: TileExpr,
    valueAt: (id: ValueId) => TileExpr,
  ): Statement & { kind: 'view' } {
    const offset = this.sum(
      access.terms.map((term) => {
        if (term.kind === 'value') return arith('*', wide(valueAt(term.value)), this.stride(term.stride));
        if (term.kind === 'constant') return this.stride(term.stride);
        const start = this.position(term.axis, scope);
        const at = term.axis === this.context.vectorAxis ? arith('+', start, element) : start;
        return arith('*', wide(at), this.stride(term.stride));
      }),
    );
    return this.statement(access, this.context.names.fresh(`g_${access.tensor}`), offset);
  }

  /** Whether the lanes of an access follow no layout of static strides, so that elements are moved one by one. */
  isElementwise(access: Access): boolean {
    return access.terms.some((term) => {
      if (term.kind === 'value')
        return this.context.plan.laneVarying(term.value) && !this.context.isPerTile(term.value);
      if (term.kind === 'constant' || !this.context.isLane(term.axis)) return false;
      const step = laneStride(access, term.axis);
      return step === 'dynamic' || (step !== undefined && step < 0);
    });
  }

  /** Whether an index of an access varies from one tile of a thread to its next. */
  isPerTile({ terms }: Access): boolean {
    return terms.some((term) => term.kind === 'value' && this.context.isPerTile(term.value));
  }

  /** Bounds of the indices that vary from tile to tile. */
  tileBounds({ bounds }: Access, scope: Scope): readonly TileExpr[] {
    return bounds
      .filter(({ value }) => this.context.isPerTile(value))
      .flatMap((bound) => this.bound(bound, this.values.compute(bound.value, scope)));
  }

  /** Whether an access is the same for every row. */
  isRowIndependent(access: Access): boolean {
    return access.terms.every(
      (term) => term.kind === 'constant' || (term.kind === 'axis' && this.context.isLane(term.axis)),
    );
  }

  /** Whether this thread's row may read an access; what does not depend on the row may be read for rows that do not exist. */
  readGuard(access: Access, scope?: Scope): TileExpr | undefined {
    const { valid } = this.rows;
    return all([
      ...(valid && !this.isRowIndependent(access) ? [valid] : []),
      ...this.uniformBounds(access, scope),
    ]);
  }

  /** An index as i64; where loads have no condition, 0 for one that is out of range. */
  private readIndex(access: Access, id: ValueId, scope?: Scope): TileExpr {
    const operand = this.indexValue(id, scope);
    if (!scope?.unguarded) return wide(operand);
    return access.bounds
      .filter(({ value }) => value === id)
      .reduce<TileExpr>((index, bound) => {
        const mask = this.mask(bound, operand);
        return wide({ kind: 'masked', operand: index, mask, dtype: index.dtype, width: 0 });
      }, operand);
  }

  /** Masks of the indices of an access, which have all bits where they are inside their dimensions. */
  masks(access: Access, scope: Scope): readonly TileExpr[] {
    return access.bounds.map((bound) => this.mask(bound, this.indexValue(bound.value, scope)));
  }

  private mask({ extent }: Bound, operand: TileExpr): TileExpr {
    const { dtype } = operand;
    const size = typeof extent === 'number' ? literal(extent, dtype) : castTo(name(extent, 'i32'), dtype);
    return { kind: 'index-mask', operand, extent: size, dtype, width: 0 };
  }

  /** Bounds of the indices that are the same for every lane. */
  uniformBounds(access: Access, scope?: Scope): readonly TileExpr[] {
    return access.bounds
      .filter(({ value }) => !this.context.plan.laneVarying(value))
      .flatMap((bound) => this.bound(bound, this.indexValue(bound.value, scope)));
  }

  bound({ extent }: Bound, index: TileExpr): readonly TileExpr[] {
    const end = typeof extent === 'number' ? literal(extent, 'i64') : wide(name(extent, 'i32'));
    return [compare('>=', wide(index), literal(0, 'i64')), compare('<', wide(index), end)];
  }

  private followsRange(access: Access, range: Axis): boolean {
    const { values } = this.context.section;
    return access.terms.some(
      (term) =>
        (term.kind === 'axis' && term.axis === range) ||
        (term.kind === 'value' && values[term.value]!.axes.includes(range)),
    );
  }

  private indexValue(id: ValueId, scope?: Scope): TileExpr {
    const ranged = scope?.range && this.context.section.values[id]!.axes.includes(scope.range.axis);
    return scope && (ranged || this.context.isPerTile(id))
      ? this.values.compute(id, scope)
      : this.values.scalar(id);
  }

  /** Offset of lane 0 of the row, as i64; undefined for 0. */
  private rowOffset(access: Access, scope?: Scope): TileExpr | undefined {
    return this.sum(
      access.terms.flatMap((term) => {
        if (term.kind === 'constant') return [this.stride(term.stride)];
        if (term.kind === 'value')
          return [arith('*', this.readIndex(access, term.value, scope), this.stride(term.stride))];
        const at = this.context.isLane(term.axis)
          ? this.geometry.clusterShift(term.axis)
          : this.position(term.axis, scope);
        return at ? [arith('*', wide(at), this.stride(term.stride))] : [];
      }),
    );
  }

  /** Position along an axis: of the thread's first lane, of the row, or inside a range. */
  private position(axis: Axis, scope?: Scope): TileExpr {
    if (axis === scope?.range?.axis) return scope.range.position;
    if (scope && this.context.isLane(axis)) return this.geometry.start(axis, scope.tiles);
    return this.rows.position(axis);
  }

  private sum(parts: readonly TileExpr[]): TileExpr | undefined {
    const [first, ...others] = joinRowMajor(parts);
    return first && others.reduce((sum, part) => arith('+', sum, part), first);
  }

  private stride(step: Stride): TileExpr {
    return step.symbols.reduce<TileExpr>(
      (product, symbol) => {
        const scalar = this.context.kernel.scalars.find((entry) => entry.name === symbol)!;
        return arith('*', product, wide(name(symbol, scalar.dtype)));
      },
      literal(step.factor, 'i64'),
    );
  }

  private statement(
    access: Access,
    fresh: string,
    offset: TileExpr | undefined,
  ): Statement & { kind: 'view' } {
    const tensor = tensorOf(this.context.kernel, access.tensor);
    return {
      kind: 'view',
      name: fresh,
      tensor: access.tensor,
      dtype: tensor.dtype,
      ...(offset && { offset }),
      multipleOf: 1,
      layout: { shape: 1, stride: 1 },
      shape: `(${tensor.shape.join(', ')}) ${tensor.dtype}`,
    };
  }
}
