/** What the parts that lower one section share: its plan, its names and the lists of statements they write to. */

import type { Axis, Dtype } from '../../spec/index.js';
import type { Kernel, LaneLayout, Residency, Section, SharedRegion, ValueId } from '../../ir/kernel.js';
import { name, type Statement, type TileExpr } from '../../ir/tile.js';
import { operandsOf } from './expressions.js';
import type { Names } from './names.js';
import { planSweeps, type SweepPlan } from './sweeps.js';

/** Where an expression is being built: its coordinates, and the list that its own `let`s go to. */
export interface Scope {
  readonly tiles: readonly TileExpr[];
  readonly range?: { readonly axis: Axis; readonly position: TileExpr };
  readonly out: Statement[];
  readonly memo: Map<ValueId, TileExpr>;
  /** Kept values whose fragments this sweep fills: they are computed, not read. */
  readonly filling?: ReadonlySet<ValueId>;
  /** Loads have no condition, so that many are in flight: an index out of range reads element 0, which is taken out after. */
  readonly unguarded?: boolean;
  /** Elements come in any order, and some more than once. */
  readonly unordered?: boolean;
  /** The position of the one element that values are asked for: they are scalars. */
  readonly single?: TileExpr;
}

/** Gives the expression of a value; what loads and views need of the values that index them. */
export interface ValueSource {
  /** The same for every lane of the row. */
  scalar(id: ValueId): TileExpr;
  /** The same, bound where it is asked for first. */
  early(id: ValueId): TileExpr;
  /** At one place of the lanes: a vector where it varies over the contiguous axis. */
  compute(id: ValueId, scope: Scope, rangeScope?: Scope): TileExpr;
}

export class SectionContext {
  readonly lanes: LaneLayout;
  readonly plan: SweepPlan;
  readonly residency: Residency;
  /** Statements that do not depend on the row: a persistent grid runs them once. */
  readonly prologue: Statement[];
  /** Statements at the level of the row. */
  readonly row: Statement[];
  readonly shared: SharedRegion[];
  /** How many values read each. */
  readonly uses = new Map<ValueId, number>();
  /** Variables of loops that are unrolled while the module is traced. */
  readonly unrolled = new Set<string>();

  constructor(
    readonly kernel: Kernel,
    readonly section: Section,
    readonly names: Names,
    /** Lists that are there already: what follows is added to them. */
    before?: Pick<SectionContext, 'prologue' | 'row' | 'shared'>,
  ) {
    this.prologue = before?.prologue ?? [];
    this.row = before?.row ?? [];
    this.shared = before?.shared ?? [];
    this.lanes = section.lanes!;
    this.residency = kernel.schedule!.residency;
    this.plan = planSweeps(section, this.residency);
    for (const value of section.values) {
      for (const id of operandsOf(value)) this.uses.set(id, (this.uses.get(id) ?? 0) + 1);
    }
  }

  bind(wanted: string, value: TileExpr, out: Statement[] = this.row): TileExpr {
    const fresh = this.names.fresh(wanted);
    out.push({ kind: 'let', name: fresh, value });
    return name(fresh, value.dtype, value.width);
  }

  /** The lane axis that vectors lie along. */
  get vectorAxis(): Axis | undefined {
    return this.lanes.axes[0]?.axis;
  }

  isVector(id: ValueId): boolean {
    return this.vectorAxis !== undefined && this.section.values[id]!.axes.includes(this.vectorAxis);
  }

  isLane(axis: Axis): boolean {
    return this.lanes.axes.some((entry) => entry.axis === axis);
  }

  /** Whether a value varies along the lanes, and only over positions that a thread walks: it is one number for each of its tiles. */
  isPerTile(id: ValueId): boolean {
    const lanes = this.section.values[id]!.axes.filter((axis) => this.isLane(axis));
    const walked = (axis: Axis) =>
      this.section.axes.some((info) => info.axis === axis && info.walked === true);
    return lanes.length > 0 && lanes.every(walked);
  }

  /** Tile modes of the lane layout that a value varies over. */
  tileModes(id: ValueId): readonly number[] {
    return this.tilesOf(this.section.values[id]!.axes);
  }

  tilesOf(axes: readonly Axis[]): readonly number[] {
    return this.lanes.tiles.flatMap((tile, i) => (axes.includes(tile.axis) ? [i] : []));
  }
}

/** Registers of a thread, or its own part of a shared region, that hold a value's lanes. */
export interface Fragment {
  readonly name: string;
  readonly dtype: Dtype;
  readonly hasVector: boolean;
  readonly tiles: readonly number[];
  readonly storage: 'registers' | 'shared';
}
