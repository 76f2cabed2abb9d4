/** Reductions in float64, with what the order of f32 additions may be off by. */

import type { ReduceOp } from '../../spec/index.js';
import { elementsOf, grid, type Grid } from './grid.js';
import { inRange, LARGEST, LEAST, U } from './unary.js';

/** One result of a reduction: values and errors taken in one by one. */
class Accumulator {
  private total: number;
  private magnitude = 0;
  private off = 0;
  private count = 0;
  /** An element that is no number, whatever rounding does. */
  private certain = false;

  constructor(private readonly op: ReduceOp) {
    this.total = op === 'max' ? -Infinity : op === 'min' ? Infinity : 0;
  }

  add(value: number, error: number): void {
    this.count++;
    if (Number.isNaN(value) && error === 0) this.certain = true;
    if (this.op === 'max' || this.op === 'min') {
      // Math.max and Math.min spread NaN, as kernels do.
      this.total = this.op === 'max' ? Math.max(this.total, value) : Math.min(this.total, value);
      this.off = Math.max(this.off, error);
      return;
    }
    this.total += value;
    if (Number.isFinite(value)) this.magnitude += Math.abs(value);
    this.off += error;
  }

  /** `length` is what a mean divides by; `serial` says that one thread adds all of it. */
  result(length: number, serial: boolean): { value: number; error: number } {
    if (this.certain) return { value: NaN, error: 0 };
    if (this.op === 'max' || this.op === 'min') return { value: this.total, error: this.off };
    const deep = serial ? this.count : Math.min(this.count, 64 + this.count / 128 + 10);
    const order = this.count > 1 ? deep * U * this.magnitude : 0;
    const [total, error] = this.inRange(order);
    if (this.op === 'sum') return { value: total, error };
    const value = total / length;
    return { value, error: error / length + (Number.isFinite(value) ? Math.abs(value) * 4 * U + LEAST : 0) };
  }

  /** A sum of one sign overflows in any order; one of both signs may on its way. */
  private inRange(order: number): [number, number] {
    if (!Number.isFinite(this.total)) {
      // Finite parts of the other sign may overflow first, and make it no number.
      const known = Number.isNaN(this.total) || this.magnitude < LARGEST / 2;
      return [this.total, this.off === 0 && known ? 0 : Infinity];
    }
    if (this.magnitude > Math.abs(this.total) && this.magnitude > LARGEST / 2) return [this.total, Infinity];
    return inRange(this.total, this.off + order);
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
  const values = new Float64Array(outer * blocks * inner);
  const error = new Float64Array(values.length);
  for (let o = 0; o < outer; o++) {
    for (let k = 0; k < blocks; k++) {
      for (let i = 0; i < inner; i++) {
        const sum = new Accumulator(op);
        for (let j = k * block; j < (k + 1) * block; j++) {
          const from = (o * extent + j) * inner + i;
          sum.add(operand.values[from]!, operand.error?.[from] ?? 0);
        }
        const to = (o * blocks + k) * inner + i;
        const result = sum.result(block, serial);
        values[to] = result.value;
        error[to] = result.error;
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
  return grid(axes, shape, values, error);
}

/** Row r of `rows` reduces positions [offsets[r], offsets[r + 1]) of `axis`, which is the operand's first. */
export function reduceRanges(op: ReduceOp, operand: Grid, rows: string, offsets: Float64Array): Grid {
  const [extent, ...rest] = operand.shape as [number, ...number[]];
  const inner = elementsOf(rest);
  const count = offsets.length - 1;
  const values = new Float64Array(count * inner);
  const error = new Float64Array(values.length);
  for (let row = 0; row < count; row++) {
    const begin = Math.max(offsets[row]!, 0);
    const end = Math.min(offsets[row + 1]!, extent);
    // An empty range divides its sum of 0 by 1.
    const length = Math.max(end - begin, 1);
    for (let i = 0; i < inner; i++) {
      const sum = new Accumulator(op);
      for (let j = begin; j < end; j++)
        sum.add(operand.values[j * inner + i]!, operand.error?.[j * inner + i] ?? 0);
      const result = sum.result(length, true);
      values[row * inner + i] = result.value;
      error[row * inner + i] = result.error;
    }
  }
  return grid([rows, ...operand.axes.slice(1)], [count, ...rest], values, error);
}
