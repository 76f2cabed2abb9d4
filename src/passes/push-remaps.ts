/**
 * push-remaps: reads inputs at another position instead of moving computed values between threads.
 *
 * Matches a value read at another position of the axis that threads and vectors lie along.
 * Before: `y = f(x)` over hidden; `y[hidden: 255 - hidden]`.   After: `f(x[hidden: 255 - hidden])`, x loaded a second time.
 * The identity on other axes: there a thread holds every position, and the value is another tile of its own.
 * Refuses an in-place tensor: a thread would read what another one has overwritten already.
 */

import type { Axis } from '../spec/index.js';
import type { GraphBuilder } from '../ir/graph-builder.js';
import {
  stride,
  type Access,
  type Kernel,
  type Section,
  type Term,
  type Value,
  type ValueId,
} from '../ir/kernel.js';
import type { Place, RoseError } from '../util/errors.js';
import { contiguousAxis } from './assign-axes.js';
import { mapParts } from './parts.js';
import { rebuild } from './rebuild.js';
import { unsupported } from './unsupported.js';

export function pushRemaps(kernel: Kernel): Kernel {
  return mapParts(kernel, (section) => {
    const spread = contiguousAxis(section);
    const cut = new Set(section.values.flatMap((value) => value.axes.filter((axis) => axis.includes('/'))));
    return pushAlong(
      section,
      (axis) => axis === spread || [...cut].some((each) => each.startsWith(`${axis}/`)),
    );
  });
}

/** `section` without remaps along the axes that `along` accepts. */
export function pushAlong(section: Section, along: (axis: Axis) => boolean): Section {
  const matches = section.values.some((value) => value.kind === 'remap' && along(value.axis));
  if (!matches) return section;
  return rebuild(section, (value, graph) => {
    if (value.kind !== 'remap' || !along(value.axis)) return graph.copy(value);
    const { axis, scale, offset, span } = value;
    return moved(section, graph, value.operand, { axis, scale, offset }, span);
  });
}

/** A value of `graph` with its positions along one axis moved. */
export function moved(
  section: Section,
  graph: GraphBuilder,
  value: ValueId,
  move: Move,
  span: Place,
): ValueId {
  const written = new Set(section.stores.map((store) => store.access.tensor));
  return new Push(section, graph, written, move, span).value(value);
}

/** To `scale * position + offset`, or to what an index says that lies within the axis. */
export type Move = { readonly axis: Axis } & (
  { readonly scale: number; readonly offset: number } | { readonly index: ValueId }
);

/** Copies a value with the positions along one axis mapped. */
class Push {
  private readonly memo = new Map<ValueId, ValueId>();

  constructor(
    private readonly section: Section,
    private readonly graph: GraphBuilder,
    private readonly written: ReadonlySet<string>,
    private readonly map: Move,
    private readonly span: Place,
  ) {}

  value(id: ValueId): ValueId {
    const { graph } = this;
    const value = graph.get(id);
    if (value.axes.some((axis) => axis.startsWith(`${this.map.axis}/`))) throw this.ofBlocks();
    if (!value.axes.includes(this.map.axis)) return id;
    const known = this.memo.get(id);
    if (known !== undefined) return known;
    const mapped = this.mapped(value);
    this.memo.set(id, mapped);
    return mapped;
  }

  /** What a block has in common is with the threads that hold the block. */
  private ofBlocks(): RoseError {
    const { axis } = this.map;
    return unsupported(
      this.section,
      `a value of the blocks of ${axis} read at another position along it`,
      'a value that no block has in common',
      this.span,
    );
  }

  private mapped(value: Value): ValueId {
    const { graph } = this;
    const { axis } = this.map;
    const { dtype, span } = value;
    switch (value.kind) {
      case 'position': {
        if ('index' in this.map) return graph.cast(this.map.index, dtype, 'rn', false, span);
        const { scale, offset } = this.map;
        const number = (count: number) => graph.add({ kind: 'literal', value: count, axes: [], dtype, span });
        if (scale === 0) return number(offset);
        const scaled = graph.binary('*', value.id, number(scale), dtype, span);
        return graph.binary('+', scaled, number(offset), dtype, span);
      }
      case 'load':
        return graph.load(this.access(value.access), dtype, span);
      case 'remap':
        if (value.axis === axis) {
          const inner = this.composed(value, this.map);
          return new Push(this.section, graph, this.written, inner, this.span).value(value.operand);
        }
        return graph.remap(this.value(value.operand), value.axis, value.scale, value.offset, span);
      case 'unary':
        return graph.unary(value.fn, this.value(value.operand), dtype, span);
      case 'order':
        return graph.order(this.value(value.operand), span);
      case 'cast':
        return graph.cast(this.value(value.operand), dtype, value.rounding, value.saturate, span);
      case 'binary':
        return graph.binary(value.fn, this.value(value.left), this.value(value.right), dtype, span);
      case 'compare':
        return graph.compare(value.fn, this.value(value.left), this.value(value.right), span);
      case 'select':
        return graph.select(
          this.value(value.condition),
          this.value(value.then),
          this.value(value.otherwise),
          dtype,
          span,
        );
      case 'reduce':
        return graph.reduce(value.fn, value.over, this.value(value.operand), span);
      case 'range-reduce':
        return graph.rangeReduce(
          value.fn,
          value.over,
          this.value(value.operand),
          this.value(value.begin),
          this.value(value.end),
          span,
        );
      case 'arg':
      case 'cut':
      case 'cut-end':
      case 'random':
      case 'top':
      case 'pick':
      case 'carried':
      case 'count':
      case 'rank':
      case 'scan':
      case 'lookup':
      case 'table':
        throw unsupported(
          this.section,
          value.kind === 'random'
            ? `a random number read at another position along ${axis}`
            : `a selection read at another position along ${axis}`,
          value.kind === 'random'
            ? 'random numbers at their own positions'
            : 'what is selected, in its order',
          this.span,
        );
      default:
        throw new Error(`a ${value.kind} varies over no axis`);
    }
  }

  /** A position moved first by `map`, then as a remap says. */
  private composed({ axis, scale, offset, span }: Value & { kind: 'remap' }, map: Move): Move {
    if (!('index' in map)) return { axis, scale: scale * map.scale, offset: scale * map.offset + offset };
    const { graph } = this;
    const number = (value: number) => graph.add({ kind: 'literal', value, axes: [], dtype: 'i32', span });
    const scaled = graph.binary('*', map.index, number(scale), 'i32', span);
    return { axis, index: graph.binary('+', scaled, number(offset), 'i32', span) };
  }

  private access(access: Access): Access {
    const { map } = this;
    const { axis } = map;
    if (this.written.has(access.tensor)) {
      throw unsupported(
        this.section,
        `${access.tensor} is updated in place and read at another position along ${axis}, where other threads write`,
        'an input of its own',
        this.span,
      );
    }
    const terms = access.terms.flatMap((term): readonly Term[] => {
      if (term.kind === 'value') return [{ ...term, value: this.value(term.value) }];
      if (term.kind !== 'axis' || term.axis !== axis) return [term];
      if ('index' in map) return [{ kind: 'value', value: map.index, stride: term.stride }];
      const { scale, offset } = map;
      const { factor, symbols } = term.stride;
      return [
        ...(scale === 0 ? [] : [{ ...term, stride: stride(factor * scale, symbols) }]),
        ...(offset === 0 ? [] : [{ kind: 'constant', stride: stride(factor * offset, symbols) } as const]),
      ];
    });
    const bounds = access.bounds.map((bound) => ({ ...bound, value: this.value(bound.value) }));
    return { ...access, terms, bounds };
  }
}
