/**
 * Orders a section's lane work in sweeps.
 *
 * A sweep is one walk over the lanes of a row. A value that needs a reduction's result belongs to a later sweep than
 * the reduction's operand; a value read at another position (`remap`) belongs to a later sweep than its operand. What a
 * later sweep needs of an earlier one is kept in a fragment, unless the residency is `reload`: then it is computed again.
 */

import {
  operands,
  storeOperands,
  type Residency,
  type Section,
  type Store,
  type Value,
  type ValueId,
} from '../../ir/kernel.js';

export interface Sweep {
  /** Values whose element is written to a fragment. */
  readonly kept: readonly ValueId[];
  readonly reductions: readonly ValueId[];
  readonly rangeReductions: readonly ValueId[];
  readonly selections: readonly ValueId[];
  readonly args: readonly ValueId[];
  /** Cuts that walk the row before this sweep does. */
  readonly cuts: readonly ValueId[];
  /** Cuts of a later sweep whose elements this one computes first. */
  readonly coming: readonly ValueId[];
  readonly stores: readonly Store[];
}

export interface SweepPlan {
  readonly sweeps: readonly Sweep[];
  readonly stageOf: (id: ValueId) => number;
  readonly laneVarying: (id: ValueId) => boolean;
  /** Loads that some sweep reads, by id. */
  readonly loads: ReadonlySet<ValueId>;
}

export function planSweeps(section: Section, residency: Residency): SweepPlan {
  const { values } = section;
  const lanes = new Set(section.axes.filter((info) => info.role === 'lane').map((info) => info.axis));
  const ranges = new Set(section.axes.filter((info) => info.role === 'range').map((info) => info.axis));
  const laneVarying = (id: ValueId) => values[id]!.axes.some((axis) => lanes.has(axis));
  const rangeVarying = (id: ValueId) => values[id]!.axes.some((axis) => ranges.has(axis));
  const stages: number[] = [];
  for (const value of values) stages.push(stageOf(value, stages));
  const stage = (id: ValueId) => stages[id]!;

  const storeStage = (store: Store) => Math.max(...storeOperands(store).map(stage));
  const carried = (section.carries ?? []).map((id) => stage(id) - 1);
  const last = Math.max(0, ...carried, ...section.stores.map(storeStage));
  // Rows that are loaded again must not be overwritten before the last sweep has read them.
  const stageOfStore = (store: Store) => (residency === 'reload' ? last : storeStage(store));

  const kept = Array.from({ length: last + 1 }, () => new Set<ValueId>());
  const loads = new Set<ValueId>();
  for (const value of values) {
    if (value.kind === 'remap') kept[stage(value.operand)]!.add(value.operand);
  }
  const sweepsOf = consumingSweeps(section, stage, stageOfStore);
  // A load is at hand where its fragment stays in registers, or where one sweep alone reads it.
  const atHand = (id: ValueId) => residency === 'registers' || (sweepsOf.get(id)?.size ?? 0) <= 1;
  const isKept = (id: ValueId) => kept[stage(id)]!.has(id);
  const result: Sweep[] = [];
  for (let s = last; s >= 0; s--) {
    const reductions = values.filter((value) => value.kind === 'reduce' && stage(value.operand) === s);
    const rangeReductions = values.filter(
      (value) => value.kind === 'range-reduce' && stage(value.id) - 1 === s,
    );
    const selections = values.filter((value) => value.kind === 'top' && stage(value.id) - 1 === s);
    const args = values.filter((value) => value.kind === 'arg' && stage(value.operand) === s);
    const cuts = values.filter((value) => value.kind === 'cut' && stage(value.id) === s);
    const coming = values.filter(
      (value) => value.kind === 'cut' && value.weight === undefined && stage(value.operand) === s,
    );
    const stores = section.stores.filter((store) => stageOfStore(store) === s);
    const seen = new Set<ValueId>();
    const visit = (id: ValueId): void => {
      const value = values[id]!;
      if (seen.has(id)) return;
      seen.add(id);
      if (value.kind === 'load' && residency !== 'shared') {
        if (laneVarying(id) && !rangeVarying(id)) loads.add(id);
        operands(value).forEach(visit);
        return;
      }
      if (isResult(value) || value.kind === 'cut-end') return;
      if (
        laneVarying(id) &&
        !rangeVarying(id) &&
        residency !== 'reload' &&
        stage(id) < s &&
        !isCheap(values, value, atHand, isKept, residency === 'registers')
      ) {
        // Of a cast of a load the load is kept: it is no wider.
        const inner = value.kind === 'cast' ? values[value.operand]! : value;
        kept[stage(id)]!.add(residency === 'shared' && inner.kind === 'load' ? inner.id : id);
        return;
      }
      operands(value).forEach(visit);
    };
    [
      ...kept[s]!,
      ...reductions.flatMap((value) => operands(value)),
      ...rangeReductions.flatMap((value) => operands(value)),
      ...[...selections, ...args, ...cuts].flatMap((value) => operands(value)),
      ...coming.flatMap((value) => (value.kind === 'cut' ? [value.operand] : [])),
      ...stores.flatMap(storeOperands),
    ].forEach(visit);
    result.unshift({
      kept: [...kept[s]!]
        .filter((id) => residency === 'shared' || values[id]!.kind !== 'load')
        .sort((a, b) => a - b),
      reductions: reductions.map((value) => value.id),
      rangeReductions: rangeReductions.map((value) => value.id),
      selections: selections.map((value) => value.id),
      args: args.map((value) => value.id),
      cuts: cuts.map((value) => value.id),
      coming: coming.map((value) => value.id),
      stores,
    });
  }
  return { sweeps: result, stageOf: stage, laneVarying, loads };
}

/** How often a plan walks the lanes of a row. */
export const walksOf = ({ sweeps }: SweepPlan): number =>
  sweeps.filter(({ kept, reductions, rangeReductions, selections, args, cuts, coming }) =>
    [kept, reductions, rangeReductions, selections, args, cuts, coming].some(({ length }) => length > 0),
  ).length;

function stageOf(value: Value, stages: readonly number[]): number {
  const inputs = Math.max(0, ...operands(value).map((id) => stages[id]!));
  return isResult(value) ? inputs + 1 : inputs;
}

/** What a later sweep finds, made by an earlier one as a whole. */
const isResult = (value: Value): value is Result =>
  value.kind === 'reduce' ||
  value.kind === 'range-reduce' ||
  value.kind === 'remap' ||
  value.kind === 'top' ||
  value.kind === 'arg' ||
  value.kind === 'cut';

type Result = Value & {
  readonly kind: 'reduce' | 'range-reduce' | 'remap' | 'top' | 'arg' | 'cut';
};

/** The sweeps that read each load. */
function consumingSweeps(
  section: Section,
  stage: (id: ValueId) => number,
  stageOfStore: (store: Store) => number,
): ReadonlyMap<ValueId, ReadonlySet<number>> {
  const sweeps = new Map<ValueId, Set<number>>();
  const visit = (id: ValueId, sweep: number): void => {
    const value = section.values[id]!;
    if (isResult(value)) return;
    if (value.kind === 'load') sweeps.set(id, (sweeps.get(id) ?? new Set()).add(sweep));
    operands(value).forEach((operand) => visit(operand, sweep));
  };
  for (const value of section.values) {
    if (isResult(value)) {
      const sweep =
        value.kind === 'cut'
          ? stage(value.id)
          : value.kind === 'top'
            ? stage(value.id) - 1
            : stage(value.operand);
      operands(value).forEach((id) => visit(id, sweep));
    }
  }
  for (const store of section.stores) storeOperands(store).forEach((id) => visit(id, stageOfStore(store)));
  return sweeps;
}

/**
 * Cheaper to compute again than to keep: what is made of constants and positions, loads at hand and their casts, and
 * one product of such values or of values that are kept anyway.
 */
function isCheap(
  values: readonly Value[],
  value: Value,
  atHand: (load: ValueId) => boolean,
  isKept: (id: ValueId) => boolean,
  inRegisters: boolean,
): boolean {
  const available = (id: ValueId): boolean => {
    const operand = values[id]!;
    if (isKept(id) || isFixed(values, operand)) return true;
    if (operand.kind === 'carried') return true;
    if (operand.kind === 'load') return atHand(id);
    return operand.kind === 'cast' && available(operand.operand);
  };
  if (value.kind === 'binary' && value.fn === '*') return operands(value).every(available);
  return available(value.id) || (!inRegisters && isReadHere(values, value, atHand));
}

/** Made of loads that no other sweep reads, and of constants: computed where it is used. */
function isReadHere(values: readonly Value[], value: Value, atHand: (load: ValueId) => boolean): boolean {
  if (isResult(value)) return false;
  if (value.kind === 'load') return atHand(value.id) && operands(value).length === 0;
  return operands(value).every((id) => isReadHere(values, values[id]!, atHand));
}

/** Made of constants and positions alone. */
function isFixed(values: readonly Value[], value: Value): boolean {
  if (value.kind === 'load' || value.kind === 'carried' || isResult(value)) return false;
  return operands(value).every((id) => isFixed(values, values[id]!));
}
