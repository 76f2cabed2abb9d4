/**
 * Swizzles: S<bits,base,shift> XORs one field of an index's bits onto another, so that rows which would meet in the
 * same shared-memory banks are spread over all of them.
 *
 *   index   ...YYY...ZZZ____      base   lowest bits that are kept, so 2^base neighbours stay neighbours
 *   result  ...YYY...AAA____      bits   length of both fields; AAA = ZZZ xor YYY
 *                                 shift  distance from ZZZ up to YYY; where it is negative YYY is the lower field
 *
 * Source of the definition: the CuTe documentation. A swizzle is its own inverse.
 */
import { atLeast, exact, floorDivide, layoutError } from './integer.js';

/** Make one with `makeSwizzle`, which checks it. */
export interface Swizzle {
  readonly bits: number;
  readonly base: number;
  readonly shift: number;
}

/** S<bits,base,shift>. @throws LAYOUT_INVALID for overlapping fields (|shift| < bits) or fields beyond bit 53. */
export function makeSwizzle(bits: number, base: number, shift: number): Swizzle {
  atLeast(0, bits, 'the bits of a swizzle');
  atLeast(0, base, 'the base of a swizzle');
  exact(shift, 'the shift of a swizzle');
  if (Math.abs(shift) < bits || bits + base + Math.abs(shift) > 53) {
    throw layoutError(
      'the fields of the swizzle are illegal',
      formatSwizzle({ bits, base, shift }),
      '|shift| >= bits, so that the fields are apart, and bits + base + |shift| <= 53',
      'choose a larger shift or fewer bits',
    );
  }
  return { bits, base, shift };
}

/** The swizzled index. @throws LAYOUT_INVALID for a negative index or a result beyond 2^53 - 1. */
export function applySwizzle({ bits, base, shift }: Swizzle, index: number): number {
  atLeast(0, index, 'an index');
  // Fields are taken by division: the bit operators of JS see 32 bits only, and a field has at most 26.
  const field = (low: number): number => floorDivide(index, 2 ** low) % 2 ** bits;
  const to = base + Math.max(0, -shift);
  const from = base + Math.max(0, shift);
  const change = (field(to) ^ field(from)) - field(to);
  return exact(index + change * 2 ** to, 'a swizzled index');
}

/** Indices in an aligned block of this many are permuted among themselves. */
export function swizzleBlock({ bits, base, shift }: Swizzle): number {
  return 2 ** (bits + base + Math.max(0, -shift));
}

/** `S<3,4,3>` */
export function formatSwizzle({ bits, base, shift }: Swizzle): string {
  return `S<${bits},${base},${shift}>`;
}
