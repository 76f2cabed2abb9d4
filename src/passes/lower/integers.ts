/** Expressions on integer keys and positions that lowering is made of. */

import type { BinaryOp, Dtype } from '../../spec/index.js';
import { i32, type TileExpr } from '../../ir/tile.js';

/** Below the key of every value. */
export const TAKEN = -(2 ** 31);
/** Above every position. */
export const NOWHERE = 2 ** 31 - 1;

export const overWarp = (fn: 'max' | 'min', operand: TileExpr): TileExpr => ({
  kind: 'warp-reduce',
  fn,
  operand,
  threads: 32,
  stride: 1,
  dtype: 'i32',
  width: 0,
});

export const either = (left: TileExpr, right: TileExpr): TileExpr => ({
  kind: 'binary',
  fn: '||',
  left,
  right,
  dtype: 'bool',
  width: 0,
});

/** An operation on two integers of one dtype. */
export const bits = (fn: BinaryOp, left: TileExpr, right: TileExpr, dtype: Dtype = 'i32'): TileExpr => ({
  kind: 'binary',
  fn,
  left,
  right,
  dtype,
  width: 0,
});

export const castI32 = (operand: TileExpr): TileExpr => ({
  kind: 'cast',
  operand,
  rounding: 'rn',
  saturate: false,
  dtype: 'i32',
  width: 0,
});

/** A value that the DSL takes for an i32 from the start: loops and branches carry it. */
export const typed = castI32;

/** A signed key as a word whose digits have its order, and back. */
export const flipped = (key: TileExpr): TileExpr => bits('^', key, i32(TAKEN));
