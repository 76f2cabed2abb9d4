/**
 * A section's tables, in shared memory of each CTA: counts over all rows, sums along them, and the rank of each own row.
 *
 * Every CTA counts all rows itself, with atomic additions to shared memory, so that none waits for another: a second array
 * holds the counts of the rows before its own, from which ranks follow (`table-ranks`). What is made of the tables is
 * computed where it is read. The first CTA writes what the section stores of them.
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
import { Stores } from './stores.js';
import { rankRows } from './table-ranks.js';
import { sumBefore } from './table-sums.js';
import { Values, type TableSource } from './values.js';

/** Rows whose indices a thread loads before it counts them: for few tiles of rows, and for many. */
const COUNTED_AT_ONCE = { few: 4, many: 8 };

const NO_LANES: LaneLayout = {
  axes: [],
  threads: 1,
  vector: 1,
  tiles: [],
  layout: makeLayout([1, 1], [0, 1]),
  cluster: 1,
  tail: false,
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
  /** Shared arrays of the counts of rows before the tile. */
  private readonly before = new Map<ValueId, string>();
  private readonly threads: number;

  constructor(private readonly context: SectionContext) {
    const schedule = { threadsPerRow: 1, rowsPerCta: 1, vector: 1 };
    this.tables = { ...context.section.tables!, lanes: NO_LANES, schedule };
    this.threads = context.kernel.schedule!.threads;
  }

  /** Fills the tables, and stores what the section stores of them. `tile` is the CTA's first tile of rows. */
  fill(tile: TileExpr): void {
    const { prologue } = this.context;
    const counts = this.tables.values.filter((value): value is Count => value.kind === 'count');
    for (const count of counts) {
      this.allocate(this.regions, count.id, `s_${count.name ?? 'counts'}`, this.extent(count.bins));
      if (this.ranksOf(count.id).length > 0)
        this.allocate(this.before, count.id, `s_${count.name ?? 'counts'}_before`, this.extent(count.bins));
    }
    for (const count of counts) this.clear(count);
    if (counts.length > 0)
      prologue.push({ kind: 'barrier' }, this.countRows(counts, tile), { kind: 'barrier' });
    for (const value of this.tables.values) if (value.kind === 'scan') this.sum(value);
    const stores = this.tables.stores.flatMap((store) => this.store(store));
    prologue.push(...guarded(compare('==', tile, i32(0)), stores));
  }

  /** The ranks of this tile's rows, defined in `values`. */
  rank(tile: TileExpr, values: Values): void {
    const known = new Map<ValueId, TileExpr>();
    for (const value of this.context.section.values) {
      if (value.kind !== 'rank') continue;
      const found = known.get(value.counts!) ?? this.rankTile(value, this.firstRow(tile));
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

  private clear({ id, bins }: Count): void {
    const regions = [this.regions.get(id)!, this.before.get(id)].filter((region) => region !== undefined);
    this.context.prologue.push(
      ...this.spread(this.extent(bins), (index) => regions.map((region) => write(region, index, i32(0)))),
    );
  }

  /** Every thread takes each `threads`-th row of all: the indices of several first, so that their loads are in flight together. */
  private countRows(counts: readonly Count[], tile: TileExpr): Statement {
    const { context, threads } = this;
    const { names } = context;
    const [variable, step] = [names.fresh('counted'), names.fresh('step')];
    context.unrolled.add(step);
    const atOnce = COUNTED_AT_ONCE[context.kernel.schedule!.persistent ? 'many' : 'few'];
    const rows = rowCount(context.section);
    const row = arith('+', name(variable, 'i32'), arith('*', name(step, 'i32'), i32(threads)));
    const bins = counts.map(({ name: wanted }) => names.fresh(`r_${wanted ?? 'row'}_bins`));
    const load: Statement[] = [];
    const existing = context.bind('row_or_last', extreme('min', row, arith('-', rows, i32(1))), load);
    const place = this.at(this.rowPlace(counts[0]!.over, existing), load);
    const add: Statement[] = [];
    const first = this.firstRow(tile);
    counts.forEach(({ id, operand, bins: axis }, i) => {
      const own = at(name(step, 'i32'));
      load.push({ kind: 'store', to: bins[i]!, at: own, value: place.values.scalar(operand) });
      const index: TileExpr = { kind: 'element', of: bins[i]!, at: own, dtype: 'i32', width: 0 };
      const more = (to: string): Statement => ({ kind: 'shared-add', to, index, value: i32(1) });
      const before = this.before.get(id);
      const counted = all([inside(index, this.extent(axis)), compare('<', row, rows)]);
      add.push(
        ...guarded(counted, [
          more(this.regions.get(id)!),
          ...(before === undefined ? [] : guarded(compare('<', row, first), [more(before)])),
        ]),
      );
    });
    const unrolled = (body: readonly Statement[]): Statement => ({
      kind: 'unroll',
      variable: step,
      extent: atOnce,
      body,
    });
    const shape = [atOnce];
    const body: Statement[] = [
      ...bins.map((each): Statement => ({ kind: 'fragment', name: each, dtype: 'i32', shape })),
      unrolled(load),
      unrolled(add),
    ];
    const stride = i32(threads * atOnce);
    return { kind: 'loop', variable, begin: name('thread', 'i32'), end: rows, step: stride, unroll: 1, body };
  }

  private sum({ id, over, operand, name: wanted }: Scan): void {
    const region = this.allocate(this.regions, id, `s_${wanted ?? 'sums'}`, this.extent(over));
    sumBefore(this.context, region, this.extent(over), (index, out) =>
      this.at(new Map([[over, index]]), out).values.scalar(operand),
    );
  }

  private rankTile({ bins, counts, over, name: wanted }: Rank, firstRow: TileExpr): TileExpr {
    const table = { before: this.before.get(counts!)!, extent: this.extent(bins) };
    const { operand } = this.tables.values[counts!] as Count;
    return rankRows(this.context, wanted, table, firstRow, (row, out) =>
      this.at(this.rowPlace(over, row), out).values.scalar(operand),
    );
  }

  /** The statements of one store: a thread takes each `threads`-th element. */
  private store(store: Store): readonly Statement[] {
    const axes = new Set<Axis>([
      ...store.access.terms.flatMap((term) => (term.kind === 'axis' ? [term.axis] : [])),
      ...storeOperands(store).flatMap((id) => this.tables.values[id]!.axes),
    ]);
    const infos = this.tables.axes.filter(({ axis }) => axes.has(axis));
    const elements = infos.reduce((product, { extent }) => product * Number(extent), 1);
    return this.spread(elements, (index) => {
      const out: Statement[] = [];
      this.at(positionsOf(infos, index), out).stores.writePartial(store);
      return out;
    });
  }

  /** `body` for each index below `extent`, a thread taking each `threads`-th. */
  private spread(extent: number, body: (index: TileExpr) => readonly Statement[]): readonly Statement[] {
    const thread = name('thread', 'i32');
    if (extent <= this.threads)
      return guarded(extent === this.threads ? undefined : compare('<', thread, i32(extent)), body(thread));
    const variable = this.context.names.fresh('element');
    const [end, step] = [i32(extent), i32(this.threads)];
    const inner = body(name(variable, 'i32'));
    return [{ kind: 'loop', variable, begin: thread, end, step, unroll: 1, body: inner }];
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

  private firstRow(tile: TileExpr): TileExpr {
    return arith('*', tile, i32(this.context.section.schedule!.rowsPerCta));
  }

  private ranksOf(count: ValueId): readonly Value[] {
    return this.context.section.values.filter((value) => value.kind === 'rank' && value.counts === count);
  }

  private allocate(regions: Map<ValueId, string>, id: ValueId, wanted: string, elements: number): string {
    const region = this.context.names.fresh(wanted);
    this.context.shared.push({ name: region, dtype: 'i32', elements, align: 16 });
    regions.set(id, region);
    return region;
  }

  private extent(axis: Axis): number {
    return Number(this.tables.axes.find((info) => info.axis === axis)!.extent);
  }
}
