/**
 * A selection of a row that no warp takes in rounds: what may be selected is put in shared memory and sorted there.
 *
 * Of short rows that is the whole row, of long ones what a cut leaves. Result j ends up in thread j % threads, register j / threads.
 */

import type { Value, ValueId } from '../../ir/kernel.js';
import { arith, compare, guarded, i32, name, type Statement, type TileExpr } from '../../ir/tile.js';
import { sortsWhole } from '../long-rows.js';
import type { Cuts } from './cuts.js';
import type { RowElements } from './row-elements.js';
import { at, read, write } from './scalars.js';
import type { Fragment, Scope, SectionContext } from './section-context.js';
import { fillRest, roomFor, sortShared, type Sortable } from './shared-sort.js';

type Top = Value & { readonly kind: 'top' };

export class LongSelections {
  private readonly results = new Map<ValueId, Fragment>();
  private readonly sorted = new Map<ValueId, Sortable>();

  constructor(
    private readonly context: SectionContext,
    private readonly elements: RowElements,
    private readonly cuts: Cuts,
  ) {}

  /** What a selection gave, along the lanes of the next part. */
  result(id: ValueId): Fragment | undefined {
    return this.results.get(id);
  }

  begin(id: ValueId): void {
    const top = this.top(id);
    const { names, shared, row, lanes } = this.context;
    const elements = this.candidates(top);
    const room = roomFor(elements);
    const [keys, places] = ['keys', 'places'].map((what) => {
      const region = names.fresh(`s_${top.name ?? 'top'}_${what}`);
      shared.push({ name: region, dtype: 'i32', elements: room, align: 16 });
      return region;
    }) as [string, string];
    const sortable = { keys, places, room };
    this.sorted.set(id, sortable);
    // Behind the barrier nothing of an earlier row is read any more.
    row.push(...fillRest(names, sortable, elements, lanes.threads), { kind: 'barrier' });
    if (!this.isWhole(top)) this.cuts.begin(id);
  }

  accumulate(id: ValueId, scope: Scope): void {
    const top = this.top(id);
    if (!this.isWhole(top)) return this.cuts.accumulate(id, scope);
    const { operand, fn } = top;
    const { keys, places } = this.sorted.get(id)!;
    scope.out.push(
      ...this.elements.within({ operand, ascending: fn === 'bottom' }, scope, ({ key, position }) => [
        write(keys, position, key),
        write(places, position, position),
      ]),
    );
  }

  finish(id: ValueId): void {
    const { names, row, lanes } = this.context;
    const top = this.top(id);
    const sortable = this.sorted.get(id)!;
    if (!this.isWhole(top)) row.push(...this.collect(id, top, sortable));
    row.push({ kind: 'barrier' }, ...sortShared(names, sortable, lanes.threads), { kind: 'barrier' });
    this.results.set(id, this.load(top, sortable.places));
  }

  /** Puts what a cut leaves in shared memory, in no order. */
  private collect(id: ValueId, top: Top, { keys, places }: Sortable): readonly Statement[] {
    const { names, shared } = this.context;
    const cut = this.cuts.find(id, i32(this.slots(top)));
    const taken = names.fresh(`s_${top.name ?? 'top'}_taken`);
    shared.push({ name: taken, dtype: 'i32', elements: 4, align: 16 });
    return [
      ...guarded(compare('==', name('thread', 'i32'), i32(0)), [write(taken, i32(0), i32(0))]),
      { kind: 'barrier' },
      ...this.cuts.everyLeading(id, cut, (key, position) => {
        const slot = names.fresh('slot');
        return [
          { kind: 'shared-add', to: taken, index: i32(0), value: i32(1), result: slot },
          write(keys, name(slot, 'i32'), key),
          write(places, name(slot, 'i32'), position),
        ];
      }),
    ];
  }

  /** The positions of this thread's places. Threads past the end of what is selected hold position 0, which exists. */
  private load(top: Top, order: string): Fragment {
    const { names, row, lanes, unrolled } = this.context;
    const count = this.slots(top);
    const registers = Math.ceil(count / lanes.threads);
    const result: Fragment = {
      name: names.fresh(`r_${top.name ?? 'top'}`),
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
    const place: TileExpr = arith('+', name('thread', 'i32'), arith('*', register, i32(lanes.threads)));
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

  private isWhole(top: Top): boolean {
    return sortsWhole(this.extent, this.slots(top));
  }

  /** Elements that are sorted. */
  private candidates(top: Top): number {
    return this.isWhole(top) ? this.extent : this.slots(top);
  }

  private slots(top: Top): number {
    const axes = this.context.section.then!.axes;
    return Number(axes.find(({ axis }) => axis === top.slots)!.extent);
  }

  /** Elements of the row. */
  private get extent(): number {
    return this.context.lanes.axes[0]!.extent;
  }

  private top(id: ValueId): Top {
    return this.context.section.values[id] as Top;
  }
}
