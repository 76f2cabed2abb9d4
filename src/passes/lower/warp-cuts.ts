/**
 * Where the leading elements of a row that a warp holds end (`largest[d]`), of each block of it (`largest[d by n]`), or its leading
 * blocks (`largest[d/n]`).
 *
 * Keys are held in registers. A round takes the largest that is left of the warp, or of the threads of a block; as many rounds as
 * elements lead give the key and the position of the last one. Within blocks there is one for each: a thread has those of its own.
 */

import type { Value, ValueId } from '../../ir/kernel.js';
import { arith, guarded, i32, literal, name, type Statement, type TileExpr } from '../../ir/tile.js';
import { unsupported } from '../unsupported.js';
import type { Fragments } from './fragments.js';
import { NOWHERE, overLanes, overWarp, TAKEN, typed } from './integers.js';
import type { LaneGeometry } from './lane-geometry.js';
import { takeNext, type KeySet } from './next-key.js';
import { orderKey } from './row-elements.js';
import { at, extreme } from './scalars.js';
import type { Scope, SectionContext } from './section-context.js';
import type { Values } from './values.js';

type Cut = Value & { readonly kind: 'cut' };

/** Rounds that are written out one after another; more of them run in a loop. */
const MOST_UNROLLED = 8;

export class WarpCuts {
  private readonly keys = new Map<ValueId, string>();

  constructor(
    private readonly context: SectionContext,
    private readonly geometry: LaneGeometry,
    private readonly fragments: Fragments,
    private readonly values: Values,
  ) {}

  /** Declares the keys: none is there yet. */
  begin(id: ValueId): void {
    const { names, row, lanes } = this.context;
    const keys = names.fresh('r_largest_keys');
    this.keys.set(id, keys);
    const { operand } = this.cut(id);
    const elements = this.context
      .tileModes(operand)
      .reduce((product, mode) => product * lanes.tiles[mode]!.extent, this.width(operand));
    const fill = lanes.tail === undefined ? {} : { fill: TAKEN };
    row.push({ kind: 'fragment', name: keys, dtype: 'i32', shape: [elements], ...fill });
  }

  /** Makes the keys of the elements at one place of the lanes. */
  accumulate(id: ValueId, scope: Scope): void {
    const { operand } = this.cut(id);
    const body: Statement[] = [];
    const value = this.fragments.takeApart(this.values.compute(operand, scope), 'r_value', body);
    const variable = this.context.names.fresh('element');
    this.context.unrolled.add(variable);
    const element = name(variable, 'i32');
    const place = at(this.register(operand, scope.tiles, element));
    const store: Statement = {
      kind: 'store',
      to: this.keys.get(id)!,
      at: place,
      value: orderKey(value(element), false),
    };
    body.push({ kind: 'unroll', variable, extent: this.width(operand), body: [store] });
    scope.out.push(...guarded(this.geometry.tailGuard(scope.tiles), body));
  }

  /** Finds the key and the position at which the leading elements end. */
  run(id: ValueId): void {
    const { context } = this;
    const { values } = context.section;
    const { over, need } = this.cut(id);
    this.requireWarp(id);
    const ends = values.filter((value) => value.kind === 'cut-end' && value.cut === id).map((end) => end.id);
    const extent = context.lanes.axes.find(({ axis }) => axis === over)!.extent;
    const wanted = values[need]!;
    if (wanted.kind === 'literal' && (Number(wanted.value) >= extent || Number(wanted.value) <= 0)) {
      const all = Number(wanted.value) > 0;
      this.values.define(id, i32(all ? TAKEN : NOWHERE));
      ends.forEach((end) => this.values.define(end, i32(all ? NOWHERE : -1)));
      return;
    }
    const count: TileExpr =
      wanted.kind === 'literal'
        ? i32(Number(wanted.value))
        : context.bind('wanted', extreme('min', this.values.scalar(need), i32(extent)));
    const modes = context.tileModes(id);
    if (modes.length === 0) {
      const { key, end } = this.find(id, count, [], context.row);
      this.values.define(id, key);
      ends.forEach((each) => this.values.define(each, end));
      return;
    }
    const [keys, ...places] = [id, ...ends].map((each) =>
      this.fragments.inRegisters(each, each === id ? 'r_largest_key' : 'r_largest_end', context.row),
    );
    const loops = this.geometry.overTiles(modes, (tiles, out) => {
      const { key, end } = this.find(id, count, tiles, out);
      const store = (to: typeof keys, value: TileExpr): Statement => ({
        kind: 'store',
        to: to!.name,
        at: this.fragments.coordinates(to!, tiles),
        value,
      });
      out.push(store(keys, key), ...places.map((place) => store(place, end)));
    });
    context.row.push(...loops);
  }

  private requireWarp(id: ValueId): void {
    const { weight, span } = this.cut(id);
    const { threads } = this.context.lanes;
    if (weight === undefined && threads <= 32) return;
    throw unsupported(
      this.context.section,
      weight === undefined
        ? `a \`largest\` of what is selected, which lies along ${threads} threads`
        : 'a `nucleus` of what is selected',
      'a `largest` of the whole row, or of a selection that one warp makes',
      span,
    );
  }

  /** The rounds of the block, or of the row, at these tiles. */
  private find(
    id: ValueId,
    count: TileExpr,
    tiles: readonly TileExpr[],
    out: Statement[],
  ): { readonly key: TileExpr; readonly end: TileExpr } {
    const { names, unrolled } = this.context;
    const [key, end, best, found] = [
      names.fresh('largest_key'),
      names.fresh('largest_end'),
      names.fresh('best'),
      names.fresh('found'),
    ];
    const variable = names.fresh('round');
    const body: readonly Statement[] = [
      ...takeNext(this.keySet(id, tiles), best, found),
      { kind: 'assign', name: key, value: name(best, 'i32') },
      { kind: 'assign', name: end, value: name(found, 'i32') },
    ];
    const comment = 'nothing leads until a round has found it';
    out.push(
      { kind: 'let', name: key, value: typed(i32(NOWHERE)), comment },
      { kind: 'let', name: end, value: typed(i32(-1)) },
    );
    if (count.kind === 'literal' && Number(count.value) <= MOST_UNROLLED) {
      unrolled.add(variable);
      out.push({ kind: 'unroll', variable, extent: Number(count.value), body });
    } else
      out.push({
        kind: 'loop',
        variable,
        begin: i32(0),
        end: count,
        step: literal(1, 'i32'),
        unroll: 1,
        body,
      });
    return { key: name(key, 'i32'), end: name(end, 'i32') };
  }

  /** The keys of one block, or of all blocks, that this thread has. */
  private keySet(id: ValueId, tiles: readonly TileExpr[]): KeySet {
    const { context, geometry } = this;
    const { over, operand } = this.cut(id);
    const width = this.width(operand);
    const [mode] = context.tilesOf([over]);
    const elements = width * (mode === undefined ? 1 : context.lanes.tiles[mode]!.extent);
    const tilesAt = (element: TileExpr) =>
      context.lanes.tiles.map((_, i) =>
        i === mode ? arith('/', element, i32(width)) : (tiles[i] ?? i32(0)),
      );
    const inVector = (element: TileExpr) => arith('%', element, i32(width));
    const isWithin = over === context.vectorAxis;
    // Threads that hold the same blocks have the same keys.
    const isApart = context.section.values[operand]!.axes.some(
      (axis) => axis !== over && context.isLane(axis) && geometry.reducedThreads([axis], 'max').threads > 1,
    );
    const run = geometry.reducedThreads([over], 'max');
    return {
      keys: this.keys.get(id)!,
      elements,
      register: (element) => this.register(operand, tilesAt(element), inVector(element)),
      position: (element) =>
        isWithin
          ? arith('+', geometry.place(tilesAt(element)), inVector(element))
          : geometry.start(over, tilesAt(element)),
      overThreads: (fn, value) =>
        !isApart ? overWarp(fn, value) : run.threads === 1 ? value : overLanes(fn, value, run),
      each: (body) => {
        const variable = context.names.fresh('element');
        context.unrolled.add(variable);
        return { kind: 'unroll', variable, extent: elements, body: body(name(variable, 'i32')) };
      },
    };
  }

  /** Where a thread holds the key of an element of the vector at these tiles. */
  private register(operand: ValueId, tiles: readonly TileExpr[], element: TileExpr): TileExpr {
    const number = this.geometry.tileNumber(this.context.tileModes(operand), tiles);
    return arith('+', arith('*', number, i32(this.width(operand))), element);
  }

  private width(operand: ValueId): number {
    return this.context.isVector(operand) ? this.context.lanes.vector : 1;
  }

  private cut(id: ValueId): Cut {
    const value = this.context.section.values[id]!;
    if (value.kind !== 'cut') throw new Error(`value ${id} is no cut`);
    return value;
  }
}
