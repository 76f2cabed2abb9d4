/**
 * A kernel's formula, computed in float64 with the roundings that its casts declare: what its outputs must hold.
 *
 * Beside each value runs a bound on how far a kernel that computes in f32 may be from it (running error analysis:
 * Higham, Accuracy and Stability of Numerical Algorithms, section 3.3). A cast turns the bound into the values that it
 * could round to: none but one where the bound does not reach the next boundary.
 */

import type {
  BoundIndex,
  BoundKernel,
  BoundMode,
  BoundSection,
  BoundTensor,
  TypedExpr,
  TypedStatement,
} from '../../spec/index.js';
import type { Problem, ReferenceOutput } from '../types.js';
import { axisOf, placesIn, shapeOf } from './access.js';
import { applyBinary, applyCompare, applySelect } from './binary.js';
import { applyCast } from './cast.js';
import { FUSED } from './f32.js';
import { elementsOf, expand, grid, scalar, type ExtentOf, type Grid } from './grid.js';
import type { Operands } from './operands.js';
import { reduceAxis, reduceRanges } from './reduce.js';
import { argAlong, leadingAlong, leadingOfBlocks, randomAlong } from './rows.js';
import { pickAlong, selectAlong } from './selection.js';
import { lookUp, scanAlong, tally } from './tables.js';
import { applyUnary } from './unary.js';
import { INFINITY, abs, finite, fround } from './numbers.js';

/** What every tensor with access `out` or `inout` must hold after a launch. */
export function evaluateReference(
  bound: BoundKernel,
  problem: Problem,
): ReadonlyMap<string, ReferenceOutput> {
  const extentOf: ExtentOf = (axis) => {
    const [dim, by] = axis.split('/');
    const extent = problem.extents[dim!];
    if (extent === undefined) throw new Error(`no extent for ${axis}`);
    return by === undefined ? extent : extent / Number(by);
  };
  const outputs = new Map<string, ReferenceOutput>();
  for (const tensor of bound.tensors) {
    if (tensor.access === 'in') continue;
    const size = elementsOf(shapeOf(tensor, extentOf));
    outputs.set(tensor.name, {
      values: tensor.access === 'inout' ? problem.inputs.get(tensor.name)!.slice() : new Float64Array(size),
      error: new Float64Array(size),
      written: new Uint8Array(size),
    });
  }
  for (const section of bound.sections) {
    const evaluation = new SectionEvaluation(bound, section, problem, extentOf);
    for (const statement of section.statements) evaluation.run(statement, outputs);
  }
  return outputs;
}

class SectionEvaluation {
  private readonly locals = new Map<string, Grid>();

  constructor(
    private readonly bound: BoundKernel,
    private readonly section: BoundSection,
    private readonly problem: Problem,
    private readonly extentOf: ExtentOf,
  ) {}

  run(statement: TypedStatement, outputs: ReadonlyMap<string, ReferenceOutput>): void {
    if (statement.kind === 'let') {
      this.locals.set(statement.name, this.evaluate(statement.value));
      return;
    }
    const tensor = this.tensor(statement.tensor);
    const indices = this.indices(tensor, statement.indices);
    const axes = [
      ...new Set(tensor.modes.flatMap((mode) => indices.get(mode)?.axes ?? [axisOf(mode, this.section)])),
    ];
    const { places, unsure } = placesIn(tensor, this.section, axes, indices, this.extentOf);
    const value = expand(this.evaluate(statement.value), axes, this.extentOf);
    const where = statement.where && expand(this.evaluate(statement.where), axes, this.extentOf);
    const output = outputs.get(statement.tensor)!;
    for (let i = 0; i < places.length; i++) {
      const place = places[i]!;
      if (place < 0 || (where && where.values[i] === 0)) continue;
      output.values[place] = value.values[i]!;
      const doubtful = (unsure && unsure[i] !== 0) || (where?.error && where.error[i]! > 0);
      output.error[place] = doubtful ? INFINITY : (value.error?.[i] ?? 0);
      output.written[place] = 1;
    }
  }

  private evaluate(expr: TypedExpr): Grid {
    switch (expr.kind) {
      case 'literal':
        return scalar(expr.dtype === 'f32' ? fround(Number(expr.value)) : Number(expr.value));
      case 'param': {
        const value = this.problem.params[expr.name];
        if (value === undefined) throw new Error(`no value for ${expr.name}`);
        return scalar(expr.dtype === 'f32' ? fround(value) : value);
      }
      case 'position': {
        const axis = this.axisNamed(expr.dim);
        const extent = this.extentOf(axis);
        return grid(
          [axis],
          [extent],
          Float64Array.from({ length: extent }, (_, i) => i),
        );
      }
      case 'extent':
        return scalar(this.extentOf(this.axisNamed(expr.dim)));
      case 'local':
        return this.locals.get(expr.name)!;
      case 'load':
        return this.load(expr);
      case 'remap':
        return this.remap(expr);
      case 'unary': {
        const { axes, shape, values: x, error: ex } = this.evaluate(expr.operand);
        const { values, error } = applyUnary(expr.op, expr.operand.dtype, x, ex);
        return grid(axes, shape, values, error);
      }
      case 'binary': {
        const sums = expr.op === '+' || expr.op === '-';
        const [left, right] = [expr.left, expr.right].map((each) =>
          sums ? this.term(each) : this.evaluate(each),
        ) as [Grid, Grid];
        const { axes, shape, operands } = this.pair(left, right);
        const { values, error } = applyBinary(expr.op, expr.dtype, operands);
        return grid(axes, shape, values, error);
      }
      case 'compare': {
        const { axes, shape, operands } = this.pair(this.evaluate(expr.left), this.evaluate(expr.right));
        const { values, error } = applyCompare(expr.op, operands);
        return grid(axes, shape, values, error);
      }
      case 'select': {
        const condition = this.evaluate(expr.condition);
        const arms = [this.evaluate(expr.then), this.evaluate(expr.otherwise)] as const;
        const { axes, shape, operands } = this.pair(...arms, condition.axes);
        const wide = expand(condition, axes, this.extentOf);
        const { values, error } = applySelect(wide.values, wide.error, operands);
        return grid(axes, shape, values, error);
      }
      case 'cast': {
        const { axes, shape, values: x, error: ex } = this.evaluate(expr.operand);
        const { values, error } = applyCast(expr, x, ex);
        return grid(axes, shape, values, error);
      }
      case 'reduce':
        return this.reduce(expr);
      case 'top':
        return this.select(expr);
      case 'tally': {
        const bins = this.axisNamed(expr.bins);
        const over = expr.dims.map((dim) => this.axisNamed(dim));
        const operand = expand(this.evaluate(expr.operand), over, this.extentOf);
        return tally(expr.fn, operand, bins, this.extentOf(bins));
      }
      case 'scan':
        return scanAlong(this.evaluate(expr.operand));
      case 'lookup':
        return lookUp(this.evaluate(expr.operand), this.evaluate(expr.index));
      case 'arg':
        return argAlong(expr.fn, this.evaluate(expr.operand), this.axisNamed(expr.dim));
      case 'leading':
        return this.leading(expr);
      case 'random': {
        const [seed, offset] = [this.evaluate(expr.seed), this.evaluate(expr.offset)];
        return randomAlong(this.axisNamed(expr.dim), seed, offset, this.extentOf);
      }
      case 'pick':
        return pickAlong(
          this.evaluate(expr.operand),
          this.axisNamed(expr.dim),
          this.evaluate(expr.index),
          this.extentOf,
        );
      default:
        expr satisfies never;
        throw new Error('unreachable');
    }
  }

  private select(expr: TypedExpr & { kind: 'top' }): Grid {
    const [dim, axis] = [this.axisNamed(expr.dim), this.axisNamed(expr.slots)];
    const slots = { axis, extent: this.extentOf(axis) };
    const operand = this.evaluate(expr.operand);
    if (!expr.allowed) return selectAlong(expr.fn, operand, dim, slots);
    const allowed = this.evaluate(expr.allowed);
    const axes = union([operand.axes, allowed.axes]);
    const [wide, condition] = [operand, allowed].map((each) => expand(each, axes, this.extentOf)) as [
      Grid,
      Grid,
    ];
    return selectAlong(expr.fn, wide, dim, slots, condition);
  }

  private leading(expr: TypedExpr & { kind: 'leading' }): Grid {
    const { by, blocks } = expr;
    const dim = this.axisNamed(expr.dim);
    const [operand, need] = [this.evaluate(expr.operand), this.evaluate(expr.need)];
    const weight = expr.weight && this.evaluate(expr.weight);
    if (by !== undefined && !blocks) return leadingOfBlocks(operand, dim, by, need, this.extentOf);
    return leadingAlong(operand, blocks ? `${dim}/${by}` : dim, weight, need, this.extentOf);
  }

  /** A value that a sum takes in: an infinity that finite factors make is `FUSED`. */
  private term(expr: TypedExpr): Grid {
    const value = this.evaluate(expr);
    const product = this.productOf(expr);
    if (!product || !(value.values.includes(INFINITY) || value.values.includes(-INFINITY))) return value;
    const { a, b } = this.pair(this.evaluate(product.left), this.evaluate(product.right)).operands;
    const error = value.error?.slice() ?? new Float64Array(value.values.length);
    value.values.forEach((each, i) => {
      const fused = abs(each) === INFINITY && finite(a[i]!) && finite(b[i]!);
      if (fused && error[i] === 0) error[i] = FUSED;
    });
    return grid(value.axes, value.shape, value.values, error);
  }

  /** The product that a kernel could compute at once with a sum of `expr`. */
  private productOf(expr: TypedExpr): (TypedExpr & { kind: 'binary' }) | undefined {
    if (expr.kind === 'unary' && expr.op === 'neg') return this.productOf(expr.operand);
    if (expr.kind === 'local') {
      const definition = this.section.statements.find(
        (statement) => statement.kind === 'let' && statement.name === expr.name,
      );
      return definition && this.productOf(definition.value);
    }
    return expr.kind === 'binary' && expr.op === '*' && expr.dtype === 'f32' ? expr : undefined;
  }

  private pair(a: Grid, b: Grid, others: readonly string[] = []) {
    const axes = union([a.axes, b.axes, others]);
    const [x, y] = [expand(a, axes, this.extentOf), expand(b, axes, this.extentOf)];
    const operands: Operands = { a: x.values, b: y.values, ea: x.error, eb: y.error };
    return { axes, shape: x.shape, operands };
  }

  private axisNamed(dim: string): string {
    return this.section.cut?.dim === dim ? this.section.cut.as : dim;
  }

  private tensor(name: string): BoundTensor {
    return this.bound.tensors.find((tensor) => tensor.name === name)!;
  }

  private indices(tensor: BoundTensor, indices: readonly BoundIndex[]): ReadonlyMap<BoundMode, Grid> {
    const found = new Map<BoundMode, Grid>();
    for (const mode of tensor.modes) {
      const axis = axisOf(mode, this.section);
      const entry = indices.find(({ dim }) => dim === mode.dim || dim === mode.axis || dim === axis);
      if (entry) found.set(mode, this.evaluate(entry.index));
    }
    return found;
  }

  private load(expr: TypedExpr & { kind: 'load' }): Grid {
    const tensor = this.tensor(expr.tensor);
    const data = this.problem.inputs.get(expr.tensor);
    if (!data) throw new Error(`no values for ${expr.tensor}`);
    const indices = this.indices(tensor, expr.indices);
    const axes = union([
      tensor.modes.flatMap((mode) =>
        indices.has(mode) ? indices.get(mode)!.axes : [axisOf(mode, this.section)],
      ),
    ]);
    const { places, unsure } = placesIn(tensor, this.section, axes, indices, this.extentOf);
    const values = new Float64Array(places.length);
    for (let i = 0; i < values.length; i++) values[i] = places[i]! < 0 ? 0 : data[places[i]!]!;
    const error = unsure && Float64Array.from(unsure, (flag) => (flag ? INFINITY : 0));
    return grid(axes, axes.map(this.extentOf), values, error);
  }

  private remap(expr: TypedExpr & { kind: 'remap' }): Grid {
    const operand = this.evaluate(expr.operand);
    const { dim, scale, offset } = expr;
    const at = operand.axes.indexOf(dim);
    const axes = scale === 0 ? operand.axes.filter((axis) => axis !== dim) : operand.axes;
    const extent = operand.shape[at]!;
    const inner = elementsOf(operand.shape.slice(at + 1));
    const outer = elementsOf(operand.shape.slice(0, at));
    const positions = scale === 0 ? 1 : extent;
    const values = new Float64Array(outer * positions * inner);
    const error = operand.error && new Float64Array(values.length);
    for (let o = 0; o < outer; o++) {
      for (let p = 0; p < positions; p++) {
        const from = (o * extent + scale * p + offset) * inner;
        const to = (o * positions + p) * inner;
        values.set(operand.values.subarray(from, from + inner), to);
        error?.set(operand.error!.subarray(from, from + inner), to);
      }
    }
    return grid(axes, axes.map(this.extentOf), values, error);
  }

  private reduce(expr: TypedExpr & { kind: 'reduce' }): Grid {
    const { op, by, range } = expr;
    const sums = op === 'sum' || op === 'mean';
    const operand = sums ? this.term(expr.operand) : this.evaluate(expr.operand);
    const dim = this.axisNamed(expr.dim);
    if (!range) return reduceAxis(op, operand, dim, by, this.bound.extents[dim] === 'dynamic');
    const rest = operand.axes.filter((axis) => axis !== dim);
    const ordered = transpose(operand, [dim, ...rest]);
    return reduceRanges(op, ordered, range.rows, this.problem.inputs.get(range.tensor)!);
  }
}

/** Axes in order of first appearance; an axis and its own blocks (`hidden`, `hidden/128`) are the axis. */
function union(lists: readonly (readonly string[])[]): readonly string[] {
  const all = [...new Set(lists.flat())];
  return all.filter((axis) => !axis.includes('/') || !all.includes(axis.slice(0, axis.indexOf('/'))));
}

function transpose(operand: Grid, axes: readonly string[]): Grid {
  const lengths = new Map(operand.axes.map((axis, i) => [axis, operand.shape[i]!]));
  return expand(operand, axes, (axis) => lengths.get(axis)!);
}
