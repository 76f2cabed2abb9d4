/** `d by 128`, `d by per_group`, `d/128` -> how many elements a block has, and the axis that blocks lie along. */

import type { Place } from '../../util/errors.js';
import type { Axis, BlockLength } from '../types.js';
import { typeError } from './errors.js';
import type { Scope } from './scope.js';

export interface Blocks {
  /** Elements of a block; 0 while its dimension is not bound. */
  readonly by: number;
  /** `hidden/128`; while its length is not bound, `hidden/length`. */
  readonly axis: Axis;
}

/** Raises FORMULA_NAME, and FORMULA_TYPE where blocks of this length do not fill the dimension. */
export function blocksOf(scope: Scope, dim: string, length: BlockLength, span: Place): Blocks {
  const there = scope.extent(dim);
  const form = `${dim} by ${length}`;
  if (typeof length === 'string') scope.dim(length, span);
  const dynamic = [dim, ...(typeof length === 'string' ? [length] : [])].find((name) =>
    scope.isDynamic(name),
  );
  if (dynamic !== undefined) {
    throw typeError(
      dynamic === dim
        ? `${dim} is known only at launch and cannot be cut into blocks`
        : `${dynamic} is known only at launch and cannot be the length of a block`,
      form,
      'a static dimension',
      `make ${dynamic} static`,
      span,
    );
  }
  const bound = typeof length === 'number' ? length : scope.extent(length);
  if (typeof bound !== 'number') return { by: 0, axis: `${dim}/${length}` };
  if (bound < 2) {
    throw typeError(
      'a block of one element is no block',
      bound === length ? form : `${form} = ${bound}`,
      'blocks of 2 or more',
      typeof length === 'number' ? 'leave the blocks out' : `bind a larger ${length}`,
      span,
    );
  }
  if (typeof there === 'number' && there % bound !== 0) {
    throw typeError(
      `blocks of ${bound} do not fill ${dim}`,
      `${dim} = ${there}, remainder ${there % bound}`,
      `a multiple of ${bound}`,
      `bind ${dim} to a multiple of ${bound}`,
      span,
    );
  }
  return { by: bound, axis: `${dim}/${bound}` };
}
