/**
 * 64-bit integers in two words: words in, words out, since a function that returns a double and is not inlined allocates.
 *
 * What has two result words returns the low one and leaves the high one in `HI[0]`.
 */

export const HI = new Int32Array(1);

// A BigInt is never chosen between two of them here: V8 of Node 20 ends the process when it optimises such a choice.

export function unsigned(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}

export function signedBig(lo: number, hi: number): bigint {
  return BigInt.asIntN(64, unsigned(lo, hi));
}

export function small(value: bigint): number {
  HI[0] = Number(BigInt.asIntN(32, value >> 32n));
  return Number(BigInt.asIntN(32, value));
}

/** High word of the 64-bit product of two unsigned words. */
export function mulhiU(a: number, b: number): number {
  const al = a & 0xffff;
  const ah = a >>> 16;
  const bl = b & 0xffff;
  const bh = b >>> 16;
  const low = Math.imul(al, bl) >>> 0;
  const middle = (Math.imul(ah, bl) >>> 0) + (low >>> 16);
  const other = (Math.imul(al, bh) >>> 0) + (middle % 65536);
  return (Math.imul(ah, bh) + Math.floor(middle / 65536) + Math.floor(other / 65536)) | 0;
}

export function mulhiS(a: number, b: number): number {
  return (mulhiU(a, b) - (a < 0 ? b : 0) - (b < 0 ? a : 0)) | 0;
}

export function mul64(al: number, ah: number, bl: number, bh: number): number {
  HI[0] = mulhiU(al, bl) + Math.imul(al, bh) + Math.imul(ah, bl);
  return Math.imul(al, bl);
}

export function shl64(lo: number, hi: number, by: number): number {
  const n = by >>> 0;
  if (n === 0) HI[0] = hi;
  else if (n < 32) {
    HI[0] = (hi << n) | (lo >>> (32 - n));
    return lo << n;
  } else {
    HI[0] = n < 64 ? lo << (n - 32) : 0;
    return 0;
  }
  return lo;
}

export function shr64(lo: number, hi: number, by: number, signed: number): number {
  const n = by >>> 0;
  const fill = signed && hi < 0 ? -1 : 0;
  if (n === 0) {
    HI[0] = hi;
    return lo;
  }
  if (n < 32) {
    HI[0] = signed ? hi >> n : hi >>> n;
    return (lo >>> n) | (hi << (32 - n));
  }
  HI[0] = fill;
  if (n >= 64) return fill;
  return signed ? hi >> (n - 32) : hi >>> (n - 32);
}

type WideOperation = 'div' | 'rem' | 'mulhi' | 'min' | 'max';

export function wide(
  op: WideOperation,
  signed: number,
  al: number,
  ah: number,
  bl: number,
  bh: number,
): number {
  if (op === 'min' || op === 'max') {
    const first = (less64(al, ah, bl, bh, signed) ? 'min' : 'max') === op;
    HI[0] = first ? ah : bh;
    return first ? al : bl;
  }
  return signed === 1
    ? quotient(op, signedBig(al, ah), signedBig(bl, bh))
    : quotient(op, unsigned(al, ah), unsigned(bl, bh));
}

export function less64(al: number, ah: number, bl: number, bh: number, signed: number): boolean {
  if (ah !== bh) return signed === 1 ? ah < bh : ah >>> 0 < bh >>> 0;
  return al >>> 0 < bl >>> 0;
}

/** What PTX leaves open, a division by zero, gives all ones and leaves the dividend. */
export function quotient(op: 'div' | 'rem' | 'mulhi', a: bigint, b: bigint): number {
  if (op === 'mulhi') return small((a * b) >> 64n);
  if (b === 0n) return op === 'div' ? small(-1n) : small(a);
  return op === 'div' ? small(a / b) : small(a % b);
}

/** The low word; the high one goes to `HI`. */
export function words(lo: number, hi: number): number {
  HI[0] = hi;
  return lo;
}
