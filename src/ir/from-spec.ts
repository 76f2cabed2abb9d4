/**
 * `BoundKernel` -> IR in formula form.
 *
 * Each section becomes a graph of values in which every load names its element by a sum of strides, so that later
 * passes split axes without knowing shapes. Means become sums; repeated subexpressions become one value.
 */

import { affineOf, type Affine } from '../spec/affine.js';
import type {
  BoundKernel,
  BoundMode,
  BoundSection,
  BoundTensor,
  Extent,
  TypedExpr,
  TypedStatement,
} from '../spec/index.js';
import type { Place } from '../util/errors.js';
import { GraphBuilder } from './graph-builder.js';
import {
  stride,
  type Access,
  type AxisInfo,
  type Bound,
  type IrScalar,
  type IrTensor,
  type Kernel,
  type Section,
  type Store,
  type Stride,
  type Term,
  type ValueId,
} from './kernel.js';

export function fromSpec(bound: BoundKernel): Kernel {
  const tensors = bound.tensors.map((tensor) => irTensor(tensor));
  return {
    name: bound.spec.name,
    tensors,
    scalars: scalars(bound),
    sections: bound.sections.map((section) => new SectionLowering(bound, section).run()),
    shared: [],
  };
}

/** Strides of a tensor's modes; dynamic ones are launch-time scalars. */
export function modeStrides(tensor: BoundTensor): readonly Stride[] {
  return tensor.modes.map((mode, i) => {
    if (mode.stride === 'dynamic') return stride(1, [strideName(tensor, mode)]);
    if (mode.stride !== 'computed') return stride(mode.stride);
    const inner = tensor.modes.slice(i + 1);
    const factor = inner.reduce(
      (product, m) => product * (m.extent === 'dynamic' ? 1 : m.extent + m.extra),
      1,
    );
    return stride(
      factor,
      inner.filter((m) => m.extent === 'dynamic').map((m) => m.dim),
    );
  });
}

const strideName = (tensor: BoundTensor, mode: BoundMode) => `${tensor.name}_stride${mode.entry}`;

function irTensor(tensor: BoundTensor): IrTensor {
  return {
    name: tensor.name,
    dtype: tensor.dtype,
    access: tensor.access,
    shape: tensor.modes.map((mode) => describeMode(mode)),
    align: tensor.align ?? 0,
    weight: tensor.constant === true,
    ...(tensor.doc !== undefined && { doc: tensor.doc }),
  };
}

function describeMode(mode: BoundMode): string {
  const extra = mode.extra > 0 ? `+${mode.extra}` : '';
  return mode.extent === 'dynamic'
    ? `${mode.axis}${extra}`
    : `${mode.axis}${extra}=${mode.extent + mode.extra}`;
}

function scalars(bound: BoundKernel): readonly IrScalar[] {
  const dims = Object.entries(bound.extents).filter(([, extent]) => extent === 'dynamic');
  return [
    ...dims.map(([dim]): IrScalar => ({
      name: dim,
      dtype: 'i32',
      source: { kind: 'dim', dim },
      multipleOf: 1,
    })),
    ...bound.tensors.flatMap((tensor) =>
      tensor.modes
        .filter((mode) => mode.stride === 'dynamic')
        .map((mode): IrScalar => ({
          name: strideName(tensor, mode),
          dtype: 'i64',
          source: { kind: 'stride', tensor: tensor.name, entry: mode.entry },
          multipleOf: 1,
        })),
    ),
    ...bound.params.map((param): IrScalar => ({
      name: param.name,
      dtype: param.dtype,
      source: { kind: 'param' },
      multipleOf: 1,
    })),
  ];
}

class SectionLowering {
  private readonly graph = new GraphBuilder();
  private readonly locals = new Map<string, ValueId>();
  private readonly stores: Store[] = [];

  constructor(
    private readonly bound: BoundKernel,
    private readonly section: BoundSection,
  ) {}

  run(): Section {
    for (const statement of this.section.statements) this.statement(statement);
    return {
      name: this.section.name,
      values: this.graph.values,
      stores: this.stores,
      axes: this.axes(),
    };
  }

  /** Axes that the section's values vary over, in the order in which its tensors name them. */
  private axes(): readonly AxisInfo[] {
    const used = new Set(this.graph.values.flatMap((value) => value.axes));
    for (const store of this.stores) {
      for (const term of store.access.terms) if (term.kind === 'axis') used.add(term.axis);
    }
    const order = this.bound.tensors.flatMap((tensor) => tensor.modes.map((mode) => this.axisOf(mode)));
    return [...new Set([...order, ...used])]
      .filter((axis) => used.has(axis))
      .map((axis) => ({ axis, extent: this.extentOf(axis), role: 'row' as const }));
  }

  private extentOf(axis: string): Extent {
    const [dim, by] = axis.split('/');
    const extent = this.bound.extents[dim!]!;
    return by === undefined || extent === 'dynamic' ? extent : extent / Number(by);
  }

  /** The axis of a mode under the section's cut. */
  private axisOf(mode: BoundMode): string {
    return this.section.cut?.dim === mode.dim ? this.section.cut.as : mode.axis;
  }

  /** The axis of a dimension under the section's cut. */
  private axisNamed(dim: string): string {
    return this.section.cut?.dim === dim ? this.section.cut.as : dim;
  }

  private statement(statement: TypedStatement): void {
    if (statement.kind === 'let') {
      const id = this.value(statement.value);
      this.graph.rename(id, statement.name);
      this.locals.set(statement.name, id);
      return;
    }
    const value = this.value(statement.value);
    const where = statement.where && this.value(statement.where);
    const { access } = this.access(statement.tensor, statement.indices);
    this.stores.push({ access, value, ...(where !== undefined && { where }), span: statement.span });
  }

  private value(expr: TypedExpr): ValueId {
    const { graph } = this;
    const { dtype, span } = expr;
    switch (expr.kind) {
      case 'literal':
        return graph.add({ kind: 'literal', value: expr.value, dtype, axes: [], span });
      case 'param':
        return graph.add({ kind: 'param', param: expr.name, dtype, axes: [], span });
      case 'position': {
        const axis = this.section.cut?.dim === expr.dim ? this.section.cut.as : expr.dim;
        return graph.add({ kind: 'position', axis, dtype, axes: [axis], span });
      }
      case 'extent': {
        const extent = this.bound.extents[expr.dim]!;
        return extent === 'dynamic'
          ? graph.add({ kind: 'extent', dim: expr.dim, dtype, axes: [], span })
          : graph.add({ kind: 'literal', value: extent, dtype, axes: [], span });
      }
      case 'local':
        return this.locals.get(expr.name)!;
      case 'load': {
        const { access, remaps } = this.access(expr.tensor, expr.indices);
        const load = graph.load(access, dtype, span);
        return remaps.reduce(
          (operand, { axis, scale, offset }) => graph.remap(operand, axis, scale, offset, span),
          load,
        );
      }
      case 'remap':
        return graph.remap(this.value(expr.operand), expr.dim, expr.scale, expr.offset, span);
      case 'unary':
        return graph.unary(expr.op, this.value(expr.operand), dtype, span);
      case 'binary':
        return graph.binary(expr.op, this.value(expr.left), this.value(expr.right), dtype, span);
      case 'compare':
        return graph.compare(expr.op, this.value(expr.left), this.value(expr.right), span);
      case 'select':
        return graph.select(
          this.value(expr.condition),
          this.value(expr.then),
          this.value(expr.otherwise),
          dtype,
          span,
        );
      case 'cast':
        return graph.cast(this.value(expr.operand), dtype, expr.rounding, expr.saturate, span);
      case 'reduce':
        return expr.range ? this.rangeReduce(expr, expr.range) : this.reduce(expr);
      case 'top': {
        const operand = this.value(expr.operand);
        const allowed = expr.allowed && this.value(expr.allowed);
        const [over, slots] = [this.axisNamed(expr.dim), this.axisNamed(expr.slots)];
        return graph.top(expr.fn, [over], slots, operand, allowed, span);
      }
      case 'tally': {
        const operand = this.value(expr.operand);
        const [over, bins] = [expr.dims.map((dim) => this.axisNamed(dim)), this.axisNamed(expr.bins)];
        const tally = { over, bins, operand, dtype, span } as const;
        return expr.fn === 'count'
          ? graph.add({ kind: 'count', ...tally, axes: [bins] })
          : graph.add({ kind: 'rank', ...tally, axes: graph.axesOf(operand) });
      }
      case 'scan': {
        const over = this.axisNamed(expr.dim);
        return graph.add({
          kind: 'scan',
          over,
          operand: this.value(expr.operand),
          dtype,
          axes: [over],
          span,
        });
      }
      case 'lookup': {
        const axis = this.axisNamed(expr.dim);
        const extent = Number(this.extentOf(axis));
        return graph.lookup(this.value(expr.operand), axis, extent, this.value(expr.index), span);
      }
      case 'arg':
        return graph.arg(expr.fn, this.axisNamed(expr.dim), this.value(expr.operand), span);
      case 'leading': {
        const operand = this.value(expr.operand);
        const weight = expr.weight && this.value(expr.weight);
        const { by, blocks } = expr;
        const dim = this.axisNamed(expr.dim);
        const over = by === undefined ? dim : `${dim}${blocks ? '/' : '%'}${by}`;
        return graph.leading(over, operand, weight, this.value(expr.need), span);
      }
      case 'random':
        return graph.random(this.axisNamed(expr.dim), this.value(expr.seed), this.value(expr.offset), span);
      case 'pick':
        return graph.pick(this.value(expr.operand), this.axisNamed(expr.dim), this.value(expr.index), span);
      default:
        expr satisfies never;
        throw new Error('unreachable');
    }
  }

  private reduce(expr: TypedExpr & { kind: 'reduce' }): ValueId {
    const { graph } = this;
    const { span, by } = expr;
    const dim = this.section.cut?.dim === expr.dim ? this.section.cut.as : expr.dim;
    const operand = this.value(expr.operand);
    const fn = expr.op === 'mean' ? 'sum' : expr.op;
    // Over blocks, `split-blocks` later replaces the inner axis `dim%by` by a real one.
    const reduced = graph.reduce(fn, [by === undefined ? dim : `${dim}%${by}`], operand, span);
    if (expr.op !== 'mean') return reduced;
    const extent = by ?? this.extentOf(dim);
    const f32 = { dtype: 'f32', axes: [], span } as const;
    if (extent !== 'dynamic') {
      // sum * (1/n): one rounding more than a division, and no division.
      return graph.binary(
        '*',
        reduced,
        graph.add({ kind: 'literal', value: Math.fround(1 / extent), ...f32 }),
        'f32',
        span,
      );
    }
    const count = graph.cast(
      graph.add({ kind: 'extent', dim, dtype: 'i32', axes: [], span }),
      'f32',
      'rn',
      false,
      span,
    );
    return graph.binary('/', reduced, count, 'f32', span);
  }

  private rangeReduce(
    expr: TypedExpr & { kind: 'reduce' },
    range: { tensor: string; rows: string },
  ): ValueId {
    const { graph } = this;
    const { span } = expr;
    const { begin, end } = this.rangeEnds(range, expr.dim, span);
    const operand = this.value(expr.operand);
    const fn = expr.op === 'mean' ? 'sum' : expr.op;
    const reduced = graph.rangeReduce(fn, expr.dim, operand, begin, end, span);
    if (expr.op !== 'mean') return reduced;
    const length = graph.binary('-', end, begin, graph.dtypeOf(end), span);
    const one = graph.add({ kind: 'literal', value: 1, dtype: graph.dtypeOf(end), axes: [], span });
    // An empty range divides its sum of 0 by 1.
    const count = graph.cast(
      graph.binary('max', length, one, graph.dtypeOf(end), span),
      'f32',
      'rn',
      false,
      span,
    );
    return graph.binary('/', reduced, count, 'f32', span);
  }

  /** Offsets [rows] and [rows + 1] of a range, kept within the walked dimension so that damaged offsets read nothing. */
  private rangeEnds(
    range: { tensor: string; rows: string },
    dim: string,
    span: Place,
  ): { begin: ValueId; end: ValueId } {
    const { graph } = this;
    const tensor = this.tensor(range.tensor);
    const [step] = modeStrides(tensor);
    const at = (extra: number) => {
      const terms: Term[] = [{ kind: 'axis', axis: range.rows, stride: step! }];
      if (extra > 0) terms.push({ kind: 'constant', stride: stride(step!.factor * extra, step!.symbols) });
      return this.graph.load({ tensor: tensor.name, terms, bounds: [] }, tensor.dtype, span);
    };
    const scalar = { dtype: tensor.dtype, axes: [], span } as const;
    const zero = graph.add({ kind: 'literal', value: 0, ...scalar });
    const extent = graph.add({ kind: 'extent', dim, ...scalar });
    return {
      begin: graph.binary('max', at(0), zero, tensor.dtype, span),
      end: graph.binary('min', at(1), extent, tensor.dtype, span),
    };
  }

  private tensor(name: string): BoundTensor {
    return this.bound.tensors.find((tensor) => tensor.name === name)!;
  }

  private access(
    name: string,
    indices: readonly { readonly dim: string; readonly index: TypedExpr }[],
  ): { access: Access; remaps: { axis: string; scale: number; offset: number }[] } {
    const tensor = this.tensor(name);
    const strides = modeStrides(tensor);
    const terms: Term[] = [];
    const bounds: Bound[] = [];
    const remaps: { axis: string; scale: number; offset: number }[] = [];
    tensor.modes.forEach((mode, i) => {
      const step = strides[i]!;
      const times = (count: number): Stride => stride(step.factor * count, step.symbols);
      const axis = this.axisOf(mode);
      const cut = this.section.cut?.dim === mode.dim ? this.section.cut.offset : 0;
      if (cut > 0) terms.push({ kind: 'constant', stride: times(cut) });
      const index = indices.find(
        (entry) => entry.dim === mode.dim || entry.dim === mode.axis || entry.dim === axis,
      )?.index;
      if (index === undefined) {
        terms.push({ kind: 'axis', axis, stride: step });
        return;
      }
      const affine = affineOf(index);
      const limit = this.limitOf(mode);
      const extent = typeof limit === 'number' ? limit : undefined;
      if (
        affine &&
        affine.scale === 0 &&
        extent !== undefined &&
        affine.offset >= 0 &&
        affine.offset < extent
      ) {
        if (affine.offset > 0) terms.push({ kind: 'constant', stride: times(affine.offset) });
      } else if (affine && affine.scale === 1 && this.shiftFits(mode, affine)) {
        terms.push({ kind: 'axis', axis: affine.dim!, stride: step });
        if (affine.offset > 0) terms.push({ kind: 'constant', stride: times(affine.offset) });
      } else if (affine && affine.dim === mode.dim && extent !== undefined) {
        terms.push({ kind: 'axis', axis, stride: step });
        remaps.push({ axis, scale: affine.scale, offset: affine.offset });
      } else {
        const value = this.value(index);
        terms.push({ kind: 'value', value, stride: step });
        // What a selection along the mode gives lies inside it.
        const source = this.graph.get(value);
        if (source.kind !== 'top' || !source.over.includes(axis)) bounds.push({ value, extent: limit });
      }
    });
    return { access: { tensor: name, terms, bounds }, remaps };
  }

  /** What an index into a mode stays below: a number, or the name of a dynamic dimension; under a cut, its section's part. */
  private limitOf(mode: BoundMode): number | string {
    if (this.section.cut?.dim === mode.dim) return Number(this.bound.extents[this.section.cut.as]);
    return mode.extent === 'dynamic' ? mode.dim : mode.extent + mode.extra;
  }

  /** position + offset stays inside the mode. */
  private shiftFits(mode: BoundMode, affine: Affine): boolean {
    if (affine.dim === undefined || affine.offset < 0) return false;
    if (affine.dim === mode.dim) return affine.offset <= mode.extra;
    const from = this.bound.extents[affine.dim];
    return (
      typeof from === 'number' &&
      mode.extent !== 'dynamic' &&
      from + affine.offset <= mode.extent + mode.extra
    );
  }
}
