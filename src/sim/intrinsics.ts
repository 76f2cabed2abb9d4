/**
 * The functions that generated code calls, bound there as locals.
 *
 * Words in, words out wherever speed counts: a function that returns a double and is not inlined allocates. What has two
 * result words returns the low one and leaves the high one in `HI[0]`.
 */

import { addF32, divF32, fmaF32, fmaF32Directed, fmaF64, mulF32, rsqrtF32, sqrtF32 } from './float/exact.js';
import type { FloatFormat, Rounding } from './float/formats.js';
import { F16, bitsOfF32, f32OfBits, narrow, widen } from './float/formats.js';
import type { HalfOperation } from './float/half.js';
import { FORMATS, halfBinary, halfFma, halfTables, narrowDouble } from './float/half.js';

const HI = new Int32Array(1);
const doubleView = new Float64Array(1);
const doubleWords = new Int32Array(doubleView.buffer);

// A BigInt is never chosen between two of them here: V8 of Node 20 ends the process when it optimises such a choice.

function unsigned(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}

function signedBig(lo: number, hi: number): bigint {
  return BigInt.asIntN(64, unsigned(lo, hi));
}

function small(value: bigint): number {
  HI[0] = Number(BigInt.asIntN(32, value >> 32n));
  return Number(BigInt.asIntN(32, value));
}

/** High word of the 64-bit product of two unsigned words. */
function mulhiU(a: number, b: number): number {
  const al = a & 0xffff;
  const ah = a >>> 16;
  const bl = b & 0xffff;
  const bh = b >>> 16;
  const low = Math.imul(al, bl) >>> 0;
  const middle = (Math.imul(ah, bl) >>> 0) + (low >>> 16);
  const other = (Math.imul(al, bh) >>> 0) + (middle % 65536);
  return (Math.imul(ah, bh) + Math.floor(middle / 65536) + Math.floor(other / 65536)) | 0;
}

function mulhiS(a: number, b: number): number {
  return (mulhiU(a, b) - (a < 0 ? b : 0) - (b < 0 ? a : 0)) | 0;
}

function mul64(al: number, ah: number, bl: number, bh: number): number {
  HI[0] = mulhiU(al, bl) + Math.imul(al, bh) + Math.imul(ah, bl);
  return Math.imul(al, bl);
}

function shl64(lo: number, hi: number, by: number): number {
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

function shr64(lo: number, hi: number, by: number, signed: number): number {
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

function wide(op: WideOperation, signed: number, al: number, ah: number, bl: number, bh: number): number {
  if (op === 'min' || op === 'max') {
    const first = (less64(al, ah, bl, bh, signed) ? 'min' : 'max') === op;
    HI[0] = first ? ah : bh;
    return first ? al : bl;
  }
  return signed === 1
    ? quotient(op, signedBig(al, ah), signedBig(bl, bh))
    : quotient(op, unsigned(al, ah), unsigned(bl, bh));
}

function less64(al: number, ah: number, bl: number, bh: number, signed: number): boolean {
  if (ah !== bh) return signed === 1 ? ah < bh : ah >>> 0 < bh >>> 0;
  return al >>> 0 < bl >>> 0;
}

/** What PTX leaves open, a division by zero, gives all ones and leaves the dividend. */
function quotient(op: 'div' | 'rem' | 'mulhi', a: bigint, b: bigint): number {
  if (op === 'mulhi') return small((a * b) >> 64n);
  if (b === 0n) return op === 'div' ? small(-1n) : small(a);
  return op === 'div' ? small(a / b) : small(a % b);
}

/** A logic function of three words by its truth table. */
function lop3(a: number, b: number, c: number, table: number): number {
  let result = 0;
  for (let row = 0; row < 8; row++) {
    if ((table >> row) & 1) result |= (row & 4 ? a : ~a) & (row & 2 ? b : ~b) & (row & 1 ? c : ~c);
  }
  return result;
}

/** Byte permute: each selector nibble picks a byte of {b, a}, or its sign spread over eight bits. */
function prmt(a: number, b: number, selector: number): number {
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

function prmtMode(mode: string, a: number, b: number, c: number): number {
  return prmt(a, b, PRMT_MODES[mode]![c & 3]!);
}

function bfe(a: number, position: number, length: number, signed: number): number {
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

function bfi(field: number, into: number, position: number, length: number): number {
  const pos = position & 0xff;
  const len = length & 0xff;
  if (len === 0 || pos > 31) return into;
  const mask = (len >= 32 ? -1 : (1 << len) - 1) << pos;
  return (into & ~mask) | ((field << pos) & mask);
}

function popc(a: number): number {
  let x = a - ((a >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function brev(a: number): number {
  let x = ((a >>> 1) & 0x55555555) | ((a & 0x55555555) << 1);
  x = ((x >>> 2) & 0x33333333) | ((x & 0x33333333) << 2);
  x = ((x >>> 4) & 0x0f0f0f0f) | ((x & 0x0f0f0f0f) << 4);
  x = ((x >>> 8) & 0x00ff00ff) | ((x & 0x00ff00ff) << 8);
  return (x >>> 16) | (x << 16);
}

/** Position of the highest bit that differs from the sign (signed) or is set; -1 if there is none. */
function bfind(a: number, signed: number): number {
  return 31 - Math.clz32(signed && a < 0 ? ~a : a);
}

function shf(lo: number, hi: number, by: number, left: number, clamp: number): number {
  const n = clamp ? Math.min(by >>> 0, 32) : by & 31;
  if (n === 0) return left ? hi : lo;
  if (n === 32) return left ? lo : hi;
  return left ? (hi << n) | (lo >>> (32 - n)) : (lo >>> n) | (hi << (32 - n));
}

function dp4a(a: number, b: number, c: number, aSigned: number, bSigned: number): number {
  let sum = c;
  for (let n = 0; n < 32; n += 8) {
    const x = aSigned ? (a << (24 - n)) >> 24 : (a >>> n) & 0xff;
    const y = bSigned ? (b << (24 - n)) >> 24 : (b >>> n) & 0xff;
    sum += x * y;
  }
  return sum | 0;
}

/** A float to an integer of `bits` bits: rounded, then clamped; NaN gives 0. */
function toInteger(x: number, mode: string, bits: number, signed: number): number {
  if (x !== x) return 0;
  const rounded = roundIntegral(x, mode);
  const most = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  const least = signed ? -(2 ** (bits - 1)) : 0;
  const clamped = rounded < least ? least : rounded > most ? most : rounded;
  return clamped | 0;
}

function toInteger64(x: number, mode: string, signed: number): number {
  if (x !== x) return words(0, 0);
  const rounded = roundIntegral(x, mode);
  if (signed) {
    if (rounded >= 2 ** 63) return words(-1, 0x7fffffff);
    if (rounded <= -(2 ** 63)) return words(0, -0x80000000);
  } else {
    if (rounded >= 2 ** 64) return words(-1, -1);
    if (rounded <= 0) return words(0, 0);
  }
  return small(BigInt(rounded));
}

function words(lo: number, hi: number): number {
  HI[0] = hi;
  return lo;
}

/** To an integral value, by `rni`, `rzi`, `rmi` or `rpi`. */
function roundIntegral(x: number, mode: string): number {
  switch (mode) {
    case 'rzi':
      return Math.trunc(x);
    case 'rmi':
      return Math.floor(x);
    case 'rpi':
      return Math.ceil(x);
    default: {
      if (Math.abs(x) >= 2 ** 52 || x === 0) return x;
      const down = Math.floor(x);
      const rest = x - down;
      const up = rest > 0.5 || (rest === 0.5 && down % 2 !== 0);
      const result = up ? down + 1 : down;
      return result === 0 && x < 0 ? -0 : result;
    }
  }
}

/** A 64-bit integer to f32, rounded once. */
function wideToF32(lo: number, hi: number, signed: number, rounding: Rounding): number {
  return signed === 1 ? bigToF32(signedBig(lo, hi), rounding) : bigToF32(unsigned(lo, hi), rounding);
}

function bigToF32(value: bigint, rounding: Rounding): number {
  const double = Number(value);
  const error = Number(value - BigInt(double));
  return addF32Exact(double, error, rounding);
}

function addF32Exact(value: number, error: number, rounding: Rounding): number {
  // The double is the nearest one, so value + error is exact as a pair.
  return fmaF32DirectedPair(value, error, rounding);
}

function fmaF32DirectedPair(value: number, error: number, rounding: Rounding): number {
  return rounding === 'rn' ? fmaF32(1, value, error) : fmaF32Directed(1, value, error, rounding);
}

function wideToF64(lo: number, hi: number, signed: number): number {
  return signed === 1 ? Number(signedBig(lo, hi)) : Number(unsigned(lo, hi));
}

function wordToF32(x: number, rounding: Rounding): number {
  return addF32(x, 0, rounding);
}

/** The double in two words. */
function dbl(lo: number, hi: number): number {
  doubleWords[0] = lo;
  doubleWords[1] = hi;
  return doubleView[0]!;
}

function undbl(x: number): number {
  if (x !== x) {
    HI[0] = 0x7fffffff;
    return -1;
  }
  doubleView[0] = x;
  HI[0] = doubleWords[1]!;
  return doubleWords[0]!;
}

/** Words to a small format, and a pair of them packed: `a` in the upper half. */
function narrowTo(name: string, bits: number, rounding: Rounding, finite: number, relu: number): number {
  const format = FORMATS[name]!;
  const code = narrow(bits, format, rounding, finite === 1);
  const negative = code >>> (format.bits - 1) !== 0;
  return relu && negative && code !== format.nan ? 0 : code;
}

function widenF16x2(name: string, pair: number, relu: number): number {
  const format = FORMATS[name]!;
  const mask = (1 << format.bits) - 1;
  // e2m1 packs two to a byte; the 6-bit formats take a byte each.
  const step = format.bits === 4 ? 4 : 8;
  const lane = (code: number): number => {
    const half = narrow(bitsOfF32(widen(code & mask, format)), F16, 'rn', false);
    return relu && half >>> 15 && half !== F16.nan ? 0 : half;
  };
  return (lane(pair >>> step) << 16) | lane(pair);
}

function narrowF64(name: string, x: number, rounding: Rounding): number {
  return narrowDouble(x, 0, FORMATS[name]!, rounding, false);
}

/** ue8m0: the power of two at or above (`rp`) or below (`rz`) a magnitude; 0xff is NaN. */
function toUe8m0(bits: number, up: number, finite: number): number {
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return 0xff;
  const code = (magnitude >>> 23) + (up && (magnitude & 0x7fffff) !== 0 ? 1 : 0);
  return code >= 0xff ? (finite ? 0xfe : 0xff) : code;
}

function half(op: HalfOperation, format: FloatFormat, a: number, b: number): number {
  return halfBinary(op, format, a & 0xffff, b & 0xffff);
}

function half2(op: HalfOperation, format: FloatFormat, a: number, b: number): number {
  return (halfBinary(op, format, a >>> 16, b >>> 16) << 16) | halfBinary(op, format, a & 0xffff, b & 0xffff);
}

function hfma(format: FloatFormat, relu: number, a: number, b: number, c: number): number {
  return halfFma(format, relu === 1, a & 0xffff, b & 0xffff, c & 0xffff);
}

function hfma2(format: FloatFormat, relu: number, a: number, b: number, c: number): number {
  return (
    (halfFma(format, relu === 1, a >>> 16, b >>> 16, c >>> 16) << 16) |
    halfFma(format, relu === 1, a & 0xffff, b & 0xffff, c & 0xffff)
  );
}

/** A function of f32 on one lane of a small format. */
function hunary(name: string, format: FloatFormat, a: number): number {
  const x = widen(a & 0xffff, format);
  const y = name === 'ex2' ? ex2(x) : name === 'tanh' ? Math.tanh(x) : NaN;
  return narrowDouble(y, 0, format, 'rn', false);
}

function hunary2(name: string, format: FloatFormat, a: number): number {
  return (hunary(name, format, a >>> 16) << 16) | hunary(name, format, a);
}

/** 2^x in a double: the integral part is exact, the rest goes through exp. */
function ex2(x: number): number {
  const n = Math.round(x);
  if (!(n > -1100 && n < 1100)) return 2 ** x;
  return Math.exp((x - n) * Math.LN2) * 2 ** n;
}

/** setp on two half lanes and kin: the order of two small floats, -1, 0, 1, or 2 where one is NaN. */
function hcompare(format: FloatFormat, a: number, b: number): number {
  const x = widen(a & 0xffff, format);
  const y = widen(b & 0xffff, format);
  return x < y ? -1 : x > y ? 1 : x === y ? 0 : 2;
}

/** Everything generated code may call. */
export function intrinsics(): Readonly<Record<string, unknown>> {
  const tables = halfTables();
  return {
    fround: Math.fround,
    imul: Math.imul,
    clz: Math.clz32,
    abs: Math.abs,
    sqrt: Math.sqrt,
    min: Math.min,
    max: Math.max,
    exp: Math.exp,
    log2: Math.log2,
    sin: Math.sin,
    cos: Math.cos,
    tanh: Math.tanh,
    HI,
    H2F: tables.f16,
    ...{
      mulhiU,
      mulhiS,
      mul64,
      shl64,
      shr64,
      wide,
      lop3,
      prmt,
      prmtMode,
      bfe,
      bfi,
      popc,
      brev,
      bfind,
      shf,
      dp4a,
    },
    ...{
      toInteger,
      toInteger64,
      roundIntegral,
      wideToF32,
      wideToF64,
      wordToF32,
      dbl,
      undbl,
      narrowTo,
      widenF16x2,
    },
    ...{ narrowF64, toUe8m0, half, half2, hfma, hfma2, hunary, hunary2, hcompare, ex2 },
    ...{ addF32, mulF32, divF32, fmaF32, fmaF32Directed, fmaF64, rsqrtF32, sqrtF32, f32OfBits, bitsOfF32 },
    F16fmt: FORMATS['f16'],
    BF16fmt: FORMATS['bf16'],
  };
}
