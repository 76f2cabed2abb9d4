/** An index expression -> `scale * position + offset` along one dimension, where it is that. */

import type { TypedExpr } from './types.js';

export interface Affine {
  /** Absent where the index is a constant (`scale` is 0 then). */
  readonly dim?: string;
  readonly scale: number;
  readonly offset: number;
}

/** Undefined where the index depends on data or on two dimensions. */
export function affineOf(expr: TypedExpr): Affine | undefined {
  switch (expr.kind) {
    case 'literal':
      return typeof expr.value === 'number' ? { scale: 0, offset: expr.value } : undefined;
    case 'position':
      return { dim: expr.dim, scale: 1, offset: 0 };
    case 'cast':
      return expr.dtype === 'i64' || expr.dtype === 'i32' ? affineOf(expr.operand) : undefined;
    case 'unary': {
      const operand = expr.op === 'neg' ? affineOf(expr.operand) : undefined;
      return operand && scaled(operand, -1);
    }
    case 'binary': {
      const [left, right] = [affineOf(expr.left), affineOf(expr.right)];
      if (!left || !right) return undefined;
      if (expr.op === '+') return sum(left, right);
      if (expr.op === '-') return sum(left, scaled(right, -1));
      if (expr.op === '*' && left.dim === undefined) return scaled(right, left.offset);
      if (expr.op === '*' && right.dim === undefined) return scaled(left, right.offset);
      return undefined;
    }
    default:
      return undefined;
  }
}

function sum(left: Affine, right: Affine): Affine | undefined {
  if (left.dim !== undefined && right.dim !== undefined && left.dim !== right.dim) return undefined;
  const dim = left.dim ?? right.dim;
  return normal(dim, left.scale + right.scale, left.offset + right.offset);
}

const scaled = (affine: Affine, by: number): Affine =>
  normal(affine.dim, affine.scale * by, affine.offset * by);

/** `+ 0` turns a negative zero into zero. */
function normal(dim: string | undefined, scale: number, offset: number): Affine {
  return dim === undefined || scale === 0
    ? { scale: 0, offset: offset + 0 }
    : { dim, scale: scale + 0, offset: offset + 0 };
}

/** Least and greatest index, for positions from 0 to `extent - 1`. */
export function affineRange(
  affine: Affine,
  extent: number,
): { readonly least: number; readonly most: number } {
  const last = affine.scale * (extent - 1) + affine.offset;
  return { least: Math.min(affine.offset, last), most: Math.max(affine.offset, last) };
}

/** Whether an index is the dimension's own position. */
export function isIdentity(affine: Affine | undefined, dim: string): boolean {
  return affine?.dim === dim && affine.scale === 1 && affine.offset === 0;
}
