/**
 * A section's tables, in shared memory of each CTA: counts over all rows, sums along them, and the rank of each own row.
 *
 * All rows are counted with atomic additions to shared memory, by each CTA or by each cluster (`table-shares`), so that no
 * grid waits: other arrays hold the counts of the rows before a CTA's own and a warp's, from which ranks follow (`table-ranks`). What
 * is made of the tables is computed where it is read. The CTAs share the writes of what the section stores of them.
 */

import { makeLayout } from '../../layout/index.js';
import type { Axis } from '../../spec/index.js';
import {
  storeOperands,
  type LaneLayout,
  type Section,
  type Store,
  type Value,
  type ValueId,
} from '../../ir/kernel.js';
import { all, arith, compare, guarded, i32, name, type Statement, type TileExpr } from '../../ir/tile.js';
import { rowCount } from './expressions.js';
import { Fragments } from './fragments.js';
import { LaneGeometry } from './lane-geometry.js';
import { positionsOf, type RowPlace } from './rows.js';
import { at, choose, extreme, inside, read, write } from './scalars.js';
import { SectionContext } from './section-context.js';
import { spread, spreadOverGrid } from './spread.js';
import { Stores } from './stores.js';
import { rankRows, type RankTable } from './table-ranks.js';
import { sharesOf, type Counted, type CountingWalk } from './table-shares.js';
import { sumBefore } from './table-sums.js';
import { rankingWarps, type OwnRows, type OwnTiles } from './table-warps.js';
import { Values, type TableSource } from './values.js';

const NO_LANES: LaneLayout = {
  axes: [],
  threads: 1,
  vector: 1,
  tiles: [],
  layout: makeLayout([1, 1], [0, 1]),
  cluster: 1,
  partial: false,
};

type Count = Value & { readonly kind: 'count' };
type Scan = Value & { readonly kind: 'scan' };
type Rank = Value & { readonly kind: 'rank' };

/** A table's graph at one place: its values as expressions, its stores as statements. */
interface Place {
  readonly values: Values;
  readonly stores: Stores;
}

export class Tables implements TableSource {
  private readonly tables: Section;
  /** Shared arrays of counts and sums. */
  private readonly regions = new Map<ValueId, string>();
  /** What rows of a CTA are ranked by, of the counts that have ranks. */
  private readonly rankTables = new Map<ValueId, RankTable>();
  private readonly rows: TileExpr;

  constructor(
    private readonly context: SectionContext,
    private readonly own: OwnRows,
  ) {
    const schedule = { threadsPerRow: 1, rowsPerCta: 1, vector: 1 };
    this.tables = { ...context.section.tables!, lanes: NO_LANES, schedule };
    this.rows = rowCount(context.section);
  }

  /** Fills the tables, and stores what the section stores of them. */
  fill(tiles: OwnTiles): void {
    const { prologue } = this.context;
    const counts = this.tables.values.filter((value): value is Count => value.kind === 'count');
    if (counts.length > 0) this.count(counts);
    for (const value of this.tables.values) if (value.kind === 'scan') this.sum(value);
    for (const store of this.tables.stores) prologue.push(...this.store(store, tiles));
  }

  /** The ranks of a tile's rows, defined in `values`. `row` is the row that this thread ranks, `again` says that others follow. */
  rank(row: TileExpr, again: boolean, values: Values): void {
    const known = new Map<ValueId, TileExpr>();
    for (const value of this.context.section.values) {
      if (value.kind !== 'rank') continue;
      const found = known.get(value.counts!) ?? this.rankRow(value, row, again);
      known.set(value.counts!, found);
      values.define(value.id, found);
    }
  }

  lookup(place: ValueId, axis: Axis, index: TileExpr, out: Statement[]): TileExpr {
    const { context } = this;
    const extent = this.extent(axis);
    if (index.kind === 'literal') {
      const known = Number(index.value) >= 0 && Number(index.value) < extent;
      return known ? this.at(new Map([[axis, index]]), out).values.scalar(place) : i32(0);
    }
    const exists = inside(index, extent);
    const safe = context.bind('at', choose(exists, index, i32(0)), out);
    const found = this.at(new Map([[axis, safe]]), out).values.scalar(place);
    return choose(exists, found, i32(0));
  }

  private count(counts: readonly Count[]): void {
    const { context } = this;
    const { prologue } = context;
    const counted = counts.map((count) => this.allocate(count));
    const shares = sharesOf(context, counted, this.rows, this.own);
    for (const { name: region, extent } of shares.cleared)
      prologue.push(...spread(context, extent, (index) => [write(region, index, i32(0))]));
    prologue.push({ kind: 'barrier' });
    shares.walks.forEach((walk) => prologue.push(this.walk(counts, walk)));
    prologue.push({ kind: 'barrier' });
    shares.finish();
  }

  /** Shared arrays of a count. */
  private allocate({ id, bins, name: wanted }: Count): Counted {
    const extent = this.extent(bins);
    const total = this.region(`s_${wanted ?? 'counts'}`, extent, bins);
    this.regions.set(id, total);
    const isRanked = this.context.section.values.some(
      (value) => value.kind === 'rank' && value.counts === id,
    );
    if (!isRanked) return { total, before: undefined, byWarp: undefined, extent, bins };
    const before = this.region(`${total}_before`, extent, bins);
    const warps = rankingWarps(this.context);
    const elements = warps * extent;
    const byWarp =
      warps > 1 ? { name: this.region(`${total}_warps`, elements, bins), warps, elements } : undefined;
    this.rankTables.set(id, { counts: byWarp?.name ?? before, extent });
    return { total, before, byWarp, extent, bins };
  }

  /** Counts the rows of a walk: the indices of several first, so that their loads are in flight together. */
  private walk(counts: readonly Count[], walk: CountingWalk): Statement {
    const { context } = this;
    const { names } = context;
    const { begin, end, stride, atOnce } = walk;
    const [variable, step] = [names.fresh('counted'), names.fresh('step')];
    context.unrolled.add(step);
    const place = arith('+', name(variable, 'i32'), arith('*', name(step, 'i32'), i32(stride)));
    const bins = counts.map(({ name: wanted }) => names.fresh(`r_${wanted ?? 'row'}_bins`));
    const load: Statement[] = [];
    const existing = context.bind('place_or_last', extreme('min', place, arith('-', end, i32(1))), load);
    const row = context.bind('counted_row', walk.row(existing), load);
    const { values } = this.at(this.rowPlace(counts[0]!.over, row), load);
    const add: Statement[] = [];
    counts.forEach(({ operand, bins: axis }, i) => {
      const own = at(name(step, 'i32'));
      load.push({ kind: 'store', to: bins[i]!, at: own, value: values.scalar(operand) });
      const index: TileExpr = { kind: 'element', of: bins[i]!, at: own, dtype: 'i32', width: 0 };
      const exists = all([inside(index, this.extent(axis)), compare('<', place, end)]);
      add.push(...guarded(exists, walk.add(i, index, place)));
    });
    const extent = atOnce;
    const unrolled = (body: readonly Statement[]): Statement => ({
      kind: 'unroll',
      variable: step,
      extent,
      body,
    });
    const body: Statement[] = [
      ...bins.map((each): Statement => ({ kind: 'fragment', name: each, dtype: 'i32', shape: [atOnce] })),
      unrolled(load),
      unrolled(add),
    ];
    return { kind: 'loop', variable, begin, end, step: i32(stride * atOnce), unroll: 1, body };
  }

  private sum({ id, over, operand, name: wanted }: Scan): void {
    const region = this.region(`s_${wanted ?? 'sums'}`, this.extent(over), over);
    this.regions.set(id, region);
    sumBefore(this.context, region, this.extent(over), (index, out) =>
      this.at(new Map([[over, index]]), out).values.scalar(operand),
    );
  }

  private rankRow({ counts, over, name: wanted }: Rank, row: TileExpr, again: boolean): TileExpr {
    const { operand } = this.tables.values[counts!] as Count;
    const place = { row, rows: this.rows, again };
    return rankRows(this.context, wanted, this.rankTables.get(counts!)!, place, (each, out) =>
      this.at(this.rowPlace(over, each), out).values.scalar(operand),
    );
  }

  /** The statements of one store: each thread of the CTAs takes some elements. */
  private store(store: Store, tiles: OwnTiles): readonly Statement[] {
    const axes = new Set<Axis>([
      ...store.access.terms.flatMap((term) => (term.kind === 'axis' ? [term.axis] : [])),
      ...storeOperands(store).flatMap((id) => this.tables.values[id]!.axes),
    ]);
    const infos = this.tables.axes.filter(({ axis }) => axes.has(axis));
    const elements = infos.reduce((product, { extent }) => product * Number(extent), 1);
    return spreadOverGrid(this.context, tiles, elements, (index) => {
      const out: Statement[] = [];
      this.at(positionsOf(infos, index), out).stores.writePartial(store);
      return out;
    });
  }

  /** The tables' graph at a place; what it needs on the way goes to `out`. */
  private at(positions: ReadonlyMap<Axis, TileExpr>, out: Statement[]): Place {
    const { prologue, shared, kernel, names } = this.context;
    const context = new SectionContext(kernel, this.tables, names, { prologue, shared, row: out });
    const rows: RowPlace = {
      lane: i32(0),
      valid: undefined,
      position: (axis) => {
        const position = positions.get(axis);
        if (!position) throw new Error(`${axis} has no position in a table`);
        return position;
      },
    };
    const geometry = new LaneGeometry(context, rows.lane);
    const fragments = new Fragments(context);
    const values = new Values(context, rows, geometry, fragments, this);
    for (const [id, region] of this.regions) {
      const value = this.tables.values[id] as Count | Scan;
      const index = positions.get(value.kind === 'count' ? value.bins : value.over);
      if (index) values.define(id, read(region, index));
    }
    return { values, stores: new Stores(context, rows, geometry, fragments, values) };
  }

  private rowPlace(over: readonly Axis[], row: TileExpr): ReadonlyMap<Axis, TileExpr> {
    const infos = over.map((axis) => this.tables.axes.find((info) => info.axis === axis)!);
    return positionsOf(infos, row);
  }

  private region(wanted: string, elements: number, along: Axis): string {
    const region = this.context.names.fresh(wanted);
    this.context.shared.push({ name: region, dtype: 'i32', elements, align: 16, along });
    return region;
  }

  private extent(axis: Axis): number {
    return Number(this.tables.axes.find((info) => info.axis === axis)!.extent);
  }
}
