/** Facts about dtypes that passes and printers share. */

import type { Dtype } from '../spec/index.js';

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

/** Bytes of one element in memory. */
export const dtypeBytes = (dtype: Dtype): number => BYTES[dtype];

export const isFloat = (dtype: Dtype): boolean => ['f32', 'bf16', 'f16', 'e4m3', 'e5m2'].includes(dtype);
