/** Reductions in float64, with what the order of f32 additions may be off by. */

import type { ReduceOp } from '../../spec/index.js';
import { elementsOf, grid, type Grid } from './grid.js';
import { bounded, HALF_STEP, LARGEST, LEAST, settle, U, type Bounded } from './f32.js';
import { INFINITY, abs, finite, floor, max, min, nan } from './numbers.js';

/** Whole numbers that add up to no more than this are added exactly, in any order. */
const EXACT = 2 ** 24;

/** One result of a reduction: values and errors taken in one by one. */
class Accumulator {
  private total: number;
  /** Of the finite elements. */
  private magnitude = 0;
  private off = 0;
  private count = 0;
  /** Nothing but whole numbers so far. */
  private whole = true;
  /** Elements that are infinite, or no number, whatever rounding does. */
  private above = false;
  private below = false;
  private nan = false;

  constructor(private readonly op: ReduceOp) {
    this.total = op === 'max' ? -INFINITY : op === 'min' ? INFINITY : 0;
  }

  add(value: number, error: number): void {
    this.count++;
    const size = abs(value);
    if (size < INFINITY) this.magnitude += size;
    else if (error === 0) {
      if (value > 0) this.above = true;
      else if (value < 0) this.below = true;
      else this.nan = true;
    }
    if (this.op === 'max' || this.op === 'min') {
      // Math.max and Math.min spread NaN, as kernels do.
      this.total = this.op === 'max' ? max(this.total, value) : min(this.total, value);
      this.off = max(this.off, error);
      return;
    }
    this.total += value;
    if (floor(size) !== size) this.whole = false;
    if (size < INFINITY || error === INFINITY) this.off += error;
  }

  /** Puts the result at `i`. `length` is what a mean divides by; `serial` says that one thread adds all of it. */
  put(result: Bounded, i: number, length: number, serial: boolean): void {
    if (this.op === 'max' || this.op === 'min') {
      settle(result, i, this.total, this.nan ? 0 : this.off);
      return;
    }
    this.putSum(result, i, serial);
    if (this.op === 'sum') return;
    const { values, error } = result;
    values[i]! /= length;
    error[i]! /= length;
    if (finite(values[i]!)) error[i]! += abs(values[i]!) * 4 * U + LEAST;
  }

  private putSum(result: Bounded, i: number, serial: boolean): void {
    if (this.nan || (this.above && this.below)) settle(result, i, NaN, 0);
    else if (!finite(this.total)) {
      // Finite parts of the other sign may overflow first, and make an infinity no number; or take back a fused product.
      const rest = this.above || this.below ? LARGEST / 2 : HALF_STEP;
      const known = !nan(this.total) && this.magnitude + this.off < rest;
      settle(result, i, this.total, known ? 0 : INFINITY);
    } else {
      const deep = serial ? this.count : min(this.count, 64 + this.count / 128 + 10);
      const isExact = this.whole && this.off === 0 && this.magnitude <= EXACT;
      const order = this.count > 1 && !isExact ? deep * U * this.magnitude : 0;
      // A sum of one sign overflows in any order; one of both signs may on its way.
      const mixed = this.magnitude > abs(this.total) && this.magnitude > LARGEST / 2;
      settle(result, i, this.total, mixed ? INFINITY : this.off + order);
    }
  }
}

/** Over axis `axis`, whole or in blocks of `by`. `serial`: a dimension that one thread walks. */
export function reduceAxis(
  op: ReduceOp,
  operand: Grid,
  axis: string,
  by: number | undefined,
  serial: boolean,
): Grid {
  const at = operand.axes.indexOf(axis);
  const extent = operand.shape[at]!;
  const block = by ?? extent;
  const outer = elementsOf(operand.shape.slice(0, at));
  const inner = elementsOf(operand.shape.slice(at + 1));
  const blocks = by === undefined ? 1 : extent / by;
  const result = bounded(outer * blocks * inner);
  for (let o = 0; o < outer; o++) {
    for (let k = 0; k < blocks; k++) {
      for (let i = 0; i < inner; i++) {
        const sum = new Accumulator(op);
        for (let j = k * block; j < (k + 1) * block; j++) {
          const from = (o * extent + j) * inner + i;
          sum.add(operand.values[from]!, operand.error?.[from] ?? 0);
        }
        sum.put(result, (o * blocks + k) * inner + i, block, serial);
      }
    }
  }
  const axes = [...operand.axes];
  const shape = [...operand.shape];
  if (by === undefined) {
    axes.splice(at, 1);
    shape.splice(at, 1);
  } else {
    axes[at] = `${axis}/${by}`;
    shape[at] = blocks;
  }
  return grid(axes, shape, result.values, result.error);
}

/** Row r of `rows` reduces positions [offsets[r], offsets[r + 1]) of `axis`, which is the operand's first. */
export function reduceRanges(op: ReduceOp, operand: Grid, rows: string, offsets: Float64Array): Grid {
  const [extent, ...rest] = operand.shape as [number, ...number[]];
  const inner = elementsOf(rest);
  const count = offsets.length - 1;
  const result = bounded(count * inner);
  for (let row = 0; row < count; row++) {
    const begin = max(offsets[row]!, 0);
    const end = min(offsets[row + 1]!, extent);
    // An empty range divides its sum of 0 by 1.
    const length = max(end - begin, 1);
    for (let i = 0; i < inner; i++) {
      const sum = new Accumulator(op);
      for (let j = begin; j < end; j++)
        sum.add(operand.values[j * inner + i]!, operand.error?.[j * inner + i] ?? 0);
      sum.put(result, row * inner + i, length, true);
    }
  }
  return grid([rows, ...operand.axes.slice(1)], [count, ...rest], result.values, result.error);
}
