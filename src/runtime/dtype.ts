/** Dtypes of tensors: their sizes, and numbers <-> little-endian bytes. */

import { RoseError } from '../util/errors.js';

/** Bytes of an element. */
const BYTES: Readonly<Record<string, number>> = {
  f64: 8,
  f32: 4,
  bf16: 2,
  f16: 2,
  e4m3: 1,
  e5m2: 1,
  i64: 8,
  u64: 8,
  i32: 4,
  u32: 4,
  i16: 2,
  u16: 2,
  i8: 1,
  u8: 1,
  bool: 1,
};

/** Raises USAGE for a dtype that no tensor has. */
export function dtypeBytes(dtype: string): number {
  const bytes = BYTES[dtype];
  if (bytes !== undefined) return bytes;
  throw new RoseError({
    code: 'USAGE',
    message: `unknown dtype ${JSON.stringify(dtype)}`,
    actual: dtype,
    expected: `one of ${Object.keys(BYTES).join(', ')}`,
    next: 'use a dtype of this list',
  });
}

/** A floating-point format of at most 16 bits. */
interface SmallFloat {
  readonly bits: number;
  readonly mantissa: number;
  readonly bias: number;
  /** Bits of positive infinity; absent in e4m3, which saturates. */
  readonly infinity?: number;
  /** Bits of a NaN. */
  readonly nan: number;
  readonly largest: number;
}

const SMALL: Readonly<Record<string, SmallFloat>> = {
  bf16: { bits: 16, mantissa: 7, bias: 127, infinity: 0x7f80, nan: 0x7fc0, largest: 0x7f7f },
  f16: { bits: 16, mantissa: 10, bias: 15, infinity: 0x7c00, nan: 0x7e00, largest: 0x7bff },
  e4m3: { bits: 8, mantissa: 3, bias: 7, nan: 0x7f, largest: 0x7e },
  e5m2: { bits: 8, mantissa: 2, bias: 15, infinity: 0x7c, nan: 0x7f, largest: 0x7b },
};

/** Round to nearest, ties to even; beyond the largest: infinity, or the largest where there is none. */
function encodeSmall(value: number, format: SmallFloat): number {
  const sign = value < 0 || Object.is(value, -0) ? 2 ** (format.bits - 1) : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return format.nan;
  const overflow = format.infinity ?? format.largest;
  if (size === Infinity) return sign | overflow;
  const smallest = 1 - format.bias;
  const exponent = Math.max(smallest, Math.floor(Math.log2(size || Number.MIN_VALUE)));
  // One step of correction where the logarithm was rounded over a power of two.
  const true_ =
    size >= 2 ** (exponent + 1)
      ? exponent + 1
      : size < 2 ** exponent && exponent > smallest
        ? exponent - 1
        : exponent;
  const steps = roundEven(size / 2 ** (true_ - format.mantissa));
  // Counting steps from the exponent's first one carries into the exponent by itself.
  const code = steps + (true_ - smallest) * 2 ** format.mantissa;
  return sign | (code > format.largest ? overflow : code);
}

function roundEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
}

function decodeSmall(code: number, format: SmallFloat): number {
  const sign = code >> (format.bits - 1) ? -1 : 1;
  const rest = code & (2 ** (format.bits - 1) - 1);
  if (rest === format.infinity) return sign * Infinity;
  if (rest > format.largest) return NaN;
  const exponent = rest >> format.mantissa;
  const fraction = rest & (2 ** format.mantissa - 1);
  return exponent === 0
    ? sign * fraction * 2 ** (1 - format.bias - format.mantissa)
    : sign * (2 ** format.mantissa + fraction) * 2 ** (exponent - format.bias - format.mantissa);
}

/** Numbers -> bytes of a tensor. */
export function encode(dtype: string, values: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const size = dtypeBytes(dtype);
  const bytes = new Uint8Array(values.length * size);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) writeNumber(view, i * size, dtype, values[i]!);
  return bytes;
}

/** Bytes of a tensor -> numbers. */
export function decode(dtype: string, bytes: Uint8Array): Float64Array {
  const size = dtypeBytes(dtype);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float64Array.from({ length: bytes.length / size }, (_, i) => readNumber(view, i * size, dtype));
}

function writeNumber(view: DataView, at: number, dtype: string, value: number): void {
  const format = SMALL[dtype];
  if (format) {
    const code = encodeSmall(value, format);
    if (format.bits === 16) view.setUint16(at, code, true);
    else view.setUint8(at, code);
    return;
  }
  switch (dtype) {
    case 'f64':
      return view.setFloat64(at, value, true);
    case 'f32':
      return view.setFloat32(at, value, true);
    case 'i64':
    case 'u64':
      return view.setBigInt64(at, BigInt(value), true);
    case 'i32':
    case 'u32':
      return view.setInt32(at, value, true);
    case 'i16':
    case 'u16':
      return view.setInt16(at, value, true);
    default:
      return view.setInt8(at, value);
  }
}

function readNumber(view: DataView, at: number, dtype: string): number {
  const format = SMALL[dtype];
  if (format) return decodeSmall(format.bits === 16 ? view.getUint16(at, true) : view.getUint8(at), format);
  switch (dtype) {
    case 'f64':
      return view.getFloat64(at, true);
    case 'f32':
      return view.getFloat32(at, true);
    case 'i64':
      return Number(view.getBigInt64(at, true));
    case 'u64':
      return Number(view.getBigUint64(at, true));
    case 'i32':
      return view.getInt32(at, true);
    case 'u32':
      return view.getUint32(at, true);
    case 'i16':
      return view.getInt16(at, true);
    case 'u16':
      return view.getUint16(at, true);
    case 'i8':
      return view.getInt8(at);
    default:
      return view.getUint8(at);
  }
}
