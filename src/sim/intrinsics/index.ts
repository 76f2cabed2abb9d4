/** The functions that generated code calls, bound there as locals. */

import { addF32, divF32, fmaF32, fmaF32Directed, fmaF64, mulF32, rsqrtF32, sqrtF32 } from '../float/exact.js';
import { bitsOfF32, f32OfBits } from '../float/formats.js';
import { FORMATS, halfTables } from '../float/half.js';
import { bfe, bfi, bfind, brev, dp4a, lop3, popc, prmt, prmtMode, shf } from './bits.js';
import {
  dbl,
  narrowF64,
  narrowTo,
  roundIntegral,
  toInteger,
  toInteger64,
  toUe8m0,
  undbl,
  wideToF32,
  wideToF64,
  widenF16x2,
  wordToF32,
} from './convert.js';
import { ex2, half, half2, hcompare, hfma, hfma2, hunary, hunary2 } from './half.js';
import { HI, mul64, mulhiS, mulhiU, shl64, shr64, wide } from './wide.js';

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
