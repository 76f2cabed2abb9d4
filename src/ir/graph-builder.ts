/** Builds a section's values: computes axes, folds what literals decide, and gives equal subexpressions one value. */

import type { Axis, BinaryOp, CompareOp, Dtype, Rounding, SelectFn, UnaryOp } from '../spec/index.js';
import type { Place } from '../util/errors.js';
import { canonicalJson } from '../util/hash.js';
import type { Access, ReduceFn, Value, ValueId } from './kernel.js';

/** Of i32, which wraps. */
const WRAPPING: Partial<Record<BinaryOp, (x: number, y: number) => number>> = {
  '+': (x, y) => (x + y) | 0,
  '-': (x, y) => (x - y) | 0,
  '*': Math.imul,
};

type Unnumbered<V> = V extends Value ? Omit<V, 'id'> : never;
export type NewValue = Unnumbered<Value>;

export class GraphBuilder {
  readonly values: Value[] = [];
  private readonly known = new Map<string, ValueId>();

  /** Adds a value, or finds the one that computes the same. */
  add(value: NewValue): ValueId {
    const { span: _span, name: _name, ...identity } = value;
    const key = canonicalJson(identity);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const id = this.values.length;
    this.values.push({ ...value, id } as Value);
    this.known.set(key, id);
    return id;
  }

  /** Gives a value the formula's name, unless it has one. */
  rename(id: ValueId, name: string): void {
    const value = this.values[id]!;
    if (value.name === undefined && value.kind !== 'literal' && value.kind !== 'param') {
      this.values[id] = { ...value, name };
    }
  }

  /** Adds a value of another graph, whose operands already name values of this one. */
  copy(value: Value): ValueId {
    const { dtype, span } = value;
    switch (value.kind) {
      case 'literal':
      case 'param':
      case 'position':
      case 'extent':
      case 'carried':
      case 'count':
      case 'rank':
      case 'scan':
      case 'table': {
        const { id: _id, ...rest } = value;
        return this.add(rest as NewValue);
      }
      case 'load':
        return this.load(value.access, dtype, span);
      case 'remap':
        return this.remap(value.operand, value.axis, value.scale, value.offset, span);
      case 'unary':
        return this.unary(value.fn, value.operand, dtype, span);
      case 'binary':
        return this.binary(value.fn, value.left, value.right, dtype, span);
      case 'compare':
        return this.compare(value.fn, value.left, value.right, span);
      case 'select':
        return this.select(value.condition, value.then, value.otherwise, dtype, span);
      case 'cast':
        return this.cast(value.operand, dtype, value.rounding, value.saturate, span);
      case 'reduce':
        return this.reduce(value.fn, value.over, value.operand, span);
      case 'range-reduce':
        return this.rangeReduce(value.fn, value.over, value.operand, value.begin, value.end, span);
      case 'top':
        return this.top(value.fn, value.over, value.slots, value.operand, value.allowed, span);
      case 'arg':
        return this.arg(value.fn, value.over, value.operand, span);
      case 'cut':
        return this.cut(value.over, value.operand, value.weight, value.need, span);
      case 'cut-end':
        return this.add({ kind: 'cut-end', cut: value.cut, dtype, axes: this.axesOf(value.cut), span });
      case 'order':
        return this.order(value.operand, span);
      case 'random':
        return this.random(value.axis, value.seed, value.offset, span);
      case 'pick':
        return this.pick(value.operand, value.axis, value.index, span);
      case 'lookup':
        return this.lookup(value.operand, value.axis, value.extent, value.index, span);
      default:
        value satisfies never;
        throw new Error('unreachable');
    }
  }

  get(id: ValueId): Value {
    return this.values[id]!;
  }

  dtypeOf(id: ValueId): Dtype {
    return this.get(id).dtype;
  }

  axesOf(...ids: readonly ValueId[]): readonly Axis[] {
    return unionAxes(ids.map((id) => this.get(id).axes));
  }

  load(access: Access, dtype: Dtype, span: Place): ValueId {
    const axes = unionAxes([
      ...access.terms.map((term) =>
        term.kind === 'axis' ? [term.axis] : term.kind === 'value' ? this.get(term.value).axes : [],
      ),
    ]);
    return this.add({ kind: 'load', access, dtype, axes, span });
  }

  remap(operand: ValueId, axis: Axis, scale: number, offset: number, span: Place): ValueId {
    const { axes, dtype } = this.get(operand);
    if (!axes.includes(axis) || (scale === 1 && offset === 0)) return operand;
    return this.add({ kind: 'remap', operand, axis, scale, offset, dtype, axes, span });
  }

  unary(fn: UnaryOp, operand: ValueId, dtype: Dtype, span: Place): ValueId {
    return this.add({ kind: 'unary', fn, operand, dtype, axes: this.axesOf(operand), span });
  }

  binary(fn: BinaryOp, left: ValueId, right: ValueId, dtype: Dtype, span: Place): ValueId {
    const [a, b] = [this.get(left), this.get(right)];
    const wrapped = dtype === 'i32' && a.kind === 'literal' && b.kind === 'literal' && WRAPPING[fn];
    if (wrapped) return this.add({ ...a, value: wrapped(Number(a.value), Number(b.value)), span });
    if (fn === '*' && b.kind === 'literal' && a.kind === 'binary' && a.fn === '*' && dtype === 'f32') {
      const inner = this.get(a.right);
      if (inner.kind === 'literal') {
        const product = Math.fround(Number(inner.value) * Number(b.value));
        return this.binary('*', a.left, this.add({ ...b, value: product }), dtype, span);
      }
    }
    return this.add({ kind: 'binary', fn, left, right, dtype, axes: this.axesOf(left, right), span });
  }

  compare(fn: CompareOp, left: ValueId, right: ValueId, span: Place): ValueId {
    return this.add({
      kind: 'compare',
      fn,
      left,
      right,
      dtype: 'bool',
      axes: this.axesOf(left, right),
      span,
    });
  }

  select(condition: ValueId, then: ValueId, otherwise: ValueId, dtype: Dtype, span: Place): ValueId {
    return this.add({
      kind: 'select',
      condition,
      then,
      otherwise,
      dtype,
      axes: this.axesOf(condition, then, otherwise),
      span,
    });
  }

  cast(operand: ValueId, dtype: Dtype, rounding: Rounding, saturate: boolean, span: Place): ValueId {
    if (this.dtypeOf(operand) === dtype) return operand;
    return this.add({ kind: 'cast', operand, rounding, saturate, dtype, axes: this.axesOf(operand), span });
  }

  /**
   * A reduction over whole axes, or within the blocks of one (`dim%by`): the result then varies over `dim/by`.
   * A reduction of the same reduction is one over both axes.
   */
  reduce(fn: ReduceFn, over: readonly Axis[], operand: ValueId, span: Place): ValueId {
    const inner = this.get(operand);
    if (inner.kind === 'reduce' && inner.fn === fn && ![...over, ...inner.over].some(isWithinBlocks)) {
      return this.reduce(fn, [...inner.over, ...over], inner.operand, span);
    }
    // A mean of means: the inner 1/n moves out of the sum, so that both sums become one.
    if (
      inner.kind === 'binary' &&
      inner.fn === '*' &&
      fn === 'sum' &&
      this.get(inner.right).kind === 'literal'
    ) {
      return this.binary('*', this.reduce(fn, over, inner.left, span), inner.right, inner.dtype, span);
    }
    const axes = without(inner.axes, over);
    return this.add({ kind: 'reduce', fn, over, operand, dtype: inner.dtype, axes, span });
  }

  top(
    fn: SelectFn,
    over: readonly Axis[],
    slots: Axis,
    operand: ValueId,
    allowed: ValueId | undefined,
    span: Place,
  ): ValueId {
    const condition = allowed === undefined ? {} : { allowed };
    const all = this.axesOf(operand, ...(allowed === undefined ? [] : [allowed]));
    const axes = all.flatMap((axis) => (axis === over[0] ? [slots] : over.includes(axis) ? [] : [axis]));
    return this.add({ kind: 'top', fn, over, slots, operand, ...condition, dtype: 'i32', axes, span });
  }

  arg(fn: 'argmax' | 'argmin', over: Axis, operand: ValueId, span: Place): ValueId {
    const axes = this.axesOf(operand).filter((axis) => axis !== over);
    return this.add({ kind: 'arg', fn, over, operand, dtype: 'i32', axes, span });
  }

  cut(over: Axis, operand: ValueId, weight: ValueId | undefined, need: ValueId, span: Place): ValueId {
    const weights = weight === undefined ? [] : [weight];
    const axes = without(this.axesOf(operand, ...weights, need), [over]);
    const weighted = weight === undefined ? {} : { weight };
    return this.add({ kind: 'cut', over, operand, ...weighted, need, dtype: 'i32', axes, span });
  }

  order(operand: ValueId, span: Place): ValueId {
    return this.add({ kind: 'order', operand, dtype: 'i32', axes: this.axesOf(operand), span });
  }

  random(axis: Axis, seed: ValueId, offset: ValueId, span: Place): ValueId {
    const axes = unionAxes([this.axesOf(seed, offset), [axis]]);
    return this.add({ kind: 'random', axis, seed, offset, dtype: 'i32', axes, span });
  }

  /**
   * Whether an element is among a row's leading ones, or those of its block where `over` is `dim%by`: its key is above that of the
   * last, or the same and it is not behind it.
   */
  leading(over: Axis, operand: ValueId, weight: ValueId | undefined, need: ValueId, span: Place): ValueId {
    const cut = this.cut(over, operand, weight, need, span);
    const end = this.add({ kind: 'cut-end', cut, dtype: 'i32', axes: this.axesOf(cut), span });
    const key = this.order(operand, span);
    const axis = isWithinBlocks(over) ? over.slice(0, over.indexOf('%')) : over;
    const position = this.add({ kind: 'position', axis, dtype: 'i32', axes: [axis], span });
    const inside = this.compare('<=', position, end, span);
    const last = this.binary('&&', this.compare('==', key, cut, span), inside, 'bool', span);
    return this.binary('||', this.compare('>', key, cut, span), last, 'bool', span);
  }

  pick(operand: ValueId, axis: Axis, index: ValueId, span: Place): ValueId {
    const { axes: all, dtype } = this.get(operand);
    const axes = unionAxes([all.flatMap((each) => (each === axis ? this.axesOf(index) : [each]))]);
    return this.add({ kind: 'pick', operand, axis, index, dtype, axes, span });
  }

  lookup(operand: ValueId, axis: Axis, extent: number, index: ValueId, span: Place): ValueId {
    const axes = this.axesOf(index);
    return this.add({
      kind: 'lookup',
      operand,
      axis,
      extent,
      index,
      dtype: this.dtypeOf(operand),
      axes,
      span,
    });
  }

  rangeReduce(
    fn: ReduceFn,
    over: Axis,
    operand: ValueId,
    begin: ValueId,
    end: ValueId,
    span: Place,
  ): ValueId {
    const axes = unionAxes([this.get(begin).axes, this.get(operand).axes.filter((axis) => axis !== over)]);
    return this.add({
      kind: 'range-reduce',
      fn,
      over,
      operand,
      begin,
      end,
      dtype: this.dtypeOf(operand),
      axes,
      span,
    });
  }
}

/** Axes in order of first appearance. An axis and its own blocks (`hidden`, `hidden/128`) are the axis. */
export function unionAxes(lists: readonly (readonly Axis[])[]): readonly Axis[] {
  const all = [...new Set(lists.flat())];
  return all.filter((axis) => !axis.includes('/') || !all.includes(axis.slice(0, axis.indexOf('/'))));
}

/** Whether a reduction over an axis is one within the blocks of another: `hidden%128`. */
const isWithinBlocks = (axis: Axis): boolean => axis.includes('%');

/** What is left of axes after a reduction. Of an axis that is not cut into blocks yet, its blocks stay. */
function without(axes: readonly Axis[], over: readonly Axis[]): readonly Axis[] {
  const blocks = new Map(
    over.filter(isWithinBlocks).map((axis) => [axis.slice(0, axis.indexOf('%')), axis.replace('%', '/')]),
  );
  return axes.filter((axis) => !over.includes(axis)).map((axis) => blocks.get(axis) ?? axis);
}
