/**
 * One section in formula form -> the statements of its row tile.
 *
 * Order: row coordinates; weights; scalars and fragments of the row; then the sweeps, each followed by the reductions it
 * feeds; stores where their sweep computes them. Scalars are emitted where they are first needed.
 */

import type { Axis, Dtype } from '../../spec/index.js';
import type {
  Access,
  Bound,
  Kernel,
  LaneLayout,
  ReduceFn,
  Residency,
  Section,
  SharedRegion,
  Store,
  Stride,
  Value,
  ValueId,
} from '../../ir/kernel.js';
import {
  all,
  arith,
  compare,
  guarded,
  i32,
  literal,
  name,
  wide,
  type Coordinate,
  type Storage,
  type Statement,
  type TileExpr,
} from '../../ir/tile.js';
import { makeLayout } from '../../layout/index.js';
import { tensorOf } from '../choose-vector.js';
import { unsupported } from '../unsupported.js';
import { dtypeBytes } from '../../ir/dtype.js';
import { laneView, type LaneView } from './access.js';
import { asBool, castTo, isTraced, operandsOf, rowCount } from './expressions.js';
import { identity, reduceAcrossThreads } from './reduce.js';
import { planSweeps, type Sweep, type SweepPlan } from './sweeps.js';
import type { Names } from './names.js';

/** Where an expression is being built: its coordinates, and the list that its own `let`s go to. */
interface Scope {
  readonly tiles: readonly TileExpr[];
  readonly range?: { readonly axis: Axis; readonly position: TileExpr };
  readonly out: Statement[];
  readonly memo: Map<ValueId, TileExpr>;
  /** Kept values whose fragments this sweep fills: they are computed, not read. */
  readonly filling?: ReadonlySet<ValueId>;
}

interface Fragment {
  readonly name: string;
  readonly dtype: Dtype;
  readonly hasVector: boolean;
  readonly tiles: readonly number[];
  readonly storage: Storage;
}

export interface Lowered {
  readonly body: readonly Statement[];
  readonly shared: readonly SharedRegion[];
}

export class SectionLowerer {
  private readonly lanes: LaneLayout;
  private readonly plan: SweepPlan;
  private readonly residency: Residency;
  /** Statements at the level of the row. */
  private readonly out: Statement[] = [];
  private readonly shared: SharedRegion[] = [];
  private readonly scalars = new Map<ValueId, TileExpr>();
  private readonly positions = new Map<Axis, TileExpr>();
  private readonly fragments = new Map<ValueId, Fragment>();
  private readonly views = new Map<string, { name: string; view: LaneView | undefined }>();
  private readonly uses = new Map<ValueId, number>();
  /** Variables of loops that are unrolled while the module is traced. */
  private readonly unrolled = new Set<string>();
  /** Loop variable of each tile mode. */
  private readonly tileNames: readonly string[];
  private readonly lane: TileExpr;
  private readonly valid: TileExpr | undefined;

  constructor(
    private readonly kernel: Kernel,
    private readonly section: Section,
    private readonly names: Names,
    /** Index of this tile of rows. */
    tile: TileExpr,
  ) {
    this.lanes = section.lanes!;
    this.residency = kernel.schedule!.residency;
    this.plan = planSweeps(section, this.residency);
    this.tileNames = this.lanes.tiles.map(({ axis }) =>
      names.fresh(this.lanes.tiles.length === 1 ? 'tile' : `tile_${axis}`),
    );
    this.countUses();
    const { threadsPerRow, rowsPerCta } = section.schedule!;
    const thread = name('thread', 'i32');
    this.lane =
      rowsPerCta === 1
        ? thread
        : threadsPerRow === 1
          ? i32(0)
          : this.bind('lane', arith('%', thread, i32(threadsPerRow)));
    const group = arith('/', thread, i32(threadsPerRow));
    const row = this.bindRow(rowsPerCta === 1 ? tile : arith('+', arith('*', tile, i32(rowsPerCta)), group));
    this.valid = this.rowGuard(row);
  }

  lower(): Lowered {
    if (this.residency === 'reload' && this.section.values.some((value) => value.kind === 'remap')) {
      throw unsupported(
        this.section,
        'an index map along a row that is too long to be kept',
        'a shorter row',
      );
    }
    if (this.lanes.cluster > 1)
      this.out.push({
        kind: 'cluster-barrier',
        comment: 'every CTA of the cluster runs: its shared memory may be written',
      });
    if (this.residency === 'registers') this.loadFragments();
    this.plan.sweeps.forEach((sweep) => this.sweep(sweep));
    return { body: this.out, shared: this.shared };
  }

  // ------------------------------------------------------------------- rows

  private bindRow(value: TileExpr): TileExpr {
    const rows = this.section.axes.filter((info) => info.role === 'row');
    const row = value.kind === 'name' ? value : this.bind('row', value);
    let rest = row;
    [...rows].reverse().forEach(({ axis, extent }, i) => {
      const last = i === rows.length - 1;
      const size: TileExpr = extent === 'dynamic' ? name(axis, 'i32') : i32(extent);
      this.positions.set(axis, last ? rest : arith('%', rest, size));
      if (!last) rest = arith('/', rest, size);
    });
    return row;
  }

  /** Position along a row axis, bound to a name at its first use. */
  private rowPosition(axis: Axis): TileExpr {
    const position = this.positions.get(axis)!;
    if (position.kind === 'name' || position.kind === 'literal') return position;
    const bound = this.bind(`${axis}_index`, position);
    this.positions.set(axis, bound);
    return bound;
  }

  /** Whether this thread's row exists; undefined where it always does. */
  private rowGuard(row: TileExpr): TileExpr | undefined {
    const { rowsPerCta } = this.section.schedule!;
    if (rowsPerCta === 1) return undefined;
    const total = rowCount(this.section);
    if (total.kind === 'literal' && Number(total.value) % rowsPerCta === 0) return undefined;
    return this.bind('valid', compare('<', row, total));
  }

  private bind(wanted: string, value: TileExpr, out: Statement[] = this.out): TileExpr {
    const fresh = this.names.fresh(wanted);
    out.push({ kind: 'let', name: fresh, value });
    return name(fresh, value.dtype, value.width);
  }

  // ------------------------------------------------------------------ loads

  /** Loads every lane-varying input of the row into fragments, weights first. */
  private loadFragments(): void {
    const loads = [...this.plan.loads].map((id) => this.load(id));
    const early = loads.filter((load) => this.isEarly(load));
    const direct = loads.filter((load) => this.plan.stageOf(load.id) === 0 && !early.includes(load));
    [...early, ...direct].forEach((load) => this.loadFragment(load));
  }

  private load(id: ValueId): Value & { kind: 'load' } {
    const value = this.section.values[id]!;
    if (value.kind !== 'load') throw new Error(`value ${id} is no load`);
    return value;
  }

  /** Model parameters whose place does not depend on data: what a previous kernel writes does not reach them. */
  private isEarly(load: Value & { kind: 'load' }): boolean {
    return (
      tensorOf(this.kernel, load.access.tensor).weight &&
      load.access.terms.every((term) => term.kind !== 'value')
    );
  }

  private loadFragment(load: Value & { kind: 'load' }): void {
    const { name: view, view: lanes } = this.view(load.access);
    const condition = this.accessGuard(load.access);
    const guardedLoad = condition !== undefined || this.hasTail(lanes!);
    const fragment = this.newFragment(
      load.id,
      `r_${load.access.tensor}`,
      load.dtype,
      lanes!.hasVector,
      lanes!.tiles,
      guardedLoad ? 0 : undefined,
    );
    const body = this.overTiles(lanes!.tiles, (tiles, out) => {
      const at = this.viewCoordinates(lanes!, tiles);
      const element: TileExpr = {
        kind: 'element',
        of: view,
        at,
        dtype: load.dtype,
        width: lanes!.hasVector ? this.lanes.vector : 0,
      };
      const store: Statement = {
        kind: 'store',
        to: fragment.name,
        at: this.fragmentCoordinates(fragment, tiles),
        value: element,
      };
      out.push(...guarded(this.tailGuard(lanes!, tiles), [store]));
    });
    this.out.push(...guarded(condition, body));
  }

  private newFragment(
    id: ValueId,
    wanted: string,
    dtype: Dtype,
    hasVector: boolean,
    tiles: readonly number[],
    fill?: number,
  ): Fragment {
    const fragment: Fragment = {
      name: this.names.fresh(wanted),
      dtype,
      hasVector,
      tiles,
      storage: 'registers',
    };
    const shape = [
      ...(hasVector ? [this.lanes.vector] : []),
      ...tiles.map((i) => this.lanes.tiles[i]!.extent),
    ];
    this.out.push({
      kind: 'fragment',
      name: fragment.name,
      dtype,
      shape: shape.length === 0 ? [1] : shape,
      ...(fill !== undefined && { fill }),
    });
    this.fragments.set(id, fragment);
    return fragment;
  }

  /** Shared memory of this thread alone, written and read by it: no barrier is needed. Vectors of a warp lie side by side. */
  private sharedFragment(id: ValueId, wanted: string, dtype: Dtype): void {
    const { threads } = this.kernel.schedule!;
    const hasVector = this.isVector(id);
    const tiles = this.tileModes(id);
    const width = hasVector ? this.lanes.vector : 1;
    const extents = tiles.map((i) => this.lanes.tiles[i]!.extent);
    const region = this.names.fresh(`s_${wanted}`);
    const fragment: Fragment = {
      name: this.names.fresh(`s_${wanted}_own`),
      dtype,
      hasVector,
      tiles,
      storage: 'shared',
    };
    const elements = threads * width * extents.reduce((product, extent) => product * extent, 1);
    this.shared.push({ name: region, dtype, elements, align: 16 });
    let step = threads * width;
    const steps = extents.map((extent) => {
      const own = step;
      step *= extent;
      return own;
    });
    const vector = hasVector ? { shape: [width], stride: [1] } : { shape: [], stride: [] };
    this.out.push({
      kind: 'shared-fragment',
      name: fragment.name,
      region,
      layout: makeLayout([threads, ...vector.shape, ...extents], [width, ...vector.stride, ...steps]),
    });
    this.fragments.set(id, fragment);
  }

  private fragmentCoordinates(fragment: Fragment, tiles: readonly TileExpr[]): readonly Coordinate[] {
    const at = fragment.tiles.map((i): Coordinate => ({ kind: 'at', index: tiles[i]! }));
    if (fragment.storage === 'shared') {
      return [
        { kind: 'at', index: name('thread', 'i32') },
        ...(fragment.hasVector ? [{ kind: 'vector' } as const] : []),
        ...at,
      ];
    }
    if (fragment.hasVector) return [{ kind: 'vector' }, ...at];
    return at.length === 0 ? [{ kind: 'at', index: i32(0) }] : at;
  }

  private viewCoordinates(view: LaneView, tiles: readonly TileExpr[]): readonly Coordinate[] {
    return [
      { kind: 'at', index: this.lane },
      ...(view.hasVector ? [{ kind: 'vector' } as const] : []),
      ...view.tiles.map((i): Coordinate => ({ kind: 'at', index: tiles[i]! })),
    ];
  }

  /** The view of an access, made once a row. */
  private view(access: Access, scope?: Scope): { name: string; view: LaneView | undefined } {
    const ranged =
      scope?.range && access.terms.some((term) => term.kind === 'axis' && term.axis === scope.range!.axis);
    const key = JSON.stringify([access.tensor, access.terms]);
    const known = ranged ? undefined : this.views.get(key);
    if (known) return known;
    const view = laneView(this.section, this.lanes, access);
    const tensor = tensorOf(this.kernel, access.tensor);
    const offset = this.offset(access, scope);
    const made = { name: this.names.fresh(`g_${access.tensor}`), view };
    const unit = Math.max(1, tensor.align / dtypeBytes(tensor.dtype));
    const statement: Statement = {
      kind: 'view',
      name: made.name,
      tensor: access.tensor,
      dtype: tensor.dtype,
      ...(offset && { offset }),
      multipleOf: view?.hasVector ? unit : 1,
      layout: view?.layout ?? { shape: 1, stride: 1 },
      shape: `(${tensor.shape.join(', ')}) ${tensor.dtype}`,
    };
    (ranged ? scope!.out : this.out).push(statement);
    if (!ranged) this.views.set(key, made);
    return made;
  }

  /** Offset of lane 0 of the row, as i64; undefined for 0. */
  private offset(access: Access, scope?: Scope): TileExpr | undefined {
    const laneAxes = new Set(this.lanes.axes.map(({ axis }) => axis));
    const parts: TileExpr[] = [];
    for (const term of access.terms) {
      if (term.kind === 'axis' && laneAxes.has(term.axis)) {
        const shift = this.clusterShift(term.axis);
        if (shift) parts.push(arith('*', wide(shift), this.strideExpr(term.stride)));
        continue;
      }
      const position =
        term.kind === 'constant'
          ? literal(1, 'i64')
          : term.kind === 'value'
            ? this.scalar(term.value)
            : term.axis === scope?.range?.axis
              ? scope.range.position
              : this.rowPosition(term.axis);
      parts.push(arith('*', wide(position), this.strideExpr(term.stride)));
    }
    return parts.length === 0 ? undefined : parts.reduce((sum, part) => arith('+', sum, part));
  }

  private strideExpr(step: Stride): TileExpr {
    return step.symbols.reduce<TileExpr>(
      (product, symbol) => {
        const scalar = this.kernel.scalars.find((entry) => entry.name === symbol)!;
        return arith('*', product, wide(name(symbol, scalar.dtype)));
      },
      literal(step.factor, 'i64'),
    );
  }

  /** First position of this CTA's part of a lane axis that a cluster shares. */
  private clusterShift(axis: Axis): TileExpr | undefined {
    const shared = this.lanes.tiles.at(-1);
    if (this.lanes.cluster === 1 || shared?.axis !== axis) return undefined;
    return arith('*', { kind: 'cluster-rank', dtype: 'i32', width: 0 }, i32(shared.extent * shared.step));
  }

  private accessGuard(access: Access): TileExpr | undefined {
    const laneAxes = new Set(this.lanes.axes.map(({ axis }) => axis));
    // What does not depend on the row may be read for rows that do not exist.
    const byRow = access.terms.some(
      (term) => term.kind === 'value' || (term.kind === 'axis' && !laneAxes.has(term.axis)),
    );
    return all([
      ...(this.valid && byRow ? [this.valid] : []),
      ...access.bounds.flatMap((bound) => this.boundGuard(bound)),
    ]);
  }

  private boundGuard(bound: Bound): readonly TileExpr[] {
    const index = wide(this.scalar(bound.value));
    const extent =
      typeof bound.extent === 'number' ? literal(bound.extent, 'i64') : wide(name(bound.extent, 'i32'));
    return [compare('>=', index, literal(0, 'i64')), compare('<', index, extent)];
  }

  private hasTail(view: LaneView): boolean {
    return this.lanes.tail && view.hasVector;
  }

  /** Whether the vector at these tiles starts inside the row. */
  private tailGuard(view: LaneView, tiles: readonly TileExpr[]): TileExpr | undefined {
    if (!this.hasTail(view)) return undefined;
    const first = this.lanes.axes[0]!;
    return compare('<', this.laneStart(first.axis, tiles), i32(first.extent));
  }

  /** Position of a thread's first element along a lane axis. */
  private laneStart(axis: Axis, tiles: readonly TileExpr[]): TileExpr {
    let before = 1;
    for (const entry of this.lanes.axes) {
      if (entry.axis === axis) break;
      before *= entry.extent;
    }
    const extent = this.lanes.axes.find((entry) => entry.axis === axis)!.extent;
    const parts: TileExpr[] = [];
    const shift = this.clusterShift(axis);
    if (shift) parts.push(shift);
    let stride = 1;
    const shape = [this.lanes.layout.shape].flat()[0]!;
    const strides = [this.lanes.layout.stride].flat()[0]!;
    const shapes = [shape].flat(2) as number[];
    const steps = [strides].flat(2) as number[];
    shapes.forEach((count, i) => {
      const step = steps[i]!;
      const within = count === 1 || step === 0 ? false : step >= before && step < before * extent;
      const last = i === shapes.length - 1;
      if (within) {
        const lane = arith('/', this.lane, i32(stride));
        parts.push(arith('*', last ? lane : arith('%', lane, i32(count)), i32(step / before)));
      }
      stride *= count;
    });
    this.lanes.tiles.forEach((tile, i) => {
      if (tile.axis === axis) parts.push(arith('*', tiles[i]!, i32(tile.step)));
    });
    return parts.reduce((sum, part) => arith('+', sum, part), i32(0));
  }

  /** Nested loops over some tile modes, slowest outermost. */
  private overTiles(
    modes: readonly number[],
    body: (tiles: readonly TileExpr[], out: Statement[]) => void,
  ): readonly Statement[] {
    const variables = this.lanes.tiles.map((_, i) =>
      modes.includes(i) ? name(this.tileNames[i]!, 'i32') : i32(0),
    );
    const dynamicMode =
      this.residency === 'registers'
        ? undefined
        : modes.filter((mode) => this.lanes.tiles[mode]!.extent > 4).at(-1);
    for (const mode of modes) {
      const variable = variables[mode]!;
      if (mode !== dynamicMode && variable.kind === 'name') this.unrolled.add(variable.name);
    }
    const innermost: Statement[] = [];
    body(variables, innermost);
    return modes.reduce<readonly Statement[]>((inner, mode) => {
      const variable = variables[mode]!;
      if (variable.kind !== 'name') throw new Error('a tile variable is a name');
      const extent = this.lanes.tiles[mode]!.extent;
      return mode === dynamicMode
        ? [
            {
              kind: 'loop',
              variable: variable.name,
              begin: i32(0),
              end: i32(extent),
              step: i32(1),
              unroll: 2,
              body: inner,
            },
          ]
        : [{ kind: 'unroll', variable: variable.name, extent, body: inner }];
    }, innermost);
  }

  // ----------------------------------------------------------------- sweeps

  private sweep(sweep: Sweep): void {
    sweep.rangeReductions.forEach((id) => this.rangeReduce(id));
    for (const id of sweep.kept) {
      const value = this.section.values[id]!;
      const wanted = value.name ?? (value.kind === 'load' ? value.access.tensor : 'v');
      if (this.residency === 'shared') this.sharedFragment(id, wanted, value.dtype);
      else this.newFragment(id, `r_${wanted}`, value.dtype, this.isVector(id), this.tileModes(id));
    }
    const stores = sweep.stores.filter((store) => this.isFull(store));
    const work = sweep.kept.length + sweep.reductions.length + stores.length;
    const accumulators = sweep.reductions.map((id) => this.accumulator(id));
    if (work > 0) {
      const guards = stores.map((store) => this.storeGuard(store));
      const shared =
        stores.length === work &&
        guards.every((guard) => JSON.stringify(guard) === JSON.stringify(guards[0]));
      const views = stores.map((store) => this.view(store.access));
      const loops = this.overTiles(
        this.lanes.tiles.map((_, i) => i),
        (tiles, out) => {
          const scope: Scope = { ...this.scope(tiles, out), filling: new Set(sweep.kept) };
          for (const id of sweep.kept) {
            const fragment = this.fragments.get(id)!;
            out.push({
              kind: 'store',
              to: fragment.name,
              at: this.fragmentCoordinates(fragment, tiles),
              value: this.compute(id, scope),
            });
          }
          sweep.reductions.forEach((id, i) => this.accumulate(id, accumulators[i]!, scope));
          stores.forEach((store, i) => {
            const { name: to, view } = views[i]!;
            const write: Statement = {
              kind: 'store',
              to,
              at: this.viewCoordinates(view!, tiles),
              value: this.vectorOf(store.value, scope),
              span: store.span,
            };
            const condition = all([
              ...(shared || !guards[i] ? [] : [guards[i]!]),
              ...[this.tailGuard(view!, tiles)].filter((guard) => guard !== undefined),
            ]);
            out.push(...guarded(condition, [write]));
          });
        },
      );
      this.out.push(...guarded(shared ? guards[0] : undefined, loops));
    }
    sweep.reductions.forEach((id, i) => this.finishReduction(id, accumulators[i]!));
    sweep.stores.filter((store) => !this.isFull(store)).forEach((store) => this.partialStore(store));
  }

  private scope(tiles: readonly TileExpr[], out: Statement[]): Scope {
    return { tiles, out, memo: new Map() };
  }

  /** A store that every lane takes part in, in the common loops. */
  private isFull(store: Store): boolean {
    const view = laneView(this.section, this.lanes, store.access);
    return view !== undefined && view.hasVector && view.tiles.length === this.lanes.tiles.length;
  }

  private storeGuard(store: Store): TileExpr | undefined {
    if (store.where !== undefined && this.plan.laneVarying(store.where)) {
      throw unsupported(
        this.section,
        'a write whose condition varies along the row',
        'a condition that holds for the whole row, or select()',
        store.span,
      );
    }
    const view = laneView(this.section, this.lanes, store.access);
    const where = store.where === undefined ? [] : [this.scalar(store.where)];
    const guard = all([
      ...(this.valid ? [this.valid] : []),
      ...store.access.bounds.flatMap((bound) => this.boundGuard(bound)),
    ]);
    const idle = view
      ? view.idleThreads.map(({ stride, extent }) => {
          const lane = arith('/', this.lane, i32(stride));
          return compare(
            '==',
            stride * extent === this.lanes.threads ? lane : arith('%', lane, i32(extent)),
            i32(0),
          );
        })
      : this.lanes.threads === 1
        ? []
        : [compare('==', this.lane, i32(0))];
    const clustered =
      this.lanes.cluster > 1 &&
      !store.access.terms.some((term) => term.kind === 'axis' && term.axis === this.lanes.tiles.at(-1)?.axis);
    const rank = clustered ? [compare('==', { kind: 'cluster-rank', dtype: 'i32', width: 0 }, i32(0))] : [];
    return all([...(guard ? [guard] : []), ...where, ...idle, ...rank]);
  }

  /** A store of a value that varies over few lanes or none: one thread of those that share an element writes it. */
  private partialStore(store: Store): void {
    const guard = this.storeGuard(store);
    const { name: to, view } = this.view(store.access);
    if (!view) {
      const value = this.scalar(store.value);
      this.out.push(
        ...guarded(guard, [
          { kind: 'store', to, at: [{ kind: 'at', index: i32(0) }], value, span: store.span },
        ]),
      );
      return;
    }
    const body = this.overTiles(view.tiles, (tiles, out) => {
      const scope = this.scope(tiles, out);
      const value = view.hasVector ? this.vectorOf(store.value, scope) : this.compute(store.value, scope);
      out.push(
        ...guarded(this.tailGuard(view, tiles), [
          { kind: 'store', to, at: this.viewCoordinates(view, tiles), value, span: store.span },
        ]),
      );
    });
    this.out.push(...guarded(guard, body));
  }

  // ------------------------------------------------------------- reductions

  private accumulator(id: ValueId): Fragment | string {
    const value = this.section.values[id]!;
    if (value.kind !== 'reduce') throw new Error(`value ${id} is no reduction`);
    const wanted = value.name ?? value.fn;
    const hasVector = this.isVector(id);
    const tiles = this.tileModes(id);
    if (hasVector || tiles.length > 0)
      return this.newFragment(id, `r_${wanted}`, value.dtype, hasVector, tiles, identity(value.fn));
    const fresh = this.names.fresh(wanted);
    this.out.push({
      kind: 'let',
      name: fresh,
      value: literal(identity(value.fn), value.dtype),
      span: value.span,
    });
    return fresh;
  }

  private accumulate(id: ValueId, into: Fragment | string, scope: Scope): void {
    const value = this.section.values[id] as Value & { kind: 'reduce' };
    const operand = this.compute(value.operand, scope);
    const current: TileExpr =
      typeof into === 'string'
        ? name(into, value.dtype)
        : {
            kind: 'element',
            of: into.name,
            at: this.fragmentCoordinates(into, scope.tiles),
            dtype: value.dtype,
            width: into.hasVector ? this.lanes.vector : 0,
          };
    const foldsVector = operand.width > 0 && current.width === 0;
    const next: TileExpr = foldsVector
      ? { kind: 'fold', fn: value.fn, operand, initial: current, dtype: value.dtype, width: 0 }
      : {
          kind: 'combine',
          fn: value.fn,
          left: current,
          right: operand,
          dtype: value.dtype,
          width: current.width,
        };
    const update: Statement =
      typeof into === 'string'
        ? { kind: 'assign', name: into, value: next, span: value.span }
        : {
            kind: 'store',
            to: into.name,
            at: this.fragmentCoordinates(into, scope.tiles),
            value: next,
            span: value.span,
          };
    const first = this.lanes.axes[0]!.axis;
    const tail =
      this.lanes.tail && value.over.includes(first)
        ? compare('<', this.laneStart(first, scope.tiles), i32(this.lanes.axes[0]!.extent))
        : undefined;
    scope.out.push(...guarded(tail, [update]));
  }

  private finishReduction(id: ValueId, into: Fragment | string): void {
    const value = this.section.values[id] as Value & { kind: 'reduce' };
    const group = this.reducedThreads(value.over, value.fn);
    const context = {
      names: this.names,
      threads: this.kernel.schedule!.threads,
      rowsPerCta: this.section.schedule!.rowsPerCta,
      cluster: this.lanes.cluster,
      shared: this.shared,
    };
    if (typeof into === 'string') {
      reduceAcrossThreads(context, value.fn, into, group, this.out);
      this.scalars.set(id, name(into, value.dtype));
      return;
    }
    if (group.threads === 1) return;
    if (into.hasVector || group.threads * group.stride > 32) {
      throw unsupported(
        this.section,
        `a reduction across warps that leaves ${value.axes.join(', ')} along the row`,
        'a reduction of the whole row, or of blocks within a warp',
        value.span,
      );
    }
    this.out.push(
      ...this.overTiles(into.tiles, (tiles, out) => {
        const at = this.fragmentCoordinates(into, tiles);
        const operand: TileExpr = { kind: 'element', of: into.name, at, dtype: value.dtype, width: 0 };
        out.push({
          kind: 'store',
          to: into.name,
          at,
          value: {
            kind: 'warp-reduce',
            fn: value.fn,
            operand,
            threads: group.threads,
            stride: group.stride,
            dtype: value.dtype,
            width: 0,
          },
        });
      }),
    );
  }

  /** The run of threads that a reduction combines: `threads` of them, `stride` apart. */
  private reducedThreads(over: readonly Axis[], fn: ReduceFn): { threads: number; stride: number } {
    const shapes = [[this.lanes.layout.shape].flat()[0]!].flat(2) as number[];
    const steps = [[this.lanes.layout.stride].flat()[0]!].flat(2) as number[];
    let position = 1;
    let first: number | undefined;
    let end = 1;
    const starts = this.lanes.axes.map(({ axis, extent }) => {
      const start = position;
      position *= extent;
      return { axis, start, end: position };
    });
    let stride = 1;
    shapes.forEach((count, i) => {
      const axis = starts.find((entry) => steps[i]! >= entry.start && steps[i]! < entry.end)?.axis;
      if (count > 1 && axis !== undefined && over.includes(axis)) {
        if (first !== undefined && end !== stride) {
          throw unsupported(
            this.section,
            `a ${fn} over ${over.join(', ')}, whose threads are not neighbours`,
            'a reduction over neighbouring lanes',
          );
        }
        first ??= stride;
        end = stride * count;
      }
      stride *= count;
    });
    return first === undefined ? { threads: 1, stride: 1 } : { threads: end / first, stride: first };
  }

  private rangeReduce(id: ValueId): void {
    const value = this.section.values[id] as Value & { kind: 'range-reduce' };
    const hasVector = this.isVector(id);
    const tiles = this.tileModes(id);
    const accumulator = this.newFragment(
      id,
      `r_${value.name ?? value.fn}`,
      value.dtype,
      hasVector,
      tiles,
      identity(value.fn),
    );
    // The ends lie within a dimension, which is an i32.
    const [begin, end] = [value.begin, value.end].map((id) => castTo(this.scalar(id), 'i32')) as [
      TileExpr,
      TileExpr,
    ];
    const variable = this.names.fresh(`${value.over}_index`);
    const body: Statement[] = [];
    const range = { axis: value.over, position: name(variable, begin.dtype) };
    const heads: Statement[] = body;
    const inner = this.overTiles(tiles, (coordinates, out) => {
      const scope: Scope = { tiles: coordinates, range, out, memo: new Map() };
      const rangeScope = { ...scope, out: heads };
      const operand = this.compute(value.operand, scope, rangeScope);
      const at = this.fragmentCoordinates(accumulator, coordinates);
      const current: TileExpr = {
        kind: 'element',
        of: accumulator.name,
        at,
        dtype: value.dtype,
        width: hasVector ? this.lanes.vector : 0,
      };
      const next: TileExpr = {
        kind: 'combine',
        fn: value.fn,
        left: current,
        right: operand,
        dtype: value.dtype,
        width: current.width,
      };
      out.push({ kind: 'store', to: accumulator.name, at, value: next, span: value.span });
    });
    body.push(...inner);
    this.out.push({
      kind: 'loop',
      variable,
      begin,
      end,
      step: literal(1, begin.dtype),
      unroll: this.rangeUnroll(hasVector, tiles),
      body,
    });
  }

  /** Positions of a range taken at once: as many as keep 32 elements in flight a thread. */
  private rangeUnroll(hasVector: boolean, tiles: readonly number[]): number {
    const elements = tiles.reduce(
      (product, i) => product * this.lanes.tiles[i]!.extent,
      hasVector ? this.lanes.vector : 1,
    );
    return Math.max(1, Math.min(4, Math.floor(32 / elements)));
  }

  // ------------------------------------------------------------ expressions

  private isVector(id: ValueId): boolean {
    const first = this.lanes.axes[0]?.axis;
    return first !== undefined && this.section.values[id]!.axes.includes(first);
  }

  private tileModes(id: ValueId): readonly number[] {
    const { axes } = this.section.values[id]!;
    return this.lanes.tiles.flatMap((tile, i) => (axes.includes(tile.axis) ? [i] : []));
  }

  private countUses(): void {
    for (const value of this.section.values) {
      for (const id of operandsOf(value)) this.uses.set(id, (this.uses.get(id) ?? 0) + 1);
    }
  }

  /** A value that is the same for every lane of the row, bound at the level of the row at its first use. */
  private scalar(id: ValueId): TileExpr {
    const known = this.scalars.get(id);
    if (known) return known;
    const value = this.section.values[id]!;
    const expr = this.scalarExpr(value);
    const trivial = expr.kind === 'literal' || expr.kind === 'name';
    const bound =
      trivial || (value.name === undefined && (this.uses.get(id) ?? 0) <= 1)
        ? expr
        : this.bind(value.name ?? 't', expr);
    this.scalars.set(id, bound);
    return bound;
  }

  /** As `scalar`, but always a name or a literal, so that loops over lanes do not repeat the work in the text. */
  private rowScalar(id: ValueId): TileExpr {
    const expr = this.scalar(id);
    if (expr.kind === 'literal' || expr.kind === 'name') return expr;
    const value = this.section.values[id]!;
    const bound = this.bind(value.kind === 'unary' ? value.fn : 't', expr);
    this.scalars.set(id, bound);
    return bound;
  }

  private scalarExpr(value: Value): TileExpr {
    if (value.kind === 'position') return castTo(this.rowPosition(value.axis), value.dtype);
    if (value.kind === 'load') {
      const condition = this.accessGuard(value.access);
      const { name: view } = this.view(value.access);
      const element: TileExpr = {
        kind: 'element',
        of: view,
        at: [{ kind: 'at', index: i32(0) }],
        dtype: value.dtype,
        width: 0,
      };
      if (!condition) return asBool(element);
      const fresh = this.names.fresh(value.name ?? value.access.tensor);
      const stored = value.dtype === 'bool' ? 'u8' : value.dtype;
      this.out.push(
        { kind: 'let', name: fresh, value: literal(0, stored) },
        ...guarded(condition, [{ kind: 'assign', name: fresh, value: { ...element, dtype: stored } }]),
      );
      return value.dtype === 'bool'
        ? compare('!=', name(fresh, 'u8'), literal(0, 'u8'))
        : name(fresh, value.dtype);
    }
    return this.operation(value, (id) => this.scalar(id));
  }

  /** A value at one place of the lanes; a vector where it varies over the contiguous axis. */
  private compute(id: ValueId, scope: Scope, rangeScope?: Scope): TileExpr {
    const value = this.section.values[id]!;
    const ranged = scope.range !== undefined && value.axes.includes(scope.range.axis);
    if (!this.plan.laneVarying(id) && !ranged) return this.rowScalar(id);
    // A reduction whose result lies in one register a thread, such as that of a thread's only block.
    const single = value.kind === 'reduce' ? this.scalars.get(id) : undefined;
    if (single) return single;
    const known = scope.memo.get(id);
    if (known) return known;
    const fragment = this.fragments.get(id);
    if (fragment && !scope.filling?.has(id)) return this.fragmentElement(fragment, scope.tiles);
    const expr = this.laneExpr(value, scope, rangeScope);
    const shared = (this.uses.get(id) ?? 0) > 1 || value.name !== undefined;
    const trivial = expr.kind === 'literal' || expr.kind === 'name' || expr.kind === 'element';
    const bound = shared && !trivial ? this.bind(value.name ?? 't', expr, scope.out) : expr;
    scope.memo.set(id, bound);
    return bound;
  }

  private fragmentElement(fragment: Fragment, tiles: readonly TileExpr[]): TileExpr {
    return asBool({
      kind: 'element',
      of: fragment.name,
      at: this.fragmentCoordinates(fragment, tiles),
      dtype: fragment.dtype,
      width: fragment.hasVector ? this.lanes.vector : 0,
    });
  }

  private laneExpr(value: Value, scope: Scope, rangeScope?: Scope): TileExpr {
    switch (value.kind) {
      case 'position':
        return this.lanePosition(value, scope);
      case 'load':
        return this.directLoad(value, scope, rangeScope);
      case 'remap': {
        const tiles = this.lanes.tiles.map((tile, i) => {
          const at = scope.tiles[i]!;
          if (tile.axis !== value.axis) return at;
          const scaled = arith('*', at, i32(Math.abs(value.scale)));
          return value.scale < 0
            ? arith('-', i32(value.offset), scaled)
            : arith('+', scaled, i32(value.offset));
        });
        const fragment = this.fragments.get(value.operand);
        if (!fragment) throw new Error(`value ${value.operand} has no fragment`);
        return this.fragmentElement(fragment, tiles);
      }
      default:
        return this.operation(value, (id) => this.compute(id, scope, rangeScope));
    }
  }

  private lanePosition(value: Value & { kind: 'position' }, scope: Scope): TileExpr {
    if (value.axis === scope.range?.axis) return castTo(scope.range.position, value.dtype);
    const start = castTo(this.laneStart(value.axis, scope.tiles), value.dtype);
    if (value.axis !== this.lanes.axes[0]?.axis) return start;
    const width = this.lanes.vector;
    return arith(
      '+',
      { kind: 'iota', dtype: value.dtype, width },
      { kind: 'splat', operand: start, dtype: value.dtype, width },
    );
  }

  private directLoad(value: Value & { kind: 'load' }, scope: Scope, rangeScope?: Scope): TileExpr {
    if (value.access.terms.some((term) => term.kind === 'value' && this.plan.laneVarying(term.value))) {
      throw unsupported(
        this.section,
        `a gather from ${value.access.tensor} whose index varies along the row`,
        'an index that is the same for the whole row',
        value.span,
      );
    }
    const { name: view, view: lanes } = this.view(value.access, rangeScope ?? scope);
    if (!lanes)
      return asBool({
        kind: 'element',
        of: view,
        at: [{ kind: 'at', index: i32(0) }],
        dtype: value.dtype,
        width: 0,
      });
    const width = lanes.hasVector ? this.lanes.vector : 0;
    const element: TileExpr = {
      kind: 'element',
      of: view,
      at: this.viewCoordinates(lanes, scope.tiles),
      dtype: value.dtype,
      width,
    };
    const condition = all(
      [...[this.accessGuard(value.access)], ...[this.tailGuard(lanes, scope.tiles)]].filter(
        (guard) => guard !== undefined,
      ),
    );
    if (!condition) return asBool(element);
    const fragment = this.names.fresh(`r_${value.access.tensor}`);
    const at: readonly Coordinate[] = [width > 0 ? { kind: 'vector' } : { kind: 'at', index: i32(0) }];
    scope.out.push(
      { kind: 'fragment', name: fragment, dtype: value.dtype, shape: [Math.max(1, width)], fill: 0 },
      ...guarded(condition, [{ kind: 'store', to: fragment, at, value: element }]),
    );
    return asBool({ kind: 'element', of: fragment, at, dtype: value.dtype, width });
  }

  /** `value` as the vector that a store of full width needs. */
  private vectorOf(id: ValueId, scope: Scope): TileExpr {
    const expr = this.compute(id, scope);
    return expr.width > 0
      ? expr
      : { kind: 'splat', operand: expr, dtype: expr.dtype, width: this.lanes.vector };
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
        return {
          kind: 'select',
          condition,
          then,
          otherwise,
          traced: isTraced(condition, this.unrolled),
          dtype,
          width,
        };
      }
      case 'cast': {
        const inner = operand(value.operand);
        return {
          kind: 'cast',
          operand: inner,
          rounding: value.rounding,
          saturate: value.saturate,
          dtype,
          width: inner.width,
        };
      }
      default:
        throw unsupported(
          this.section,
          `a ${value.kind} here`,
          'a reduction that is computed before it is used',
          value.span,
        );
    }
  }
}
