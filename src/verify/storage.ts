/** Values of a tensor <-> its bytes in memory, little-endian. */

import type { Dtype } from '../spec/index.js';
import { BF16, E4M3, E5M2, F16, narrow, widen, type FloatFormat } from '../sim/index.js';

const BYTES: Readonly<Record<Dtype, number>> = {
  f32: 4,
  bf16: 2,
  f16: 2,
  e4m3: 1,
  e5m2: 1,
  i8: 1,
  i32: 4,
  i64: 8,
  u8: 1,
  bool: 1,
};
const SMALL: Readonly<Partial<Record<Dtype, FloatFormat>>> = { bf16: BF16, f16: F16, e4m3: E4M3, e5m2: E5M2 };

export const bytesOf = (dtype: Dtype): number => BYTES[dtype];

const tables = new Map<FloatFormat, Float64Array>();

/** Every value of a small format, by its bits. */
function tableOf(format: FloatFormat): Float64Array {
  let table = tables.get(format);
  if (!table) {
    table = Float64Array.from({ length: 2 ** format.bits }, (_, code) => widen(code, format));
    tables.set(format, table);
  }
  return table;
}

/** Writes and reads one element at a byte offset. */
export interface Codec {
  write(view: DataView, at: number, value: number): void;
  read(view: DataView, at: number): number;
}

const word = new DataView(new ArrayBuffer(4));

function small(format: FloatFormat): Codec {
  const table = tableOf(format);
  const encode = (value: number): number => {
    word.setFloat32(0, value);
    return narrow(word.getInt32(0), format, 'rn', false);
  };
  return format.bits === 16
    ? {
        write: (view, at, value) => view.setUint16(at, encode(value), true),
        read: (view, at) => table[view.getUint16(at, true)]!,
      }
    : {
        write: (view, at, value) => view.setUint8(at, encode(value)),
        read: (view, at) => table[view.getUint8(at)]!,
      };
}

export function codecOf(dtype: Dtype): Codec {
  const format = SMALL[dtype];
  if (format) return small(format);
  switch (dtype) {
    case 'f32':
      return {
        write: (view, at, value) => view.setFloat32(at, value, true),
        read: (view, at) => view.getFloat32(at, true),
      };
    case 'i32':
      return {
        write: (view, at, value) => view.setInt32(at, value, true),
        read: (view, at) => view.getInt32(at, true),
      };
    case 'i64':
      return {
        write: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
        read: (view, at) => Number(view.getBigInt64(at, true)),
      };
    case 'i8':
      return { write: (view, at, value) => view.setInt8(at, value), read: (view, at) => view.getInt8(at) };
    default:
      return { write: (view, at, value) => view.setUint8(at, value), read: (view, at) => view.getUint8(at) };
  }
}
