/** Outputs of a launch against the reference. */

import { indexOf } from './layout.js';
import type { Output } from './launch.js';
import { spacing } from './reference/index.js';
import type { Failure, ReferenceOutput } from './types.js';
import { INFINITY, abs, max, nan } from './reference/numbers.js';

/** Below this a factor of a result may have been below the smallest normal f32, 2^-126. */
const NEAR_FLUSHED = 2 ** -100;

export interface Comparison {
  readonly failures: readonly Failure[];
  /** Largest distance from the reference, in units of the last place, over elements the reference is sure of. */
  readonly worstUlp: number;
  /** Elements that the formula writes, and how many of them the reference is sure of. */
  readonly written: number;
  readonly sure: number;
}

/**
 * An element is right where it lies within the reference's own bound of the reference (what f32 arithmetic can make of the
 * formula, and nothing where no rounding is in doubt) and within `tolerance` units of the last place of its dtype: 1,
 * unless the spec says more and why. Near the smallest normal f32, where an intermediate result may have been flushed to 0,
 * the bound alone decides.
 */
export function compareOutput(output: Output, reference: ReferenceOutput, tolerance: number): Comparison {
  const { tensor, layout, values, written, strayByte } = output;
  const failures: Failure[] = [];
  let worstUlp = 0;
  let wrong = 0;
  let count = 0;
  let unsure = 0;
  let first: Extract<Failure, { kind: 'value' }> | undefined;
  let unwritten: number | undefined;
  let overwritten: number | undefined;
  for (let i = 0; i < values.length; i++) {
    const expected = reference.values[i]!;
    const actual = values[i]!;
    if (reference.written[i] === 0) {
      // Memory that the kernel leaves alone keeps what it held.
      if (written[i] !== 0) overwritten ??= i;
      continue;
    }
    const bound = reference.error[i]!;
    count++;
    if (bound === INFINITY) unsure++;
    if (tensor.access === 'out' && written[i] === 0) {
      unwritten ??= i;
      continue;
    }
    if (Object.is(actual, expected) || actual === expected || (nan(actual) && nan(expected))) continue;
    if (bound === INFINITY) continue;
    const unit = spacing(expected, tensor.dtype);
    const distance = abs(actual - expected);
    if (distance <= bound && (distance <= tolerance * unit || abs(expected) < NEAR_FLUSHED)) {
      if (abs(expected) >= NEAR_FLUSHED) worstUlp = max(worstUlp, distance / unit);
      continue;
    }
    wrong++;
    const ulp = nan(distance) ? INFINITY : distance / unit;
    first ??= {
      kind: 'value',
      tensor: tensor.name,
      index: indexOf(i, layout.shape),
      actual,
      expected,
      ulp,
      wrong: 0,
      elements: 0,
    };
  }
  if (unwritten !== undefined)
    failures.push({ kind: 'unwritten', tensor: tensor.name, index: indexOf(unwritten, layout.shape) });
  if (overwritten !== undefined)
    failures.push({ kind: 'overwritten', tensor: tensor.name, index: indexOf(overwritten, layout.shape) });
  if (first) failures.push({ ...first, wrong, elements: values.length });
  if (strayByte !== undefined) failures.push({ kind: 'stray', tensor: tensor.name, byte: strayByte });
  return { failures, worstUlp, written: count, sure: count - unsure };
}
