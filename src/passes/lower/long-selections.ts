/**
 * A selection of a row that no warp can hold: a cut leaves its elements, and each finds its place among them.
 *
 * The elements that the cut leaves are put in shared memory in no order. The place of one is the number of those before it, in
 * the order of selections: each thread counts them for its elements. Result j ends up in thread j % threads, register j / threads.
 */

import type { Value, ValueId } from '../../ir/kernel.js';
import { all, arith, compare, guarded, i32, name, type Statement, type TileExpr } from '../../ir/tile.js';
import type { Cuts } from './cuts.js';
import { either } from './integers.js';
import { at, choose, read, write } from './scalars.js';
import type { Fragment, Scope, SectionContext } from './section-context.js';

type Top = Value & { readonly kind: 'top' };

export class LongSelections {
  private readonly results = new Map<ValueId, Fragment>();

  constructor(
    private readonly context: SectionContext,
    private readonly cuts: Cuts,
  ) {}

  /** What a selection gave, along the lanes of the next part. */
  result(id: ValueId): Fragment | undefined {
    return this.results.get(id);
  }

  begin(id: ValueId): void {
    this.cuts.begin(id);
  }

  accumulate(id: ValueId, scope: Scope): void {
    this.cuts.accumulate(id, scope);
  }

  finish(id: ValueId): void {
    const { context } = this;
    const { names, row } = context;
    const top = context.section.values[id] as Top;
    const count = this.slots(top);
    const cut = this.cuts.find(id, i32(count));
    const wanted = top.name ?? 'top';
    const [keys, places, order, taken] = ['keys', 'places', 'order', 'taken'].map((what) => {
      const region = names.fresh(`s_${wanted}_${what}`);
      context.shared.push({ name: region, dtype: 'i32', elements: what === 'taken' ? 4 : count, align: 16 });
      return region;
    }) as [string, string, string, string];
    row.push(
      ...guarded(compare('==', name('thread', 'i32'), i32(0)), [write(taken, i32(0), i32(0))]),
      { kind: 'barrier' },
      ...this.cuts.everyElement(id, (key, position) => {
        const slot = names.fresh('slot');
        const leads = either(
          compare('>', key, cut.key),
          all([compare('==', key, cut.key), compare('<=', position, cut.end)])!,
        );
        return guarded(leads, [
          { kind: 'shared-add', to: taken, index: i32(0), value: i32(1), result: slot },
          write(keys, name(slot, 'i32'), key),
          write(places, name(slot, 'i32'), position),
        ]);
      }),
      { kind: 'barrier' },
      this.rank(count, keys, places, order),
      { kind: 'barrier' },
    );
    this.results.set(id, this.load(wanted, count, order, top));
  }

  /** Puts each position where its place in the order is. */
  private rank(count: number, keys: string, places: string, order: string): Statement {
    const { names, lanes } = this.context;
    const [own, other, rank] = ['chosen', 'other', 'rank'].map((wanted) =>
      name(names.fresh(wanted), 'i32'),
    ) as [TileExpr & { kind: 'name' }, TileExpr & { kind: 'name' }, TileExpr & { kind: 'name' }];
    const [key, there] = [read(keys, own), read(places, own)];
    const [next, beside] = [read(keys, other), read(places, other)];
    const before = either(
      compare('>', next, key),
      all([compare('==', next, key), compare('<', beside, there)])!,
    );
    const counted = arith('+', rank, choose(before, i32(1), i32(0)));
    const inner: Statement = {
      kind: 'loop',
      variable: other.name,
      begin: i32(0),
      end: i32(count),
      step: i32(1),
      unroll: 4,
      body: [{ kind: 'assign', name: rank.name, value: counted }],
    };
    const zero: TileExpr = {
      kind: 'cast',
      operand: i32(0),
      rounding: 'rn',
      saturate: false,
      dtype: 'i32',
      width: 0,
    };
    return {
      kind: 'loop',
      variable: own.name,
      begin: name('thread', 'i32'),
      end: i32(count),
      step: i32(lanes.threads),
      unroll: 1,
      body: [{ kind: 'let', name: rank.name, value: zero }, inner, write(order, rank, there)],
      comment: 'how many of them come before each',
    };
  }

  /** The positions of this thread's places. Threads past the end of what is selected hold position 0, which exists. */
  private load(wanted: string, count: number, order: string, top: Top): Fragment {
    const { names, row, lanes, unrolled } = this.context;
    const registers = Math.ceil(count / lanes.threads);
    const result: Fragment = {
      name: names.fresh(`r_${wanted}`),
      dtype: 'i32',
      hasVector: true,
      tiles: registers > 1 ? [0] : [],
      storage: 'registers',
    };
    const shape = registers > 1 ? [1, registers] : [1];
    row.push({ kind: 'fragment', name: result.name, dtype: 'i32', shape, fill: 0, span: top.span });
    const variable = names.fresh('register');
    unrolled.add(variable);
    const register = name(variable, 'i32');
    const place = arith('+', name('thread', 'i32'), arith('*', register, i32(lanes.threads)));
    const store: Statement = {
      kind: 'store',
      to: result.name,
      at: [...at(i32(0)), ...(registers > 1 ? at(register) : [])],
      value: read(order, place),
    };
    const body = guarded(compare('<', place, i32(count)), [store]);
    row.push({ kind: 'unroll', variable, extent: registers, body });
    return result;
  }

  private slots(top: Top): number {
    const axes = this.context.section.then!.axes;
    return Number(axes.find(({ axis }) => axis === top.slots)!.extent);
  }
}
