/**
 * Nested integer tuples, the carrier of shapes, strides and coordinates: `(4,(2,2))` is `[4, [2, 2]]`.
 *
 * A number and a tuple of one number are different things, `4` and `(4)`: the first has depth 0, the second depth 1.
 */
import { layoutError, multiply } from './integer.js';

/** A number, or a tuple of nested tuples. */
export type IntTuple = Nested<number>;

/** A leaf, or a tuple of nested tuples of leaves. */
export type Nested<T> = T | readonly Nested<T>[];

/** Whether `tuple` is a tuple, rather than a leaf. */
export function isTuple<T>(tuple: Nested<T>): tuple is readonly Nested<T>[] {
  return Array.isArray(tuple);
}

/** Number of top-level modes; a leaf has one. */
export function rank<T>(tuple: Nested<T>): number {
  return isTuple(tuple) ? tuple.length : 1;
}

/** Levels of nesting; a leaf has none, a flat tuple one. */
export function depth<T>(tuple: Nested<T>): number {
  return isTuple(tuple) ? 1 + Math.max(0, ...tuple.map(depth)) : 0;
}

/** The leaves from left to right. */
export function flatten<T>(tuple: Nested<T>): T[] {
  return isTuple(tuple) ? tuple.flatMap((part) => flatten(part)) : [tuple];
}

/** `leaves` in the nesting of `profile`, the inverse of `flatten`; needs as many leaves as the profile has. */
export function unflatten<T>(leaves: readonly T[], profile: Nested<unknown>): Nested<T> {
  let next = 0;
  return mapLeaves(profile, () => leaves[next++]!);
}

/** The tuple of the same nesting whose leaves are `map` of its leaves, visited from left to right. */
export function mapLeaves<S, T>(tuple: Nested<S>, map: (leaf: S) => T): Nested<T> {
  return isTuple(tuple) ? tuple.map((part) => mapLeaves(part, map)) : map(tuple);
}

/** Product of all leaves: the size of a shape. @throws LAYOUT_INVALID beyond 2^53 - 1. */
export function product(tuple: IntTuple): number {
  return flatten(tuple).reduce(multiply, 1);
}

/** Whether both have the same nesting. */
export function congruent(a: Nested<unknown>, b: Nested<unknown>): boolean {
  if (!isTuple(a) || !isTuple(b)) return !isTuple(a) && !isTuple(b);
  return a.length === b.length && a.every((part, i) => congruent(part, b[i]));
}

/** Whether both have the same nesting and the same leaves. */
export function equalTuples<T>(a: Nested<T>, b: Nested<T>): boolean {
  const leaves = flatten(b);
  return congruent(a, b) && flatten(a).every((leaf, i) => leaf === leaves[i]);
}

/** Whether the sizes are equal and every coordinate into `coarse` is one into `fine`: 24 is compatible with (4,6). */
export function compatible(coarse: IntTuple, fine: IntTuple): boolean {
  if (!isTuple(coarse)) return coarse === product(fine);
  if (!isTuple(fine) || coarse.length !== fine.length) return false;
  return coarse.every((part, i) => compatible(part, fine[i]!));
}

/** `(4,(2,2))`; a leaf prints as itself, `null` as `_`. */
export function formatTuple(tuple: Nested<number | null>): string {
  return isTuple(tuple) ? `(${tuple.map(formatTuple).join(',')})` : String(tuple ?? '_');
}

/** @throws LAYOUT_INVALID where the nestings differ; `what` names the two. */
export function requireCongruent(a: Nested<number | null>, b: Nested<number | null>, what: string): void {
  if (congruent(a, b)) return;
  throw layoutError(
    `${what} differ in nesting`,
    `${formatTuple(a)} and ${formatTuple(b)}`,
    'the same parentheses in both',
    'give both the same nesting',
  );
}
