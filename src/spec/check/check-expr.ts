/** An expression as parsed -> a typed one: names resolved, flags folded, casts explicit, dtypes equal where they meet. */

import { RoseError, type Place } from '../../util/errors.js';
import { unknownName } from '../names.js';
import type { BoundIndex, Dtype, Expr, IndexEntry, TypedExpr } from '../types.js';
import { unionAxes } from './axes.js';
import { checkCall, position } from './calls.js';
import type { Checker } from './checker.js';
import { typeError, unsupported } from './errors.js';
import { checkIndex, remap } from './indices.js';
import { boolean, checkNumber } from './literals.js';
import { checkBinary, checkUnary } from './operators.js';
import { checkReduce } from './reductions.js';
import { checkRowFunction } from './row-functions.js';
import type { Scope, TensorView } from './scope.js';
import { checkSelection, isSelection, pick } from './selections.js';
import { decide } from './static-flags.js';
import { checkScan, checkTally, isTable, lookup } from './tables.js';

export class ExprChecker implements Checker {
  /** Inside the index of an entry a dimension's name is its position. */
  private entryDepth = 0;

  constructor(readonly scope: Scope) {}

  check(expr: Expr, hint?: Dtype): TypedExpr {
    switch (expr.kind) {
      case 'number':
        return checkNumber(expr, hint);
      case 'name':
        return this.name(expr.name, expr.span);
      case 'unary':
        return checkUnary(this, expr, hint);
      case 'binary':
        return checkBinary(this, expr, hint);
      case 'call':
        return checkCall(this, expr, hint);
      case 'reduce':
        return checkReduce(this, expr);
      case 'top':
        return checkSelection(this, expr);
      case 'tally':
        return checkTally(this, expr);
      case 'scan':
        return checkScan(this, expr);
      case 'row':
        return checkRowFunction(this, expr);
      case 'index':
        return this.index(expr.operand, expr.entries, expr.span);
      default:
        expr satisfies never;
        throw new Error('unreachable');
    }
  }

  /** The indices of `[dim: index, ...]`, checked against the dimensions of a tensor. */
  entries(view: TensorView, entries: readonly IndexEntry[]): readonly BoundIndex[] {
    return this.eachEntry(entries, (entry) => {
      const mode = view.modes.find(({ dim }) => dim === entry.dim);
      if (!mode) {
        this.scope.dim(entry.dim, entry.span);
        const dims = view.modes.map(({ axis }) => axis);
        throw unknownName(
          'FORMULA_NAME',
          `dimension of ${view.decl.name} called`,
          entry.dim,
          dims,
          entry.span,
        );
      }
      if (mode.by > 1) {
        throw unsupported(
          `${view.decl.name} has blocks of ${mode.dim}, which cannot be indexed`,
          `${mode.axis} at an index`,
          'an index along a whole dimension',
          `declare a dimension \`${mode.dim}_blocks: ${mode.dim} / ${mode.by}\` and use it in the shape`,
          entry.span,
        );
      }
      const index = this.position(entry);
      checkIndex(this.scope, index, mode.dim, mode.extra, entry.span);
      return { dim: mode.dim, index };
    });
  }

  private eachEntry<T>(entries: readonly IndexEntry[], use: (entry: IndexEntry) => T): readonly T[] {
    return entries.map((entry, i) => {
      if (entries.findIndex(({ dim }) => dim === entry.dim) !== i) {
        throw typeError(
          `${entry.dim} is indexed twice`,
          entry.dim,
          'each dimension once',
          'remove one of the two',
          entry.span,
        );
      }
      return use(entry);
    });
  }

  /** The value of an entry's index: i32 or i64. */
  private position(entry: IndexEntry): TypedExpr {
    const index = this.inEntry(() => this.check(entry.index));
    if (index.dtype === 'i32' || index.dtype === 'i64') return index;
    throw typeError(
      `the index along ${entry.dim} is no integer`,
      index.dtype,
      'i32 or i64',
      index.dtype === 'f32' ? 'write i32.rz(x)' : 'write i32(x)',
      index.span,
    );
  }

  private inEntry<T>(check: () => T): T {
    this.entryDepth += 1;
    try {
      return check();
    } finally {
      this.entryDepth -= 1;
    }
  }

  private name(name: string, span: Place): TypedExpr {
    const { scope } = this;
    const decided = decide({ kind: 'name', name, span }, scope.choice.flags);
    if (decided !== undefined) return boolean(decided, span);
    const local = scope.locals.get(name);
    if (local instanceof RoseError) throw local;
    if (local) return { kind: 'local', name, dtype: local.dtype, axes: local.axes, span };
    const param = scope.param(name, span);
    if (param) return { kind: 'param', name, dtype: param, axes: [], span };
    const tensor = scope.tensor(name, span);
    if (tensor) return this.load(tensor, [], span);
    // In a section, the dimension that is cut has no position of its own: its name there is another one.
    const isDim = scope.spec.dims.some((dim) => dim.name === name);
    if (isDim && this.entryDepth > 0) return position(scope, name, span);
    throw typeError(
      `${name} is no value`,
      isDim ? `${name} is a dimension` : `${name} is a type`,
      'a tensor, a param or a local',
      isDim ? `write index(${name}) for the position, size(${name}) for the extent` : `write ${name}(x)`,
      span,
    );
  }

  private load(view: TensorView, indices: readonly BoundIndex[], span: Place): TypedExpr {
    const { decl, dtype, modes } = view;
    if (decl.access === 'out') {
      throw typeError(
        `${decl.name} is an output and cannot be read`,
        'access: out',
        'an input, or a local',
        'give the value that is written a name and use that, or declare the tensor `access: inout`',
        span,
      );
    }
    const lists = modes.map(
      ({ axis, dim }) => indices.find((index) => index.dim === dim)?.index.axes ?? [axis],
    );
    return { kind: 'load', tensor: decl.name, indices, dtype, axes: unionAxes(lists, span), span };
  }

  private index(operand: Expr, entries: readonly IndexEntry[], span: Place): TypedExpr {
    const view = operand.kind === 'name' ? this.scope.tensor(operand.name, operand.span) : undefined;
    if (view) return this.load(view, this.entries(view, entries), span);
    const value = this.check(operand);
    const indices = this.eachEntry(entries, (entry) => {
      this.scope.dim(entry.dim, entry.span);
      return { dim: entry.dim, index: this.position(entry), span: entry.span };
    });
    return indices.reduce(
      (inner, { dim, index, span: place }) =>
        isSelection(this.scope, index, dim)
          ? pick(inner, dim, index, place)
          : isTable(this.scope, inner)
            ? lookup(inner, dim, index, place)
            : remap(this.scope, inner, dim, index, place),
      value,
    );
  }
}
