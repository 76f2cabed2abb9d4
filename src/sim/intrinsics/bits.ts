/** Logic, permutations, bit fields and small dot products on 32-bit words. */

/** A logic function of three words by its truth table. */
export function lop3(a: number, b: number, c: number, table: number): number {
  let result = 0;
  for (let row = 0; row < 8; row++) {
    if ((table >> row) & 1) result |= (row & 4 ? a : ~a) & (row & 2 ? b : ~b) & (row & 1 ? c : ~c);
  }
  return result;
}

/** Byte permute: each selector nibble picks a byte of {b, a}, or its sign spread over eight bits. */
export function prmt(a: number, b: number, selector: number): number {
  let result = 0;
  for (let n = 0; n < 4; n++) {
    const nibble = (selector >>> (4 * n)) & 0xf;
    const source = nibble & 4 ? b : a;
    let byte = (source >>> (8 * (nibble & 3))) & 0xff;
    if (nibble & 8) byte = byte & 0x80 ? 0xff : 0;
    result |= byte << (8 * n);
  }
  return result;
}

const PRMT_MODES: Readonly<Record<string, readonly number[]>> = {
  f4e: [0x3210, 0x4321, 0x5432, 0x6543],
  b4e: [0x5670, 0x6701, 0x7012, 0x0123],
  rc8: [0x0000, 0x1111, 0x2222, 0x3333],
  ecl: [0x3210, 0x3211, 0x3222, 0x3333],
  ecr: [0x0000, 0x1110, 0x2210, 0x3210],
  rc16: [0x1010, 0x3232, 0x1010, 0x3232],
};

export function prmtMode(mode: string, a: number, b: number, c: number): number {
  return prmt(a, b, PRMT_MODES[mode]![c & 3]!);
}

export function bfe(a: number, position: number, length: number, signed: number): number {
  const pos = position & 0xff;
  const len = length & 0xff;
  if (len === 0) return 0;
  const signBit = pos + len - 1 > 31 ? a >>> 31 : (a >>> (pos + len - 1)) & 1;
  const shifted = pos > 31 ? 0 : a >>> pos;
  const available = Math.max(0, 32 - pos);
  const kept = Math.min(len, available);
  const mask = kept >= 32 ? -1 : (1 << kept) - 1;
  const field = shifted & mask;
  if (!signed || !signBit) return field;
  return len >= 32 && kept >= 32 ? field : field | ~mask;
}

export function bfi(field: number, into: number, position: number, length: number): number {
  const pos = position & 0xff;
  const len = length & 0xff;
  if (len === 0 || pos > 31) return into;
  const mask = (len >= 32 ? -1 : (1 << len) - 1) << pos;
  return (into & ~mask) | ((field << pos) & mask);
}

export function popc(a: number): number {
  let x = a - ((a >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

export function brev(a: number): number {
  let x = ((a >>> 1) & 0x55555555) | ((a & 0x55555555) << 1);
  x = ((x >>> 2) & 0x33333333) | ((x & 0x33333333) << 2);
  x = ((x >>> 4) & 0x0f0f0f0f) | ((x & 0x0f0f0f0f) << 4);
  x = ((x >>> 8) & 0x00ff00ff) | ((x & 0x00ff00ff) << 8);
  return (x >>> 16) | (x << 16);
}

/** Position of the highest bit that differs from the sign (signed) or is set; -1 if there is none. */
export function bfind(a: number, signed: number): number {
  return 31 - Math.clz32(signed && a < 0 ? ~a : a);
}

export function shf(lo: number, hi: number, by: number, left: number, clamp: number): number {
  const n = clamp ? Math.min(by >>> 0, 32) : by & 31;
  if (n === 0) return left ? hi : lo;
  if (n === 32) return left ? lo : hi;
  return left ? (hi << n) | (lo >>> (32 - n)) : (lo >>> n) | (hi << (32 - n));
}

export function dp4a(a: number, b: number, c: number, aSigned: number, bSigned: number): number {
  let sum = c;
  for (let n = 0; n < 32; n += 8) {
    const x = aSigned ? (a << (24 - n)) >> 24 : (a >>> n) & 0xff;
    const y = bSigned ? (b << (24 - n)) >> 24 : (b >>> n) & 0xff;
    sum += x * y;
  }
  return sum | 0;
}
