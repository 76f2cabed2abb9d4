/** Small expressions on scalars of a thread: variables, elements of arrays, choices. */

import { all, compare, i32, type Coordinate, type Statement, type TileExpr } from '../../ir/tile.js';
import type { Names } from './names.js';

/** A variable of the module. */
export type Variable = TileExpr & { readonly kind: 'name' };

export const fresh = (names: Names, wanted: string): Variable => ({
  kind: 'name',
  name: names.fresh(wanted),
  dtype: 'i32',
  width: 0,
});

export const at = (index: TileExpr): readonly Coordinate[] => [{ kind: 'at', index }];

/** Element of an array of i32: registers or a shared region. */
export const read = (of: string, index: TileExpr): TileExpr => ({
  kind: 'element',
  of,
  at: at(index),
  dtype: 'i32',
  width: 0,
});

export const write = (to: string, index: TileExpr, value: TileExpr): Statement => ({
  kind: 'store',
  to,
  at: at(index),
  value,
});

/** One of two values of the same dtype. */
export const choose = (condition: TileExpr, then: TileExpr, otherwise: TileExpr): TileExpr => ({
  kind: 'select',
  condition,
  then,
  otherwise,
  traced: false,
  dtype: then.dtype,
  width: 0,
});

/** The smaller (larger) of two i32. */
export const extreme = (fn: 'min' | 'max', left: TileExpr, right: TileExpr): TileExpr => ({
  kind: 'binary',
  fn,
  left,
  right,
  dtype: 'i32',
  width: 0,
});

/** 0 <= index < extent. */
export const inside = (index: TileExpr, extent: number): TileExpr =>
  all([compare('>=', index, i32(0)), compare('<', index, i32(extent))])!;
