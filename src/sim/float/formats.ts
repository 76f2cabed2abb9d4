/**
 * Bit patterns of the small float formats <-> f32, exactly.
 *
 * A format is described by its field widths; one rounding routine on the bits of an f32 serves them all. Integers only, so
 * that generated code can call these without allocating. Formats: IEEE 754 for f16 and bf16; OCP 8-bit (e4m3 has no
 * infinity and one NaN a sign) and OCP microscaling for the 6- and 4-bit ones (no NaN, no infinity).
 */

export type Rounding = 'rn' | 'rz' | 'rm' | 'rp' | 'rna';

export interface FloatFormat {
  readonly name: string;
  readonly bits: number;
  /** Fraction bits. */
  readonly fraction: number;
  readonly bias: number;
  /** Largest finite magnitude, as a bit pattern. */
  readonly max: number;
  /** Infinity, or -1 where the format has none. */
  readonly infinity: number;
  /** The NaN that arithmetic makes, or -1 where the format has none. */
  readonly nan: number;
}

export const F16: FloatFormat = fmt('f16', 16, 10, 15, 0x7bff, 0x7c00, 0x7fff);
export const BF16: FloatFormat = fmt('bf16', 16, 7, 127, 0x7f7f, 0x7f80, 0x7fff);
export const E4M3: FloatFormat = fmt('e4m3', 8, 3, 7, 0x7e, -1, 0x7f);
export const E5M2: FloatFormat = fmt('e5m2', 8, 2, 15, 0x7b, 0x7c, 0x7f);
export const E2M1: FloatFormat = fmt('e2m1', 4, 1, 1, 0x7, -1, -1);
export const E3M2: FloatFormat = fmt('e3m2', 6, 2, 3, 0x1f, -1, -1);
export const E2M3: FloatFormat = fmt('e2m3', 6, 3, 1, 0x1f, -1, -1);

function fmt(
  name: string,
  bits: number,
  fraction: number,
  bias: number,
  max: number,
  infinity: number,
  nan: number,
): FloatFormat {
  return { name, bits, fraction, bias, max, infinity, nan };
}

/** The NaN that f32 arithmetic makes. */
export const F32_NAN = 0x7fffffff;

const float = new Float32Array(1);
const word = new Int32Array(float.buffer);

export function bitsOfF32(x: number): number {
  if (x !== x) return F32_NAN;
  float[0] = x;
  return word[0]!;
}

export function f32OfBits(bits: number): number {
  word[0] = bits;
  return float[0]!;
}

/**
 * The bits of an f32 -> the bits of `format`, rounded once.
 *
 * `finite` clamps what overflows to the largest finite magnitude (PTX `.satfinite`); a format without infinity clamps
 * always. A NaN becomes the format's NaN, or its largest finite value where it has none.
 */
export function narrow(bits: number, format: FloatFormat, rounding: Rounding, finite: boolean): number {
  const sign = (bits >>> 31) << (format.bits - 1);
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return format.nan >= 0 ? format.nan : format.max;
  const clamped = finite || format.infinity < 0;
  if (magnitude === 0x7f800000) return sign | (clamped ? format.max : format.infinity);
  const field = magnitude >>> 23;
  // value = significand * 2^(exponent - 23)
  const exponent = (field === 0 ? 1 : field) - 127;
  const significand = field === 0 ? magnitude : (magnitude & 0x7fffff) | 0x800000;
  const least = 1 - format.bias;
  const target = exponent < least ? least : exponent;
  const shift = 23 - format.fraction + (target - exponent);
  let code: number;
  if (shift > 30) code = roundsAway(0, significand !== 0, false, bits < 0, rounding, false) ? 1 : 0;
  else {
    const kept = significand >>> shift;
    const rest = significand & ((1 << shift) - 1);
    const half = shift === 0 ? 0 : 1 << (shift - 1);
    const up = roundsAway(kept, rest !== 0, rest >= half && rest !== 0, bits < 0, rounding, rest === half);
    code = kept + (up ? 1 : 0) + ((target - least) << format.fraction);
  }
  if (code > format.max) {
    const toInfinity =
      rounding === 'rn' ||
      rounding === 'rna' ||
      (rounding === 'rp' && bits > 0) ||
      (rounding === 'rm' && bits < 0);
    code = clamped || !toInfinity ? format.max : format.infinity;
  }
  return sign | code;
}

function roundsAway(
  kept: number,
  inexact: boolean,
  atLeastHalf: boolean,
  negative: boolean,
  rounding: Rounding,
  tie: boolean,
): boolean {
  if (!inexact) return false;
  switch (rounding) {
    case 'rn':
      return atLeastHalf && (!tie || (kept & 1) === 1);
    case 'rna':
      return atLeastHalf;
    case 'rz':
      return false;
    case 'rm':
      return negative;
    case 'rp':
      return !negative;
  }
}

/** The bits of `format` -> its value, a number that f32 holds exactly. NaN patterns give NaN. */
export function widen(code: number, format: FloatFormat): number {
  const negative = (code >>> (format.bits - 1)) & 1;
  const magnitude = code & ((1 << (format.bits - 1)) - 1);
  if (format.infinity >= 0 && magnitude === format.infinity) return negative ? -Infinity : Infinity;
  if (magnitude > format.max) return NaN;
  const field = magnitude >>> format.fraction;
  const fraction = magnitude & ((1 << format.fraction) - 1);
  const value =
    field === 0
      ? fraction * 2 ** (1 - format.bias - format.fraction)
      : ((1 << format.fraction) + fraction) * 2 ** (field - format.bias - format.fraction);
  return negative ? -value : value;
}

/** Every pattern of a format of at most 16 bits, widened: an array indexed by the pattern. */
export function widenTable(format: FloatFormat): Float32Array {
  const table = new Float32Array(1 << format.bits);
  for (let code = 0; code < table.length; code++) table[code] = widen(code, format);
  return table;
}
