/** Whether a row's bits depend on how many rows there are, or on its place among them. */

import type { BoundKernel, BoundTensor } from '../spec/index.js';
import type { VariantEntry } from '../device/index.js';
import { indexOf, layoutOf } from './layout.js';
import type { Launcher, Output, RunOptions } from './launch.js';
import { rolesOf, subexpressions } from './roles.js';
import { bytesOf } from './storage.js';
import type { Failure, Problem } from './types.js';

/** The dimension whose positions are rows of their own; undefined where a kernel has none. */
export function rowDimension(bound: BoundKernel): string | undefined {
  const roles = rolesOf(bound);
  // What is reduced, counted over, or whose positions are values themselves.
  const used = new Set(
    bound.sections.flatMap(({ statements }) =>
      statements.flatMap(({ value }) =>
        subexpressions(value).flatMap((expr) =>
          expr.kind === 'tally'
            ? expr.dims
            : expr.kind === 'reduce' || expr.kind === 'position'
              ? [expr.dim]
              : [],
        ),
      ),
    ),
  );
  return Object.entries(bound.extents)
    .filter(([dim, extent]) => extent === 'dynamic' && !roles.targets.has(dim))
    .map(([dim]) => dim)
    .find((dim) => !used.has(dim) && bound.tensors.some((tensor) => modeOf(tensor, dim) >= 0));
}

/** Rows that end where the next one begins, such as the sequences of a ragged batch, stay in their order. */
const isRagged = (bound: BoundKernel, dim: string): boolean =>
  bound.tensors.some(({ modes }) => modes.some((mode) => mode.dim === dim && mode.extra > 0));

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

const modeOf = (tensor: BoundTensor, dim: string): number =>
  tensor.modes.findIndex((mode) => mode.dim === dim);

/**
 * Runs `problem` again with its rows turned round (of a ragged batch the second half), and with one of them alone, and
 * compares the bits of each row.
 */
export function checkBatchInvariance(
  bound: BoundKernel,
  variant: VariantEntry,
  launcher: Launcher,
  problem: Problem,
  options: RunOptions,
): Failure | undefined {
  const dim = rowDimension(bound);
  const rows = dim === undefined ? 0 : problem.extents[dim]!;
  if (dim === undefined || rows < 2) return undefined;
  const whole = launcher.run(problem, options).outputs;
  const half = Math.ceil(rows / 2);
  const moved = [...range(half, rows), ...(isRagged(bound, dim) ? [] : range(0, half))];
  for (const order of [moved, [rows - 1]]) {
    const other = launcher.run(withRows(bound, variant, problem, dim, order), options).outputs;
    for (const [n, output] of other.entries()) {
      const difference = firstDifference(whole[n]!, output, dim, order);
      if (difference) {
        const text = `row ${difference.row} has other bits ${order.length === 1 ? 'alone' : 'at another place'}`;
        return { kind: 'batch', tensor: output.tensor.name, index: difference.index, text };
      }
    }
  }
  return undefined;
}

/** `problem` with the rows that `order` names, in that order. */
function withRows(
  bound: BoundKernel,
  variant: VariantEntry,
  problem: Problem,
  dim: string,
  order: readonly number[],
): Problem {
  const extents = { ...problem.extents, [dim]: order.length };
  const inputs = new Map(problem.inputs);
  for (const tensor of bound.tensors) {
    const mode = modeOf(tensor, dim);
    const data = problem.inputs.get(tensor.name);
    if (mode < 0 || !data) continue;
    const { shape } = layoutOf(tensor, variant, problem.extents);
    const inner = shape.slice(mode + 1).reduce((product, extent) => product * extent, 1);
    const outer = shape.slice(0, mode).reduce((product, extent) => product * extent, 1);
    const rows = shape[mode]!;
    const last = order.at(-1)!;
    const taken = [...order, ...range(last + 1, last + 1 + tensor.modes[mode]!.extra)];
    const moved = new Float64Array(outer * taken.length * inner);
    for (let o = 0; o < outer; o++) {
      taken.forEach((row, i) => {
        const from = (o * rows + row) * inner;
        moved.set(data.subarray(from, from + inner), (o * taken.length + i) * inner);
      });
    }
    inputs.set(tensor.name, moved);
  }
  return { ...problem, extents, inputs };
}

/** Elements of the same row compared bit by bit; places that a row scatters to are the same in both runs. */
function firstDifference(
  whole: Output,
  other: Output,
  dim: string,
  order: readonly number[],
): { row: number; index: readonly number[] } | undefined {
  const mode = modeOf(whole.tensor, dim);
  const size = bytesOf(whole.tensor.dtype);
  const strides = whole.layout.shape.map((_, axis) =>
    whole.layout.shape.slice(axis + 1).reduce((product, extent) => product * extent, 1),
  );
  for (let i = 0; i < other.offsets.length; i++) {
    if (other.written[i] === 0) continue;
    const index = [...indexOf(i, other.layout.shape)];
    const row = mode < 0 ? -1 : order[index[mode]!]!;
    if (mode >= 0) index[mode] = row;
    const j = index.reduce((sum, at, axis) => sum + at * strides[axis]!, 0);
    const [a, b] = [whole.offsets[j]! * size, other.offsets[i]! * size];
    for (let byte = 0; byte < size; byte++) {
      if (whole.bytes[a + byte] !== other.bytes[b + byte]) return { row: Math.max(row, 0), index };
    }
  }
  return undefined;
}
