/**
 * Exact integers: every size, stride and offset of the algebra is a JS number that holds its value exactly.
 *
 * A result beyond 2^53 - 1 is an error, never a rounded value. Products and sums of exact operands are checked after
 * the fact: a true result within the range is always representable, so a rounded one is always out of range.
 */
import { RoseError } from '../util/errors.js';

/** The error of every undefined operation of the algebra, code `LAYOUT_INVALID`. */
export function layoutError(message: string, actual: string, expected: string, next: string): RoseError {
  return new RoseError({ code: 'LAYOUT_INVALID', message, actual, expected, next });
}

/** `value` itself. @throws LAYOUT_INVALID where it is no integer that a number holds exactly. */
export function exact(value: number, what: string): number {
  if (Number.isSafeInteger(value)) return value;
  throw layoutError(
    `${what} is not an exact integer`,
    String(value),
    `an integer of at most ${Number.MAX_SAFE_INTEGER}`,
    'use smaller extents and strides',
  );
}

/** `value` itself. @throws LAYOUT_INVALID where it is no exact integer of at least `least`. */
export function atLeast(least: number, value: number, what: string): number {
  if (exact(value, what) >= least) return value;
  throw layoutError(
    `${what} is too small`,
    String(value),
    `an integer of at least ${least}`,
    'correct the value',
  );
}

/** a * b. @throws LAYOUT_INVALID beyond 2^53 - 1. */
export function multiply(a: number, b: number): number {
  const result = a * b;
  return Number.isSafeInteger(result) ? result : exact(result, `${a} * ${b}`);
}

/** a + b. @throws LAYOUT_INVALID beyond 2^53 - 1. */
export function add(a: number, b: number): number {
  const result = a + b;
  return Number.isSafeInteger(result) ? result : exact(result, `${a} + ${b}`);
}

/** Smallest integer not below a / b, for a >= 0 and b >= 1; exact over the whole range. */
export const ceilDivide = (a: number, b: number): number => floorDivide(a, b) + (a % b ? 1 : 0);

/** Largest integer not above a / b, for a >= 0 and b >= 1; exact over the whole range. */
export const floorDivide = (a: number, b: number): number => (a - (a % b)) / b;

/** Greatest common divisor of two integers >= 0; gcd(0, b) = b. */
export function gcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
