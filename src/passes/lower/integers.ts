/** Expressions on integer keys and positions that lowering is made of. */

import type { BinaryOp, Dtype } from '../../spec/index.js';
import { i32, type TileExpr } from '../../ir/tile.js';

/** Below the key of every value, and of what is left out. */
export const TAKEN = -(2 ** 31);
/** The key of what a selection leaves out: below that of every value. */
export const LEFT_OUT = TAKEN + 1;
/** Above every position. */
export const NOWHERE = 2 ** 31 - 1;

export const overWarp = (fn: 'max' | 'min' | 'sum', operand: TileExpr): TileExpr =>
  overLanes(fn, operand, { threads: 32, stride: 1 });

/** Of a run of lanes of the warp. */
export const overLanes = (
  fn: 'max' | 'min' | 'sum',
  operand: TileExpr,
  run: { readonly threads: number; readonly stride: number },
): TileExpr => ({ kind: 'warp-reduce', fn, operand, ...run, dtype: 'i32', width: 0 });

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
