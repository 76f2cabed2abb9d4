/**
 * A selection of a row by one warp: keys in registers, then one round for each element that is taken.
 *
 * A key is an integer of the order of its value; a round takes the largest of each thread and of the warp.
 * Where values fit in bf16 a key holds its position too. Keys are unequal then, and what is taken stays where it is: an
 * addition that wraps round puts the keys below the last one taken, in their order, above those that were taken before.
 * Else a round also looks for the lowest position of the largest key, and puts the least of integers in its place.
 * Result j ends up in thread j % 32, register j / 32: where the lanes of the next part look for it.
 */

import type { Value, ValueId } from '../../ir/kernel.js';
import {
  arith,
  compare,
  guarded,
  i32,
  name,
  type Coordinate,
  type Statement,
  type TileExpr,
} from '../../ir/tile.js';
import { keysHoldPositions } from '../long-rows.js';
import type { Fragments } from './fragments.js';
import type { LaneGeometry } from './lane-geometry.js';
import { LEFT_OUT, overWarp, TAKEN } from './integers.js';
import { takeNext } from './next-key.js';
import { at, choose, extreme, read } from './scalars.js';
import type { Fragment, Scope, SectionContext } from './section-context.js';
import type { Values } from './values.js';

type Top = Value & { readonly kind: 'top' };

/** Registers with the keys of this thread's elements. */
export interface Keys {
  readonly name: string;
  /** Of keys that hold positions: a register with what is added to them before they are compared. */
  readonly shift?: string;
}

/** Rounds that are written out one after another; more of them run in a loop. */
const MOST_UNROLLED = 16;

export class Selections {
  private readonly results = new Map<ValueId, Fragment>();

  constructor(
    private readonly context: SectionContext,
    private readonly geometry: LaneGeometry,
    private readonly fragments: Fragments,
    private readonly values: Values,
  ) {}

  /** What a selection gave, along the lanes of the next part. */
  result(id: ValueId): Fragment | undefined {
    return this.results.get(id);
  }

  /** Declares the keys of a selection: none is there yet. */
  begin(id: ValueId): Keys {
    const fresh = this.context.names.fresh(`r_${this.top(id).name ?? 'top'}_keys`);
    this.context.row.push({
      kind: 'fragment',
      name: fresh,
      dtype: 'i32',
      shape: [this.elements],
      ...(this.context.lanes.tail !== undefined && { fill: TAKEN }),
    });
    if (!keysHoldPositions(this.context.section)) return { name: fresh };
    const shift = this.context.names.fresh(`${fresh}_shift`);
    this.context.row.push({ kind: 'fragment', name: shift, dtype: 'i32', shape: [1], fill: 0 });
    return { name: fresh, shift };
  }

  /** Makes the keys of the elements at one place of the lanes. */
  accumulate(id: ValueId, keys: Keys, scope: Scope): void {
    const { context } = this;
    const top = this.top(id);
    const { vector, tail } = context.lanes;
    const body: Statement[] = [];
    const value = this.fragments.takeApart(this.values.compute(top.operand, scope), 'r_value', body);
    const allowed =
      top.allowed === undefined
        ? undefined
        : this.fragments.takeApart(this.values.compute(top.allowed, scope), 'r_allowed', body);
    const variable = context.names.fresh('element');
    context.unrolled.add(variable);
    const element = name(variable, 'i32');
    const all = context.lanes.tiles.map((_, mode) => mode);
    const first = arith('*', this.geometry.tileNumber(all, scope.tiles), i32(vector));
    const start = this.geometry.place(scope.tiles);
    const key: TileExpr = {
      kind: 'order-key',
      operand: value(element),
      ascending: top.fn === 'bottom',
      ...(keysHoldPositions(context.section) && { position: arith('+', start, element) }),
      dtype: 'i32',
      width: 0,
    };
    const held = allowed ? choose(allowed(element), key, i32(LEFT_OUT)) : key;
    const store: Statement = {
      kind: 'store',
      to: keys.name,
      at: at(arith('+', first, element)),
      value: held,
    };
    body.push({ kind: 'unroll', variable, extent: vector, body: [store] });
    const condition = tail === undefined ? undefined : this.geometry.startsInside(scope.tiles);
    scope.out.push(...guarded(condition, body));
  }

  /** Takes the elements in order. */
  finish(id: ValueId, keys: Keys): void {
    const { context } = this;
    const top = this.top(id);
    const count = this.slots(top);
    const threads = context.lanes.threads;
    const registers = Math.ceil(count / threads);
    const result: Fragment = {
      name: context.names.fresh(`r_${top.name ?? 'top'}`),
      dtype: 'i32',
      hasVector: true,
      tiles: registers > 1 ? [0] : [],
      storage: 'registers',
    };
    this.results.set(id, result);
    // Threads past the end of what is selected hold position 0, which exists.
    const shape = registers > 1 ? [1, registers] : [1];
    context.row.push({ kind: 'fragment', name: result.name, dtype: 'i32', shape, fill: 0, span: top.span });
    const full = Math.floor(count / threads);
    if (full > 1) {
      const variable = context.names.fresh('register');
      context.unrolled.add(variable);
      const body = this.rounds(top, keys, result, name(variable, 'i32'), threads);
      context.row.push({ kind: 'unroll', variable, extent: full, body });
    } else if (full === 1) context.row.push(...this.rounds(top, keys, result, i32(0), threads));
    const rest = count % threads;
    if (rest > 0) context.row.push(...this.rounds(top, keys, result, i32(full), rest));
  }

  /** The rounds whose results go to one register. */
  private rounds(
    top: Top,
    keys: Keys,
    result: Fragment,
    register: TileExpr,
    count: number,
  ): readonly Statement[] {
    const { context } = this;
    const variable = context.names.fresh('round');
    const unrolled = count <= MOST_UNROLLED;
    if (unrolled) context.unrolled.add(variable);
    const body = this.round(top, keys, result, register, name(variable, 'i32'));
    const [begin, end, step] = [i32(0), i32(count), i32(1)];
    return unrolled
      ? [{ kind: 'unroll', variable, extent: count, body }]
      : [{ kind: 'loop', variable, begin, end, step, unroll: 1, body }];
  }

  private round(
    top: Top,
    keys: Keys,
    result: Fragment,
    register: TileExpr,
    round: TileExpr,
  ): readonly Statement[] {
    const { names } = this.context;
    const [best, found] = [names.fresh('best'), names.fresh('found')];
    const statements = keys.shift ? this.nextBelow(keys, best, found) : this.nextLeft(keys, best, found);
    const slot: readonly Coordinate[] = [
      { kind: 'at', index: i32(0) },
      ...(result.tiles.length > 0 ? [{ kind: 'at', index: register } as const] : []),
    ];
    const held: TileExpr = { kind: 'element', of: result.name, at: slot, dtype: 'i32', width: 0 };
    const mine = compare('==', this.geometry.lane, round);
    const value = choose(mine, name(found, 'i32'), held);
    return [...statements, { kind: 'store', to: result.name, at: slot, value, span: top.span }];
  }

  /** The largest key below the last one taken; unequal keys hold their positions. */
  private nextBelow(keys: Keys, best: string, found: string): readonly Statement[] {
    const [largest, shift] = [name(best, 'i32'), register(keys.shift!)];
    const taken = arith('-', largest, shift);
    // Of what is added next, all but the last operation is done before the warp's answer is there.
    const next = arith('-', arith('+', shift, i32(TAKEN)), largest);
    return [
      { kind: 'let', name: best, value: i32(TAKEN), comment: 'the largest key of the warp that is left' },
      this.each((element) => [
        { kind: 'assign', name: best, value: extreme('max', largest, arith('+', key(keys, element), shift)) },
      ]),
      { kind: 'assign', name: best, value: overWarp('max', largest) },
      {
        kind: 'let',
        name: found,
        value: { kind: 'key-position', operand: taken, dtype: 'i32', width: 0 },
      },
      { kind: 'store', to: keys.shift!, at: at(i32(0)), value: next },
    ];
  }

  /** The largest key that is left, and its position. */
  private nextLeft(keys: Keys, best: string, found: string): readonly Statement[] {
    return takeNext(
      {
        keys: keys.name,
        elements: this.elements,
        register: (element) => element,
        position: (element) => this.position(element),
        overThreads: overWarp,
        each: (body) => this.each(body),
      },
      best,
      found,
    );
  }

  /** Elements of the row that a thread holds. */
  private get elements(): number {
    const { vector, tiles } = this.context.lanes;
    return tiles.reduce((product, { extent }) => product * extent, vector);
  }

  private each(body: (element: TileExpr) => readonly Statement[]): Statement {
    const variable = this.context.names.fresh('element');
    this.context.unrolled.add(variable);
    return { kind: 'unroll', variable, extent: this.elements, body: body(name(variable, 'i32')) };
  }

  /** Position in the row of one of this thread's elements. */
  private position(element: TileExpr): TileExpr {
    const { vector, tiles } = this.context.lanes;
    let number = arith('/', element, i32(vector));
    const at = tiles.map(({ extent }, i) => {
      const last = i === tiles.length - 1;
      const tile = last ? number : arith('%', number, i32(extent));
      if (!last) number = arith('/', number, i32(extent));
      return tile;
    });
    return arith(
      '+',
      this.geometry.place(at),
      tiles.length === 0 ? element : arith('%', element, i32(vector)),
    );
  }

  private slots(top: Top): number {
    const axes = this.context.section.then!.axes;
    return Number(axes.find(({ axis }) => axis === top.slots)!.extent);
  }

  private top(id: ValueId): Top {
    const value = this.context.section.values[id]!;
    if (value.kind !== 'top') throw new Error(`value ${id} is no selection`);
    return value;
  }
}

const register = (of: string): TileExpr => read(of, i32(0));

const key = (keys: Keys, element: TileExpr): TileExpr => read(keys.name, element);
