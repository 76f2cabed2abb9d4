/** Values of the graph -> tile expressions: scalars bound once a row, lane values computed where they are used. */

import type { Value, ValueId } from '../../ir/kernel.js';
import { arith, compare, guarded, i32, literal, name, type Statement, type TileExpr } from '../../ir/tile.js';
import { unsupported } from '../unsupported.js';
import { asBool, castTo, isTraced } from './expressions.js';
import type { Fragments } from './fragments.js';
import type { LaneGeometry } from './lane-geometry.js';
import { Loads } from './loads.js';
import type { Axis } from '../../spec/index.js';
import type { RowPlace } from './rows.js';
import type { Scope, SectionContext, ValueSource } from './section-context.js';
import { Views } from './views.js';

/** Reads the tables that a section has beside its rows. */
export interface TableSource {
  /** Value `place` of the tables at an index along `axis`, 0 outside of it; what it needs goes to `out`. */
  lookup(place: ValueId, axis: Axis, index: TileExpr, out: Statement[]): TileExpr;
}

export class Values implements ValueSource {
  readonly views: Views;
  readonly loads: Loads;
  private readonly scalars = new Map<ValueId, TileExpr>();

  constructor(
    private readonly context: SectionContext,
    private readonly rows: RowPlace,
    private readonly geometry: LaneGeometry,
    private readonly fragments: Fragments,
    private readonly tables?: TableSource,
  ) {
    this.views = new Views(context, rows, geometry, this);
    this.loads = new Loads(context, geometry, this.views, fragments, this);
  }

  /** The result of a reduction, in a variable of every thread. */
  define(id: ValueId, value: TileExpr): void {
    this.scalars.set(id, value);
  }

  /** The result of a reduction, once it is there. */
  result(id: ValueId): TileExpr | undefined {
    return this.scalars.get(id);
  }

  /** A value that is the same for every lane of the row, bound at the level of the row at its first use. */
  scalar(id: ValueId): TileExpr {
    const known = this.scalars.get(id);
    if (known) return known;
    const value = this.context.section.values[id]!;
    const expr = this.scalarExpr(value);
    const trivial = expr.kind === 'literal' || expr.kind === 'name';
    const bound =
      trivial || (value.name === undefined && (this.context.uses.get(id) ?? 0) <= 1)
        ? expr
        : this.context.bind(value.name ?? 't', expr);
    this.scalars.set(id, bound);
    return bound;
  }

  /** A value at one place of the lanes; a vector where it varies over the contiguous axis. */
  compute(id: ValueId, scope: Scope, rangeScope?: Scope): TileExpr {
    const { plan, section, uses } = this.context;
    const value = section.values[id]!;
    const ranged = scope.range !== undefined && value.axes.includes(scope.range.axis);
    if (!plan.laneVarying(id) && !ranged) return this.early(id);
    // What every lane of a step shares is computed before the loops over lanes: views made there may need it.
    if (rangeScope && !plan.laneVarying(id)) return this.compute(id, rangeScope);
    // A result that lies in one register a thread, such as that of a thread's only block.
    const isResult = value.kind === 'reduce' || value.kind === 'cut' || value.kind === 'cut-end';
    const single = isResult ? this.scalars.get(id) : undefined;
    if (single) return single;
    const known = scope.memo.get(id);
    if (known) return known;
    const fragment = this.fragments.get(id);
    if (fragment && !scope.filling?.has(id)) return this.fragments.element(fragment, scope.tiles);
    const expr = this.laneExpr(value, scope, rangeScope);
    const shared = (uses.get(id) ?? 0) > 1 || value.name !== undefined;
    const trivial = expr.kind === 'literal' || expr.kind === 'name' || expr.kind === 'element';
    const bound = shared && !trivial ? this.context.bind(value.name ?? 't', expr, scope.out) : expr;
    scope.memo.set(id, bound);
    return bound;
  }

  /** `value` as the vector that a store of full width needs. */
  vector(id: ValueId, scope: Scope): TileExpr {
    const expr = this.compute(id, scope);
    if (expr.width > 0) return expr;
    return { kind: 'splat', operand: expr, dtype: expr.dtype, width: this.context.lanes.vector };
  }

  /** As `scalar`, but always a name or a literal, so that loops over lanes do not repeat the work in the text. */
  early(id: ValueId): TileExpr {
    const expr = this.scalar(id);
    if (expr.kind === 'literal' || expr.kind === 'name') return expr;
    const value = this.context.section.values[id]!;
    const wanted =
      value.name ?? (value.kind === 'unary' ? value.fn : value.kind === 'load' ? value.access.tensor : 't');
    const bound = this.context.bind(wanted, expr);
    this.scalars.set(id, bound);
    return bound;
  }

  private scalarExpr(value: Value): TileExpr {
    if (value.kind === 'position') return castTo(this.rows.position(value.axis), value.dtype);
    if (value.kind === 'load') return this.scalarLoad(value);
    if (value.kind === 'lookup' && this.tables) {
      const operand = this.context.section.values[value.operand]!;
      const place = operand.kind === 'table' ? operand.place : operand.id;
      return this.tables.lookup(place, value.axis, this.scalar(value.index), this.context.row);
    }
    return this.operation(value, (id) => this.scalar(id));
  }

  private scalarLoad(value: Value & { kind: 'load' }): TileExpr {
    const condition = this.views.readGuard(value.access);
    const { name: view } = this.views.view(value.access);
    const at = [{ kind: 'at', index: i32(0) } as const];
    const element: TileExpr = { kind: 'element', of: view, at, dtype: value.dtype, width: 0 };
    if (!condition) return asBool(element);
    const fresh = this.context.names.fresh(value.name ?? value.access.tensor);
    const stored = value.dtype === 'bool' ? 'u8' : value.dtype;
    this.context.row.push(
      { kind: 'let', name: fresh, value: literal(0, stored) },
      ...guarded(condition, [{ kind: 'assign', name: fresh, value: { ...element, dtype: stored } }]),
    );
    return value.dtype === 'bool'
      ? compare('!=', name(fresh, 'u8'), literal(0, 'u8'))
      : name(fresh, value.dtype);
  }

  private laneExpr(value: Value, scope: Scope, rangeScope?: Scope): TileExpr {
    switch (value.kind) {
      case 'position':
        return this.lanePosition(value, scope);
      case 'load':
        return this.loads.direct(value, scope, rangeScope);
      case 'remap':
        return this.remapped(value, scope);
      case 'random':
        return {
          kind: 'random-bits',
          start: castTo(this.geometry.start(value.axis, scope.tiles), 'i32'),
          seed: this.early(value.seed),
          offset: this.early(value.offset),
          dtype: 'i32',
          width: value.axis === this.context.vectorAxis ? this.context.lanes.vector : 0,
        };
      default:
        return this.operation(value, (id) => this.compute(id, scope, rangeScope));
    }
  }

  private lanePosition(value: Value & { kind: 'position' }, scope: Scope): TileExpr {
    if (value.axis === scope.range?.axis) return castTo(scope.range.position, value.dtype);
    const start = castTo(this.geometry.start(value.axis, scope.tiles), value.dtype);
    if (value.axis !== this.context.vectorAxis) return start;
    const width = this.context.lanes.vector;
    return arith(
      '+',
      { kind: 'iota', dtype: value.dtype, width },
      { kind: 'splat', operand: start, dtype: value.dtype, width },
    );
  }

  /** Another position along an axis that no thread and no vector holds: another tile of the same thread. */
  private remapped(value: Value & { kind: 'remap' }, scope: Scope): TileExpr {
    const tiles = this.context.lanes.tiles.map((tile, i) => {
      const at = scope.tiles[i]!;
      if (tile.axis !== value.axis) return at;
      const scaled = arith('*', at, i32(Math.abs(value.scale)));
      return value.scale < 0 ? arith('-', i32(value.offset), scaled) : arith('+', scaled, i32(value.offset));
    });
    const fragment = this.fragments.get(value.operand);
    if (!fragment) throw new Error(`value ${value.operand} has no fragment`);
    return this.fragments.element(fragment, tiles);
  }

  private operation(value: Value, operand: (id: ValueId) => TileExpr): TileExpr {
    const { dtype } = value;
    switch (value.kind) {
      case 'literal':
        return literal(value.value, dtype);
      case 'param':
        return name(value.param, dtype);
      case 'extent':
        return castTo(name(value.dim, 'i32'), dtype);
      case 'unary': {
        const inner = operand(value.operand);
        return { kind: 'unary', fn: value.fn, operand: inner, dtype, width: inner.width };
      }
      case 'binary': {
        const [left, right] = [operand(value.left), operand(value.right)];
        return { kind: 'binary', fn: value.fn, left, right, dtype, width: Math.max(left.width, right.width) };
      }
      case 'compare':
        return compare(value.fn, operand(value.left), operand(value.right));
      case 'select': {
        const [condition, then, otherwise] = [
          operand(value.condition),
          operand(value.then),
          operand(value.otherwise),
        ];
        const width = Math.max(condition.width, then.width, otherwise.width);
        const traced = isTraced(condition, this.context.unrolled);
        return { kind: 'select', condition, then, otherwise, traced, dtype, width };
      }
      case 'order': {
        const inner = operand(value.operand);
        return { kind: 'order-key', operand: inner, ascending: false, dtype, width: inner.width };
      }
      case 'cast': {
        const inner = operand(value.operand);
        const { rounding, saturate } = value;
        return { kind: 'cast', operand: inner, rounding, saturate, dtype, width: inner.width };
      }
      default:
        throw unsupported(
          this.context.section,
          `a ${value.kind} here`,
          'a reduction that is computed before it is used',
          value.span,
        );
    }
  }
}
