/**
 * A range whose rows an index chooses: several positions at once, their loads in flight together.
 *
 * Before: for k: index, a row under the index's condition, sum.
 * After:  for k in steps of n: n indices and factors, then n rows without a condition (out of range: element 0, whose bits a
 * mask takes out), then n sums in the same order. What is left of the range, and all of it where a gathered dimension is empty or the
 * row does not exist, is for the loop that reads one position at a time under its condition.
 */

import { operands, type Value, type ValueId } from '../../ir/kernel.js';
import { dtypeBytes } from '../../ir/dtype.js';
import { all, arith, compare, i32, name, type Statement, type TileExpr } from '../../ir/tile.js';
import type { Fragments } from './fragments.js';
import type { LaneGeometry } from './lane-geometry.js';
import type { Rows } from './rows.js';
import type { Fragment, Scope, SectionContext } from './section-context.js';
import type { Values } from './values.js';

type Load = Value & { readonly kind: 'load' };

/** A reduction over a range, its accumulator and the ends of the range. */
export interface RangeWalk {
  readonly value: Value & { readonly kind: 'range-reduce' };
  readonly into: Fragment;
  readonly begin: TileExpr;
  readonly end: TileExpr;
}

/** Elements of the gathered rows that a thread may have in flight. */
const MAX_ELEMENTS = 64;
const MAX_STEPS = 8;

export class GatheredRange {
  constructor(
    private readonly context: SectionContext,
    private readonly rows: Rows,
    private readonly geometry: LaneGeometry,
    private readonly fragments: Fragments,
    private readonly values: Values,
  ) {}

  /** Emits the loop over whole groups of positions; gives the first position that it leaves. */
  ahead(walk: RangeWalk): TileExpr {
    const { context } = this;
    const { value, into, begin, end } = walk;
    const loads = this.rangedLoads(value);
    const gathered = loads.filter(({ access }) => access.bounds.length > 0);
    const steps = context.kernel.schedule!.steps ?? this.defaultSteps(into);
    if (gathered.length === 0 || steps <= 1 || !loads.every((load) => this.mayRead(load))) return begin;
    const groups = arith('*', arith('/', arith('-', end, begin), i32(steps)), i32(steps));
    const condition = this.mayRun(walk, gathered);
    const count: TileExpr = condition
      ? { kind: 'select', condition, then: groups, otherwise: i32(0), traced: false, dtype: 'i32', width: 0 }
      : groups;
    const rest = context.bind(`${value.over}_rest`, arith('+', begin, count));
    const variable = context.names.fresh(`${value.over}_first`);
    const body = this.group(walk, loads, steps, variable);
    context.row.push({ kind: 'loop', variable, begin, end: rest, step: i32(steps), unroll: 1, body });
    return rest;
  }

  private group(
    { value, into }: RangeWalk,
    loads: readonly Load[],
    steps: number,
    variable: string,
  ): readonly Statement[] {
    const { fn, dtype, span, over } = value;
    const { laneVarying } = this.context.plan;
    const heads: Statement[] = [];
    const ranges = Array.from({ length: steps }, (_, n) => ({
      axis: over,
      position: arith('+', name(variable, 'i32'), i32(n)),
    }));
    const scopesAt = (tiles: readonly TileExpr[], out: Statement[]): readonly Scope[] =>
      ranges.map((range) => ({ tiles, range, out, memo: new Map<ValueId, TileExpr>(), unguarded: true }));
    const shared = scopesAt([], heads);
    for (const scope of shared)
      for (const { id } of loads) if (!laneVarying(id)) this.values.compute(id, scope);
    const sums = this.geometry.overTiles(into.tiles, (tiles, out) => {
      const scopes = scopesAt(tiles, out);
      const lanes = loads.filter(({ id }) => laneVarying(id));
      scopes.forEach((scope, n) => lanes.forEach(({ id }) => this.values.compute(id, scope, shared[n]!)));
      scopes.forEach((scope, n) => {
        const right = this.values.compute(value.operand, scope, shared[n]!);
        const left = this.fragments.element(into, tiles);
        const next: TileExpr = { kind: 'combine', fn, left, right, dtype, width: left.width };
        const at = this.fragments.coordinates(into, tiles);
        out.push({ kind: 'store', to: into.name, at, value: next, span });
      });
    });
    return [...heads, ...sums];
  }

  /** Loads of the operand that follow the range, indices before what they index. */
  private rangedLoads({ operand, over }: RangeWalk['value']): readonly Load[] {
    const { values } = this.context.section;
    const found = new Set<ValueId>();
    const visit = (id: ValueId): void => {
      if (found.has(id) || !values[id]!.axes.includes(over)) return;
      operands(values[id]!).forEach(visit);
      found.add(id);
    };
    visit(operand);
    return [...found].flatMap((id): readonly Load[] => {
      const value = values[id]!;
      return value.kind === 'load' ? [value] : [];
    });
  }

  private mayRead({ access, dtype, id }: Load): boolean {
    const { plan, section, lanes } = this.context;
    const bytes = dtypeBytes(dtype) * (this.context.isVector(id) ? lanes.vector : 1);
    return (
      !this.geometry.hasTail &&
      !this.values.views.isElementwise(access) &&
      access.bounds.every(
        ({ value }) => !plan.laneVarying(value) && ['i32', 'i64'].includes(section.values[value]!.dtype),
      ) &&
      (access.bounds.length === 0 || !plan.laneVarying(id) || (this.context.isVector(id) && bytes % 4 === 0))
    );
  }

  /** The row exists, the range is not turned round, and every gathered dimension has an element. */
  private mayRun({ begin, end }: RangeWalk, gathered: readonly Load[]): TileExpr | undefined {
    const dims = new Set(
      gathered.flatMap(({ access }) =>
        access.bounds.flatMap(({ extent }) => (typeof extent === 'string' ? [extent] : [])),
      ),
    );
    const fromZero = begin.kind === 'literal' && begin.value === 0;
    const isExtent =
      end.kind === 'literal' ||
      this.context.section.axes.some(({ axis }) => end.kind === 'name' && end.name === axis);
    return all([
      ...(this.rows.valid ? [this.rows.valid] : []),
      ...(fromZero && isExtent ? [] : [compare('<', begin, end)]),
      ...[...dims].map((dim) => compare('>', name(dim, 'i32'), i32(0))),
    ]);
  }

  private defaultSteps({ hasVector, tiles }: Fragment): number {
    const { lanes } = this.context;
    const elements = tiles.reduce(
      (product, i) => product * lanes.tiles[i]!.extent,
      hasVector ? lanes.vector : 1,
    );
    return Math.min(MAX_STEPS, Math.floor(MAX_ELEMENTS / elements));
  }
}
