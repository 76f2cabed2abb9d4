/**
 * A section's tables, in shared memory of each CTA: counts over all rows, sums along them, and the rank of each own row.
 *
 * Every CTA counts all rows itself, with atomic additions to shared memory, so that none waits for another: a second array
 * holds the counts of the rows before its own. Ranks follow from that and from the earlier rows of the CTA's tile, warp
 * after warp: lanes of a warp that have the same index are told apart by their masks. What is made of the tables is
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
import {
  all,
  arith,
  compare,
  guarded,
  i32,
  name,
  type Coordinate,
  type Statement,
  type TileExpr,
} from '../../ir/tile.js';
import { rowCount } from './expressions.js';
import { Fragments } from './fragments.js';
import { LaneGeometry } from './lane-geometry.js';
import type { Names } from './names.js';
import { positionsOf, type RowPlace } from './rows.js';
import { SectionContext } from './section-context.js';
import { Stores } from './stores.js';
import { Values, type TableSource } from './values.js';

const WARP = 32;
/** Rows whose indices a thread loads before it counts them. */
const COUNTED_AT_ONCE = 8;

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
    for (const value of this.tables.values) if (value.kind === 'scan') this.scan(value);
    const stores = this.tables.stores.flatMap((store) => this.store(store));
    prologue.push(...guarded(compare('==', tile, i32(0)), stores));
  }

  /** The ranks of this tile's rows, defined in `values`. */
  rank(tile: TileExpr, values: Values): void {
    const known = new Map<ValueId, TileExpr>();
    for (const value of this.context.section.values) {
      if (value.kind !== 'rank') continue;
      const found = known.get(value.counts!) ?? this.rankTile(value, tile);
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
    const inside = this.inside(index, extent);
    const safe = context.bind('at', choose(inside, index, i32(0)), out);
    const found = this.at(new Map([[axis, safe]]), out).values.scalar(place);
    return { ...choose(inside, found, i32(0)), dtype: found.dtype };
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
    const rows = rowCount(context.section);
    const row = arith('+', name(variable, 'i32'), arith('*', name(step, 'i32'), i32(threads)));
    const bins = counts.map(({ name: wanted }) => names.fresh(`r_${wanted ?? 'row'}_bins`));
    const load: Statement[] = [];
    const existing = context.bind('row_or_last', least(row, arith('-', rows, i32(1))), load);
    const place = this.at(this.rowPlace(counts[0]!.over, existing), load);
    const add: Statement[] = [];
    const first = this.firstRow(tile);
    counts.forEach(({ id, operand, bins: axis }, i) => {
      const own = at(name(step, 'i32'));
      load.push({ kind: 'store', to: bins[i]!, at: own, value: place.values.scalar(operand) });
      const index: TileExpr = { kind: 'element', of: bins[i]!, at: own, dtype: 'i32', width: 0 };
      const more = (to: string): Statement => ({ kind: 'shared-add', to, index, value: i32(1) });
      const before = this.before.get(id);
      const counted = all([this.inside(index, this.extent(axis)), compare('<', row, rows)]);
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
      extent: COUNTED_AT_ONCE,
      body,
    });
    const shape = [COUNTED_AT_ONCE];
    const body: Statement[] = [
      ...bins.map((each): Statement => ({ kind: 'fragment', name: each, dtype: 'i32', shape })),
      unrolled(load),
      unrolled(add),
    ];
    const stride = i32(threads * COUNTED_AT_ONCE);
    return { kind: 'loop', variable, begin: name('thread', 'i32'), end: rows, step: stride, unroll: 1, body };
  }

  /** Sums of what lies before each position: by warps, then over the warps; a round for each `threads` positions. */
  private scan({ id, over, operand, name: wanted }: Scan): void {
    const { context, threads } = this;
    const { names, prologue } = context;
    const extent = this.extent(over);
    const region = this.allocate(this.regions, id, `s_${wanted ?? 'sums'}`, extent);
    const warps = Math.ceil(Math.min(extent, threads) / WARP);
    const sums = names.fresh(`${region}_warps`);
    context.shared.push({ name: sums, dtype: 'i32', elements: warps, align: 16 });
    const thread = name('thread', 'i32');
    const warp = context.bind('warp', arith('/', thread, i32(WARP)), prologue);
    const rounds = Math.ceil(extent / threads);
    let done: TileExpr | undefined;
    for (let round = 0; round < rounds; round++) {
      const index = context.bind('position', arith('+', thread, i32(round * threads)), prologue);
      const guard = (round + 1) * threads <= extent ? undefined : compare('<', index, i32(extent));
      const own = fresh(names, 'own');
      const inner: Statement[] = [];
      const value = this.at(new Map([[over, index]]), inner).values.scalar(operand);
      inner.push({ kind: 'assign', name: own.name, value });
      prologue.push({ kind: 'let', name: own.name, value: i32(0) }, ...guarded(guard, inner));
      const upTo = context.bind(
        'up_to',
        { kind: 'warp-scan', operand: own, dtype: 'i32', width: 0 },
        prologue,
      );
      const last = all([
        compare('==', arith('%', thread, i32(WARP)), i32(WARP - 1)),
        ...(warps * WARP < threads ? [compare('<', warp, i32(warps))] : []),
      ]);
      prologue.push(...guarded(last, [write(sums, warp, upTo)]), { kind: 'barrier' });
      const base = fresh(names, 'base');
      const total = fresh(names, 'total');
      const variable = names.fresh('each_warp');
      const each = read(sums, name(variable, 'i32'));
      prologue.push(
        { kind: 'let', name: base.name, value: done ?? i32(0) },
        { kind: 'let', name: total.name, value: done ?? i32(0) },
        {
          kind: 'unroll',
          variable,
          extent: warps,
          body: [
            {
              kind: 'assign',
              name: base.name,
              value: arith('+', base, choose(compare('<', name(variable, 'i32'), warp), each, i32(0))),
            },
            { kind: 'assign', name: total.name, value: arith('+', total, each) },
          ],
        },
        ...guarded(guard, [write(region, index, arith('-', arith('+', base, upTo), own))]),
        { kind: 'barrier' },
      );
      done = total;
    }
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

  /** Leaves the rank of each row of a tile in shared memory, and gives that of this thread's row. */
  private rankTile({ bins, counts, over, name: wanted }: Rank, tile: TileExpr): TileExpr {
    const { context, threads } = this;
    const { names, row: out } = context;
    const { rowsPerCta, threadsPerRow } = context.section.schedule!;
    const count = this.tables.values[counts!] as Count;
    const before = this.before.get(counts!)!;
    const ranks = names.fresh(`s_${wanted ?? 'ranks'}`);
    context.shared.push({ name: ranks, dtype: 'i32', elements: rowsPerCta, align: 16 });
    const thread = name('thread', 'i32');
    const own = fresh(names, 'own_bin');
    // Thread r ranks row r of the tile.
    const counted = context.bind('own_row', arith('+', this.firstRow(tile), thread));
    const exists = all([
      ...(rowsPerCta < threads ? [compare('<', thread, i32(rowsPerCta))] : []),
      compare('<', counted, rowCount(context.section)),
    ]);
    const inner: Statement[] = [];
    const index = context.bind(
      'bin',
      this.at(this.rowPlace(over, counted), inner).values.scalar(count.operand),
      inner,
    );
    const assign: Statement = { kind: 'assign', name: own.name, value: index };
    inner.push(...guarded(this.inside(index, this.extent(bins)), [assign]));
    out.push({ kind: 'let', name: own.name, value: i32(-1) }, ...guarded(exists, inner));
    const peers = (which: 'below' | 'all'): TileExpr => ({
      kind: 'warp-peers',
      which,
      operand: own,
      dtype: 'i32',
      width: 0,
    });
    const below = context.bind('below', peers('below'));
    const warps = Math.ceil(rowsPerCta / WARP);
    const again = warps > 1 || context.kernel.schedule!.persistent !== undefined;
    const same = again ? context.bind('same', peers('all')) : undefined;
    const isCounted = compare('>=', own, i32(0));
    const found = arith('+', read(before, own), below);
    const rank = fresh(names, 'rank');
    const turn: readonly Statement[] = [
      { kind: 'let', name: rank.name, value: i32(0) },
      { kind: 'if', condition: isCounted, then: [{ kind: 'assign', name: rank.name, value: found }] },
      ...guarded(rowsPerCta % WARP === 0 ? undefined : compare('<', thread, i32(rowsPerCta)), [
        write(ranks, thread, rank),
      ]),
      ...(same
        ? [
            { kind: 'warp-barrier' } as const,
            ...guarded(all([isCounted, compare('==', below, i32(0))]), [
              write(before, own, arith('+', read(before, own), same)),
            ]),
          ]
        : []),
    ];
    const warp = arith('/', thread, i32(WARP));
    const variable = names.fresh('turn');
    const inTurn = (which: TileExpr): readonly Statement[] => [
      ...guarded(warps * WARP === threads && warps === 1 ? undefined : compare('==', warp, which), turn),
      { kind: 'barrier' },
    ];
    if (warps === 1) out.push(...inTurn(i32(0)));
    else {
      const [begin, end, step] = [i32(0), i32(warps), i32(1)];
      out.push({ kind: 'loop', variable, begin, end, step, unroll: 1, body: inTurn(name(variable, 'i32')) });
    }
    const group = threadsPerRow === 1 ? thread : arith('/', thread, i32(threadsPerRow));
    return context.bind(wanted ?? 'rank_of_row', read(ranks, rowsPerCta === 1 ? i32(0) : group));
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

  private inside(index: TileExpr, extent: number): TileExpr {
    return all([compare('>=', index, i32(0)), compare('<', index, i32(extent))])!;
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

/** A variable of the module. */
type Variable = TileExpr & { readonly kind: 'name' };

const fresh = (names: Names, wanted: string): Variable => ({
  kind: 'name',
  name: names.fresh(wanted),
  dtype: 'i32',
  width: 0,
});

const at = (index: TileExpr): readonly Coordinate[] => [{ kind: 'at', index }];

const read = (of: string, index: TileExpr): TileExpr => ({
  kind: 'element',
  of,
  at: at(index),
  dtype: 'i32',
  width: 0,
});

const write = (to: string, index: TileExpr, value: TileExpr): Statement => ({
  kind: 'store',
  to,
  at: at(index),
  value,
});

const least = (left: TileExpr, right: TileExpr): TileExpr => ({
  kind: 'binary',
  fn: 'min',
  left,
  right,
  dtype: 'i32',
  width: 0,
});

const choose = (condition: TileExpr, then: TileExpr, otherwise: TileExpr): TileExpr => ({
  kind: 'select',
  condition,
  then,
  otherwise,
  traced: false,
  dtype: then.dtype,
  width: 0,
});
