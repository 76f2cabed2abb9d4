/** Reductions of a section: accumulated in a sweep's loops, combined across threads, or walked over a range. */

import type { Value, ValueId } from '../../ir/kernel.js';
import { all, compare, guarded, i32, literal, name, type Statement, type TileExpr } from '../../ir/tile.js';
import { unsupported } from '../unsupported.js';
import { castTo } from './expressions.js';
import type { Fragments } from './fragments.js';
import { GatheredRange } from './gathered-range.js';
import type { LaneGeometry } from './lane-geometry.js';
import { identity, reduceAcrossThreads, type Partial } from './reduce.js';
import type { Rows } from './rows.js';
import type { Fragment, Scope, SectionContext } from './section-context.js';
import type { Values } from './values.js';

type Reduce = Value & { readonly kind: 'reduce' };

/** A variable for a reduction of the whole row; a fragment where its result still varies along it. */
export type Accumulator = Fragment | string;

export class Reductions {
  private readonly gathers: GatheredRange;

  constructor(
    private readonly context: SectionContext,
    private readonly geometry: LaneGeometry,
    private readonly fragments: Fragments,
    private readonly values: Values,
    rows: Rows,
  ) {
    this.gathers = new GatheredRange(context, rows, geometry, fragments, values);
  }

  /** Declares what a reduction is accumulated in, at its identity. */
  begin(id: ValueId): Accumulator {
    const { context } = this;
    const value = this.reduce(id);
    const wanted = value.name ?? value.fn;
    if (context.isVector(id) || context.tileModes(id).length > 0)
      return this.fragments.inRegisters(id, `r_${wanted}`, context.row, identity(value.fn));
    const fresh = context.names.fresh(wanted);
    context.row.push({
      kind: 'let',
      name: fresh,
      value: literal(identity(value.fn), value.dtype),
      span: value.span,
    });
    return fresh;
  }

  /** Adds the operand at one place of the lanes. */
  accumulate(id: ValueId, into: Accumulator, scope: Scope): void {
    const value = this.reduce(id);
    const { fn, dtype, span, over } = value;
    const alongVector = over.includes(this.context.vectorAxis!);
    const operand = alongVector ? this.existing(value, scope) : this.values.compute(value.operand, scope);
    const current = typeof into === 'string' ? name(into, dtype) : this.fragments.element(into, scope.tiles);
    const next: TileExpr =
      operand.width > 0 && current.width === 0
        ? { kind: 'fold', fn, operand, initial: current, dtype, width: 0 }
        : { kind: 'combine', fn, left: current, right: operand, dtype, width: current.width };
    const update: Statement =
      typeof into === 'string'
        ? { kind: 'assign', name: into, value: next, span }
        : {
            kind: 'store',
            to: into.name,
            at: this.fragments.coordinates(into, scope.tiles),
            value: next,
            span,
          };
    const condition = all([
      ...(alongVector ? [this.geometry.tailGuard(scope.tiles) ?? []].flat() : []),
      ...this.once(value, scope),
    ]);
    scope.out.push(...guarded(condition, [update]));
  }

  /** Loops over an axis that the operand does not vary along, and that is not reduced: only their first step adds it. */
  private once({ operand, over }: Reduce, scope: Scope): readonly TileExpr[] {
    const { lanes } = this.context;
    const modes = this.context.tileModes(operand);
    return lanes.tiles.flatMap(({ axis, extent }, i) =>
      extent === 1 || modes.includes(i) || over.includes(axis)
        ? []
        : [compare('==', scope.tiles[i]!, i32(0))],
    );
  }

  /** Combines the threads of a row, so that each has the results of the reductions that a sweep fed. */
  finish(ids: readonly ValueId[], into: readonly Accumulator[]): void {
    const { context } = this;
    const across = {
      names: context.names,
      threads: context.kernel.schedule!.threads,
      rowsPerCta: context.section.schedule!.rowsPerCta,
      cluster: context.lanes.cluster,
      shared: context.shared,
    };
    const partials = ids.flatMap((id, i): readonly Partial[] => {
      const variable = into[i]!;
      if (typeof variable !== 'string') return [];
      const { fn, over, dtype } = this.reduce(id);
      this.values.define(id, name(variable, dtype));
      return [{ fn, variable, group: this.geometry.reducedThreads(over, fn) }];
    });
    reduceAcrossThreads(across, partials, context.row);
    ids.forEach((id, i) => {
      const fragment = into[i]!;
      if (typeof fragment !== 'string') this.finishFragment(id, fragment);
    });
  }

  /** Combines threads of a warp, for each place of the lanes that the result varies over. */
  private finishFragment(id: ValueId, into: Fragment): void {
    const { context } = this;
    const value = this.reduce(id);
    const group = this.geometry.reducedThreads(value.over, value.fn);
    if (group.threads === 1) return;
    if (into.hasVector || group.threads * group.stride > 32) {
      throw unsupported(
        context.section,
        `a reduction across warps that leaves ${value.axes.join(', ')} along the row`,
        'a reduction of the whole row, or of blocks within a warp',
        value.span,
      );
    }
    const { fn, dtype } = value;
    const { threads, stride } = group;
    const loops = this.geometry.overTiles(into.tiles, (tiles, out) => {
      const operand = this.fragments.element(into, tiles);
      const at = this.fragments.coordinates(into, tiles);
      const reduced: TileExpr = { kind: 'warp-reduce', fn, operand, threads, stride, dtype, width: 0 };
      out.push({ kind: 'store', to: into.name, at, value: reduced });
    });
    context.row.push(...loops);
  }

  /** A reduction over the positions of a range, walked one by one. */
  overRange(id: ValueId): void {
    const { context } = this;
    const value = context.section.values[id] as Value & { kind: 'range-reduce' };
    const { fn, dtype, span, over } = value;
    const into = this.fragments.inRegisters(id, `r_${value.name ?? fn}`, context.row, identity(fn));
    // The ends lie within a dimension, which is an i32.
    const begin = castTo(this.values.scalar(value.begin), 'i32');
    const end = castTo(this.values.scalar(value.end), 'i32');
    const rest = this.gathers.ahead({ value, into, begin, end });
    const variable = context.names.fresh(`${over}_index`);
    const range = { axis: over, position: name(variable, 'i32') };
    const heads: Statement[] = [];
    const inner = this.geometry.overTiles(into.tiles, (tiles, out) => {
      const scope: Scope = { tiles, range, out, memo: new Map() };
      const operand = this.values.compute(value.operand, scope, { ...scope, out: heads });
      const left = this.fragments.element(into, tiles);
      const next: TileExpr = { kind: 'combine', fn, left, right: operand, dtype, width: left.width };
      out.push({
        kind: 'store',
        to: into.name,
        at: this.fragments.coordinates(into, tiles),
        value: next,
        span,
      });
    });
    const body = [...heads, ...inner];
    const step = literal(1, 'i32');
    context.row.push({ kind: 'loop', variable, begin: rest, end, step, unroll: this.unroll(into), body });
  }

  /** Positions of a range taken at once: as many as keep 32 elements in flight a thread. */
  private unroll({ hasVector, tiles }: Fragment): number {
    const { lanes } = this.context;
    const elements = tiles.reduce(
      (product, i) => product * lanes.tiles[i]!.extent,
      hasVector ? lanes.vector : 1,
    );
    return Math.max(1, Math.min(4, Math.floor(32 / elements)));
  }

  /** The operand, with the identity in place of what lies past the end of the row inside a vector. */
  private existing(value: Reduce, scope: Scope): TileExpr {
    const operand = this.values.compute(value.operand, scope);
    if (!this.context.lanes.partial) return operand;
    return {
      kind: 'select',
      condition: this.geometry.mask(scope.tiles),
      then: operand,
      otherwise: literal(identity(value.fn), value.dtype),
      traced: false,
      dtype: value.dtype,
      width: this.context.lanes.vector,
    };
  }

  private reduce(id: ValueId): Reduce {
    const value = this.context.section.values[id]!;
    if (value.kind !== 'reduce') throw new Error(`value ${id} is no reduction`);
    return value;
  }
}
