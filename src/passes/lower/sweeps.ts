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
  const last = Math.max(0, ...section.stores.map(storeStage));
  // Rows that are loaded again must not be overwritten before the last sweep has read them.
  const stageOfStore = (store: Store) => (residency === 'reload' ? last : storeStage(store));

  const kept = Array.from({ length: last + 1 }, () => new Set<ValueId>());
  const loads = new Set<ValueId>();
  for (const value of values) {
    if (value.kind === 'remap') kept[stage(value.operand)]!.add(value.operand);
  }
  const isKept = (id: ValueId) => kept[stage(id)]!.has(id);
  const result: Sweep[] = [];
  for (let s = last; s >= 0; s--) {
    const reductions = values.filter((value) => value.kind === 'reduce' && stage(value.operand) === s);
    const rangeReductions = values.filter(
      (value) => value.kind === 'range-reduce' && stage(value.id) - 1 === s,
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
      if (value.kind === 'reduce' || value.kind === 'range-reduce' || value.kind === 'remap') return;
      if (
        laneVarying(id) &&
        !rangeVarying(id) &&
        residency !== 'reload' &&
        stage(id) < s &&
        !isCheap(values, value, residency, isKept)
      ) {
        kept[stage(id)]!.add(id);
        return;
      }
      operands(value).forEach(visit);
    };
    [
      ...kept[s]!,
      ...reductions.flatMap((value) => operands(value)),
      ...rangeReductions.flatMap((value) => operands(value)),
      ...stores.flatMap(storeOperands),
    ].forEach(visit);
    result.unshift({
      kept: [...kept[s]!]
        .filter((id) => residency === 'shared' || values[id]!.kind !== 'load')
        .sort((a, b) => a - b),
      reductions: reductions.map((value) => value.id),
      rangeReductions: rangeReductions.map((value) => value.id),
      stores,
    });
  }
  return { sweeps: result, stageOf: stage, laneVarying, loads };
}

function stageOf(value: Value, stages: readonly number[]): number {
  const inputs = Math.max(0, ...operands(value).map((id) => stages[id]!));
  return value.kind === 'reduce' || value.kind === 'range-reduce' || value.kind === 'remap'
    ? inputs + 1
    : inputs;
}

/**
 * Cheaper to compute again than to keep: what is made of constants and positions, casts of loads whose fragments stay, and
 * one operation on such values or on values that are kept anyway.
 */
function isCheap(
  values: readonly Value[],
  value: Value,
  residency: Residency,
  isKept: (id: ValueId) => boolean,
): boolean {
  const atHand = (id: ValueId): boolean => {
    const operand = values[id]!;
    if (operand.kind === 'load') return residency === 'registers';
    if (operand.kind === 'cast') return isKept(id) || atHand(operand.operand);
    return isKept(id) || isFixed(values, operand);
  };
  if (isFixed(values, value)) return true;
  if (value.kind === 'load') return residency === 'registers';
  return value.kind === 'cast' || (value.kind === 'binary' && value.fn === '*')
    ? operands(value).every(atHand)
    : false;
}

/** Made of constants and positions alone. */
function isFixed(values: readonly Value[], value: Value): boolean {
  if (
    value.kind === 'load' ||
    value.kind === 'reduce' ||
    value.kind === 'range-reduce' ||
    value.kind === 'remap'
  )
    return false;
  return operands(value).every((id) => isFixed(values, values[id]!));
}
