/**
 * One section in formula form -> the statements of its row tile.
 *
 * Prologue: what does not depend on the row, such as weights. Row: its coordinates; scalars and fragments; then the
 * sweeps, each followed by the reductions and selections it feeds; stores where their sweep computes them. Scalars are emitted where
 * they are first needed.
 */

import type { Kernel, Section, SharedRegion, Store, Value, ValueId } from '../../ir/kernel.js';
import { arith, guarded, i32, name, type Statement, type TileExpr } from '../../ir/tile.js';
import { canonicalJson } from '../../util/hash.js';
import { Args } from './args.js';
import { Cuts } from './cuts.js';
import { LongSelections } from './long-selections.js';
import { Fragments } from './fragments.js';
import { LaneGeometry } from './lane-geometry.js';
import type { Names } from './names.js';
import { Reductions, type Accumulator } from './reductions.js';
import { RowElements } from './row-elements.js';
import { Rows } from './rows.js';
import { SectionContext, type Scope } from './section-context.js';
import { Selections, type Keys } from './selections.js';
import { isMadeOf, singleScope } from './single-element.js';
import { Stores } from './stores.js';
import type { Sweep } from './sweeps.js';
import { Tables } from './tables.js';
import { ownRows, type OwnTiles } from './table-warps.js';
import { Values } from './values.js';
import { WarpCuts } from './warp-cuts.js';

export interface Lowered {
  /** Independent of the row: a persistent grid runs it once. */
  readonly prologue: readonly Statement[];
  readonly body: readonly Statement[];
  readonly shared: readonly SharedRegion[];
}

/**
 * `tile` is the index of this CTA's (or cluster's) tile of rows, `tiles` are all those it has. Where rows are counted and it
 * has several, each warp has rows next to each other, and `tile` is the index of its 32.
 */
export function lowerSection(
  kernel: Kernel,
  section: Section,
  names: Names,
  tile: TileExpr,
  tiles: OwnTiles,
): Lowered {
  const context = new SectionContext(kernel, section, names);
  const own = section.tables && ownRows(context, tiles);
  const many = kernel.schedule!.persistent !== undefined;
  const row = own && many ? arith('+', own.begin, arith('*', tile, i32(own.stride))) : undefined;
  const rows = new Rows(context, tile, row);
  if (context.lanes.cluster > 1) {
    const comment = 'every CTA of the cluster runs: its shared memory may be written';
    context.prologue.push({ kind: 'cluster-barrier', comment });
  }
  const tables = own && new Tables(context, own);
  tables?.fill(tiles);
  const ranked = row ?? (own && arith('+', own.first, name('thread', 'i32')));
  lowerPart(context, rows, { rank: (values) => tables?.rank(ranked!, many, values), tables });
  return { prologue: context.prologue, body: context.row, shared: context.shared };
}

/** Steps next to each other of a walk that is taken only where a list does not hold what cuts leave: registers are short. */
const IN_PLACE_OF_LIST = 1;

/** Takes in the elements at one place of the lanes. */
type Taker = (scope: Scope) => void;

/** What a part hands to the next; the first is handed the section's tables. */
interface Handed {
  readonly before?: {
    readonly values: Values;
    readonly selections: Selections | LongSelections;
    readonly carries: readonly ValueId[];
  };
  readonly tables: Tables | undefined;
  /** Defines the ranks of the rows. */
  rank(values: Values): void;
}

/** The statements of one part, added to the context's lists, and those of the parts after it. */
function lowerPart(context: SectionContext, rows: Rows, handed: Handed): void {
  const { section } = context;
  const geometry = new LaneGeometry(context, rows.lane);
  const fragments = new Fragments(context);
  const values = new Values(context, rows, geometry, fragments, handed.tables);
  const stores = new Stores(context, rows, geometry, fragments, values);
  const reductions = new Reductions(context, geometry, fragments, values, rows);
  const args = new Args(context, geometry, fragments, values);
  const elements = new RowElements(context, geometry, fragments, values);
  const cuts = new Cuts(context, geometry, elements, values);
  const ends = section.schedule!.split ? cuts : new WarpCuts(context, geometry, fragments, values);
  const selections = new Selections(context, geometry, fragments, values);
  const long = section.schedule!.split ? new LongSelections(context, elements, cuts) : undefined;

  for (const value of section.values) if (value.kind === 'carried') adopt(value);
  if (!handed.before) handed.rank(values);
  if (context.residency === 'registers') values.loads.preload();
  for (const sweep of context.plan.sweeps) lowerSweep(sweep);
  cuts.end();
  if (section.then) {
    const next = new SectionContext(context.kernel, section.then, context.names, context);
    lowerPart(next, rows, {
      ...handed,
      before: { values, selections: long ?? selections, carries: section.carries! },
    });
  }

  function adopt({ id, place }: Value & { kind: 'carried' }): void {
    const { carries, selections: earlier, values: known } = handed.before!;
    const from = carries[place]!;
    const selected = earlier.result(from);
    if (selected) fragments.adopt(id, selected);
    else values.define(id, known.scalar(from));
  }

  function lowerSweep(sweep: Sweep): void {
    const finished: (() => void)[] = [];
    sweep.rangeReductions.forEach((id) => reductions.overRange(id));
    sweep.cuts.forEach((id) => ends.run(id));
    sweep.kept.forEach((id) => keep(id));
    const full = sweep.stores.filter((store) => stores.isFull(store));
    const accumulators = sweep.reductions.map((id) => reductions.begin(id));
    const short = long ? [] : sweep.selections;
    const keys = short.map((id) => selections.begin(id));
    const takers = [
      ...sweep.args.map((id): Taker => {
        const best = args.begin(id);
        finished.push(() => args.finish(id, best));
        return (scope) => args.accumulate(id, best, scope);
      }),
      ...(long ? sweep.selections : []).map((id): Taker => {
        long!.begin(id);
        finished.push(() => long!.finish(id));
        return (scope) => long!.accumulate(id, scope);
      }),
      ...sweep.coming.map((id): Taker => {
        ends.begin(id);
        return (scope) => ends.accumulate(id, scope);
      }),
    ];
    const { kept } = sweep;
    if (kept.length + accumulators.length + keys.length + takers.length + full.length > 0)
      walk(sweep, full, accumulators, keys, takers);
    finished.forEach((finish) => finish());
    reductions.finish(sweep.reductions, accumulators);
    short.forEach((id, i) => selections.finish(id, keys[i]!));
    sweep.stores.filter((store) => !full.includes(store)).forEach((store) => stores.writePartial(store));
  }

  function keep(id: number): void {
    const value = section.values[id]!;
    const wanted = value.name ?? (value.kind === 'load' ? value.access.tensor : 'v');
    if (context.residency === 'shared') fragments.inShared(id, wanted);
    else fragments.inRegisters(id, `r_${wanted}`, context.row);
  }

  /** One walk over the lanes of the row: fills fragments, accumulates, stores. */
  function walk(
    sweep: Sweep,
    full: readonly Store[],
    accumulators: readonly Accumulator[],
    keys: readonly Keys[],
    takers: readonly Taker[],
  ): void {
    const guards = full.map((store) => stores.guard(store));
    const onlyStores = sweep.kept.length + accumulators.length + keys.length + takers.length === 0;
    const onlyArgs =
      takers.length === sweep.args.length &&
      sweep.kept.length + accumulators.length + keys.length + full.length === 0;
    const extremes = sweep.reductions.every(
      (id, i) => typeof accumulators[i] === 'string' && isExtreme(section.values[id]!),
    );
    const again = extremes && sweep.kept.length + keys.length + full.length === 0;
    const common = onlyStores && guards.every((guard) => same(guard, guards[0]));
    // Views are made outside the loops.
    for (const store of full) if (!stores.isPlacedInLoop(store)) values.views.view(store.access);
    const all = context.lanes.tiles.map((_, i) => i);
    const visit = (tiles: readonly TileExpr[], out: Statement[]): void => {
      const scope: Scope = { tiles, out, memo: new Map(), filling: new Set(sweep.kept) };
      for (const id of sweep.kept) {
        const fragment = fragments.get(id)!;
        const at = fragments.coordinates(fragment, tiles);
        out.push({ kind: 'store', to: fragment.name, at, value: values.compute(id, scope) });
      }
      sweep.reductions.forEach((id, i) => reductions.accumulate(id, accumulators[i]!, scope));
      keys.forEach((each, i) => selections.accumulate(sweep.selections[i]!, each, scope));
      takers.forEach((take) => take(scope));
      full.forEach((store, i) => {
        if (common || !guards[i]) {
          stores.write(store, scope);
          return;
        }
        // What other stores need too is computed in front of the guard.
        values.vector(store.value, scope);
        const inner: Statement[] = [];
        stores.write(store, { ...scope, out: inner, memo: new Map(scope.memo) });
        out.push(...guarded(guards[i], inner));
      });
    };
    const listed = onlyArgs ? overSurvivors(sweep, takers) : undefined;
    const loops = geometry.overTiles(all, visit, { again, ...(listed && { together: IN_PLACE_OF_LIST }) });
    if (listed) context.row.push({ ...listed, otherwise: loops });
    else context.row.push(...guarded(common ? guards[0] : undefined, loops));
  }

  /** A walk over what the cuts leave, where the list of a CTA holds all of it. */
  function overSurvivors(
    { args: ids }: Sweep,
    takers: readonly Taker[],
  ): (Statement & { readonly kind: 'if' }) | undefined {
    const { survivors } = cuts;
    const conditions = ids.map((id) => args.condition(id));
    if (!survivors || !conditions.every((each) => each !== undefined && survivors.hold(each)))
      return undefined;
    const { operand } = survivors;
    const isKnown = isMadeOf(
      context,
      operand,
      ids.map((id) => args.operand(id)),
    );
    const walk = survivors.walk((element) => {
      const out: Statement[] = [];
      if (isKnown) {
        const scope = singleScope(context, values, operand, element, out);
        takers.forEach((take) => take(scope));
        return out;
      }
      return geometry.atPosition(element.position, (tiles) => {
        takers.forEach((take) => take({ tiles, out, memo: new Map(), unordered: true }));
        return out;
      });
    });
    return { kind: 'if', condition: survivors.listed, then: [walk] };
  }
}

/** Whether taking an element twice gives the same. */
const isExtreme = (value: Value): boolean =>
  value.kind === 'reduce' && (value.fn === 'max' || value.fn === 'min');

const same = (left: TileExpr | undefined, right: TileExpr | undefined): boolean =>
  left === right ||
  (left !== undefined && right !== undefined && canonicalJson(left) === canonicalJson(right));
