/**
 * A scatter and the reads of what it writes -> nothing, or why another position may read or write the same element.
 *
 * `n[vocab: token] = n[vocab: token] + 1` with `n` over rows and vocab and `token` over rows: the tensor's other axes hold those of
 * the index, so that each position of the write has an element of its own. Whoever has that position reads it there and
 * nowhere else, so that nothing has to wait for another.
 */

import type { BoundIndex } from '../types.js';
import type { Read } from './reads.js';
import type { TensorView } from './scope.js';
import type { Write } from './writes.js';

/** How a read is of other elements than its own position writes, in words; undefined where it is not. */
export function otherThanOwn(
  view: TensorView,
  writes: readonly Write[],
  { load, across }: Read,
): string | undefined {
  const { indices } = writes[0]!;
  if (writes.length > 1) return `${writes.length} statements that write it`;
  if (across !== undefined) return across;
  const other = [...indices, ...load.indices].find(
    ({ dim }) => textOf(indices, dim) !== textOf(load.indices, dim),
  );
  if (other) return `another index along ${other.dim} than the write's`;
  const own = view.modes.filter(({ dim }) => !indices.some((index) => index.dim === dim));
  const shared = indices
    .flatMap(({ index }) => index.axes)
    .find((axis) => !own.some((mode) => mode.axis === axis));
  return shared === undefined
    ? undefined
    : `several positions of ${shared} may have one element, as ${view.decl.name} has no axis ${shared}`;
}

/** What an index along a dimension says, without its place. */
const textOf = (indices: readonly BoundIndex[], dim: string): string | undefined =>
  JSON.stringify(indices.find((entry) => entry.dim === dim)?.index, (key, value: unknown) =>
    key === 'span' ? undefined : value,
  );
