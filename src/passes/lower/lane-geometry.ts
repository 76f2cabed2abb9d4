/** Where a thread's elements lie along the lane axes, which of them exist, and the loops that walk them. */

import type { Axis } from '../../spec/index.js';
import type { ReduceFn } from '../../ir/kernel.js';
import {
  arith,
  clusterRank,
  compare,
  guarded,
  i32,
  name,
  type Statement,
  type TileExpr,
} from '../../ir/tile.js';
import type { IntTuple } from '../../layout/index.js';
import { unsupported } from '../unsupported.js';
import { bits } from './integers.js';
import { choose } from './scalars.js';
import type { LaneView } from './access.js';
import type { SectionContext } from './section-context.js';

/** Tiles of a long row whose loads a thread may ask for at once. */
const UNROLL = 4;

/** How a long row is walked. */
export interface LongWalk {
  /** Elements may be visited more than once, which changes no extreme. */
  readonly again?: boolean;
  /** Tiles whose loads are asked for at once. */
  readonly together?: number;
}

/** Tiles at once, up to 8, of a loop that makes few rounds and few steps past the last tile. */
function evenSteps(extent: number): number {
  const cost = (steps: number) => Math.ceil(extent / steps) * (steps + 1);
  return [4, 5, 6, 7, 8].reduce((best, steps) => (cost(steps) < cost(best) ? steps : best));
}

export class LaneGeometry {
  /** Loop variable of each tile mode. */
  private readonly tileNames: readonly string[];
  /** In a loop over tiles of which all threads have their vectors. */
  private inside = false;
  private own: TileExpr;

  constructor(
    private readonly context: SectionContext,
    lane: TileExpr,
  ) {
    this.own = lane;
    const { tiles } = context.lanes;
    this.tileNames = tiles.map(({ axis }) =>
      context.names.fresh(tiles.length === 1 ? 'tile' : `tile_${axis}`),
    );
  }

  /** Whose elements are meant: this thread's, or those of the lane that `atPosition` visits. */
  get lane(): TileExpr {
    return this.own;
  }

  /** Whether some thread's vectors start or end past the end of the row. */
  get hasTail(): boolean {
    return this.hasEmpty || this.context.lanes.partial;
  }

  /** Whether a thread may lack some of an access: of one that has no vectors, those of the blocks that are not there. */
  mayLack(hasVector: boolean): boolean {
    return hasVector ? this.hasTail : this.hasEmpty && this.context.lanes.tail !== this.context.vectorAxis;
  }

  /** Whether a vector of the loop that is being made may start past the end of the row. */
  private get hasEmpty(): boolean {
    return this.context.lanes.tail !== undefined && !this.inside;
  }

  /** Whether the vector at these tiles is there; undefined where it always is. */
  tailGuard(tiles: readonly TileExpr[]): TileExpr | undefined {
    return this.hasEmpty ? this.startsInside(tiles) : undefined;
  }

  /** Position of a thread's first element along a lane axis. */
  start(axis: Axis, tiles: readonly TileExpr[]): TileExpr {
    const { axes, layout } = this.context.lanes;
    let before = 1;
    for (const entry of axes) {
      if (entry.axis === axis) break;
      before *= entry.extent;
    }
    const { extent } = axes.find((entry) => entry.axis === axis)!;
    const parts: TileExpr[] = [];
    const shift = this.clusterShift(axis);
    if (shift) parts.push(shift);
    const counts = threadMode(layout.shape);
    const steps = threadMode(layout.stride);
    let stride = 1;
    counts.forEach((count, i) => {
      const step = steps[i]!;
      // Threads past the end of the slowest axis lie along it too.
      const along = step >= before && (axis === axes.at(-1)!.axis || step < before * extent);
      const within = count !== 1 && step !== 0 && along;
      if (within) {
        const lane = arith('/', this.lane, i32(stride));
        const last = i === counts.length - 1;
        parts.push(arith('*', last ? lane : arith('%', lane, i32(count)), i32(step / before)));
      }
      stride *= count;
    });
    this.context.lanes.tiles.forEach((tile, i) => {
      if (tile.axis === axis) parts.push(arith('*', tiles[i]!, i32(tile.step)));
    });
    return parts.reduce((sum, part) => arith('+', sum, part), i32(0));
  }

  /** Position in the row of the thread's first element: along its only axis, or along the one that is cut into blocks. */
  place(tiles: readonly TileExpr[]): TileExpr {
    let before = 1;
    const parts = this.context.lanes.axes.map(({ axis, extent }) => {
      const part = arith('*', this.start(axis, tiles), i32(before));
      before *= extent;
      return part;
    });
    return parts.reduce((sum, part) => arith('+', sum, part), i32(0));
  }

  /** Number of a tile among those of some tile modes, of which the first is fastest. */
  tileNumber(modes: readonly number[], tiles: readonly TileExpr[]): TileExpr {
    let step = 1;
    const parts = modes.map((mode) => {
      const part = arith('*', tiles[mode]!, i32(step));
      step *= this.context.lanes.tiles[mode]!.extent;
      return part;
    });
    return parts.reduce((sum, part) => arith('+', sum, part), i32(0));
  }

  /** First position of this CTA's part of a lane axis that a cluster shares. */
  clusterShift(axis: Axis): TileExpr | undefined {
    const { cluster, tiles } = this.context.lanes;
    const shared = tiles.at(-1);
    if (cluster === 1 || shared?.axis !== axis) return undefined;
    return arith('*', clusterRank, i32(shared.extent * shared.step));
  }

  /** Elements along the contiguous axis. */
  private extent(): TileExpr {
    const first = this.context.lanes.axes[0]!;
    return first.dynamic ? name(first.axis, 'i32') : i32(first.extent);
  }

  /** Whether the vector at these tiles starts inside the row. */
  startsInside(tiles: readonly TileExpr[]): TileExpr {
    const { axes, tail } = this.context.lanes;
    if (tail === undefined || tail === this.context.vectorAxis)
      return compare('<', this.start(this.context.vectorAxis!, tiles), this.extent());
    return compare('<', this.start(tail, tiles), i32(axes.find(({ axis }) => axis === tail)!.extent));
  }

  /** Whether all of the vector at these tiles is inside the row. */
  endsInside(tiles: readonly TileExpr[]): TileExpr {
    const end = arith('+', this.start(this.context.vectorAxis!, tiles), i32(this.context.lanes.vector));
    return compare('<=', end, this.extent());
  }

  /** Whether element `element` of the vector at these tiles is inside the row. */
  elementInside(tiles: readonly TileExpr[], element: TileExpr): TileExpr {
    const { tail } = this.context.lanes;
    if (tail !== undefined && tail !== this.context.vectorAxis) return this.startsInside(tiles);
    return compare('<', arith('+', this.start(this.context.vectorAxis!, tiles), element), this.extent());
  }

  /** Which elements of the vector at these tiles are inside the row: a vector of bool. */
  mask(tiles: readonly TileExpr[]): TileExpr {
    const width = this.context.lanes.vector;
    const start = this.start(this.context.vectorAxis!, tiles);
    const positions = arith(
      '+',
      { kind: 'iota', dtype: 'i32', width },
      { kind: 'splat', operand: start, dtype: 'i32', width },
    );
    return compare('<', positions, { kind: 'splat', operand: this.extent(), dtype: 'i32', width });
  }

  /** Coordinates (lane, [vector], tiles...) of a view. */
  coordinates(
    view: LaneView,
    tiles: readonly TileExpr[],
    element?: TileExpr,
  ): (Statement & { kind: 'store' })['at'] {
    return [
      { kind: 'at', index: this.lane },
      ...(view.hasVector
        ? [element ? ({ kind: 'at', index: element } as const) : ({ kind: 'vector' } as const)]
        : []),
      ...view.tiles.map((i) => ({ kind: 'at', index: tiles[i]! }) as const),
    ];
  }

  /**
   * Moves the elements of one vector that exist: all at once, or one by one where the row ends inside the vector.
   * `move` gives the statements for the whole vector, or for one element of it.
   */
  moveVector(
    hasVector: boolean,
    tiles: readonly TileExpr[],
    move: (element?: TileExpr) => readonly Statement[],
  ): readonly Statement[] {
    const { partial, vector } = this.context.lanes;
    if (!this.mayLack(hasVector)) return move();
    if (!partial) return guarded(this.startsInside(tiles), move());
    const variable = this.context.names.fresh('element');
    this.context.unrolled.add(variable);
    const element = name(variable, 'i32');
    const one = guarded(this.elementInside(tiles, element), move(element));
    return [
      {
        kind: 'if',
        condition: this.endsInside(tiles),
        then: move(),
        otherwise: [{ kind: 'unroll', variable, extent: vector, body: one }],
      },
    ];
  }

  /** Nested loops over some tile modes, slowest outermost. Of a long row `how` says how. */
  overTiles(
    modes: readonly number[],
    body: (tiles: readonly TileExpr[], out: Statement[]) => void,
    how: LongWalk = {},
  ): readonly Statement[] {
    const { lanes, residency } = this.context;
    if (this.context.section.schedule!.split && lanes.tiles.length > 0 && modes.length > 0)
      return this.overLongRow(body, how);
    const variables = lanes.tiles.map((_, i) =>
      modes.includes(i) ? name(this.tileNames[i]!, 'i32') : i32(0),
    );
    const isDynamic = (mode: number) =>
      lanes.axes.some(({ axis, dynamic }) => dynamic && axis === lanes.tiles[mode]!.axis);
    const long =
      residency === 'registers' ? [] : modes.filter((mode) => lanes.tiles[mode]!.extent > 4).slice(-1);
    const atRunTime = new Set([...modes.filter(isDynamic), ...long]);
    for (const mode of modes) {
      const variable = variables[mode]!;
      if (!atRunTime.has(mode) && variable.kind === 'name') this.context.unrolled.add(variable.name);
    }
    const innermost: Statement[] = [];
    body(variables, innermost);
    return modes.reduce<readonly Statement[]>((inner, mode) => {
      const variable = this.tileNames[mode]!;
      const { extent, step, axis } = lanes.tiles[mode]!;
      if (!atRunTime.has(mode)) return [{ kind: 'unroll', variable, extent, body: inner }];
      const end = isDynamic(mode)
        ? arith('/', arith('+', name(axis, 'i32'), i32(step - 1)), i32(step))
        : i32(extent);
      return [{ kind: 'loop', variable, begin: i32(0), end, step: i32(1), unroll: 2, body: inner }];
    }, innermost);
  }

  /** The statements of the vector of a long row that has the element at `position`, whichever lane's it is. */
  atPosition(
    position: TileExpr,
    body: (tiles: readonly TileExpr[]) => readonly Statement[],
  ): readonly Statement[] {
    const { lanes, names } = this.context;
    const [tile] = lanes.tiles;
    const out: Statement[] = [];
    const bind = (wanted: string, value: TileExpr): TileExpr => {
      const fresh = names.fresh(wanted);
      out.push({ kind: 'let', name: fresh, value });
      return name(fresh, 'i32');
    };
    const { own, inside } = this;
    const before = (count: number): TileExpr =>
      lanes.cluster > 1 ? arith('*', clusterRank, i32(count)) : i32(0);
    const vector = bind('vector', arith('/', position, i32(lanes.vector)));
    // Lanes and tiles are counted from this CTA's first: those of other CTAs may be before it. An only tile has no stride.
    const isOnly = (tile?.extent ?? 1) === 1;
    this.own = bind(
      'lane_of',
      isOnly ? arith('-', vector, before(lanes.threads)) : arith('%', vector, i32(lanes.threads)),
    );
    const tileOf = (extent: number): TileExpr =>
      isOnly ? i32(0) : bind('tile_of', arith('-', arith('/', vector, i32(lanes.threads)), before(extent)));
    const tiles = tile ? [tileOf(tile.extent)] : [];
    this.inside = true;
    out.push(...body(tiles));
    this.own = own;
    this.inside = inside;
    return out;
  }

  /** A loop over the tiles that are whole, then over the one that is not; over all where elements may come twice. */
  private overLongRow(
    body: (tiles: readonly TileExpr[], out: Statement[]) => void,
    { again = false, together: most }: LongWalk,
  ): readonly Statement[] {
    const { lanes, kernel } = this.context;
    const variable = this.tileNames[0]!;
    const { extent, step, axis } = lanes.tiles[0]!;
    const { extent: length } = lanes.axes[0]!;
    const together = most ?? kernel.schedule!.steps ?? (again ? evenSteps(extent) : UNROLL);
    const loop = (
      begin: TileExpr,
      end: TileExpr,
      unroll: number,
      tileAt: (tile: TileExpr, out: Statement[]) => TileExpr = (tile) => tile,
    ): Statement => {
      const inner: Statement[] = [];
      body([tileAt(name(variable, 'i32'), inner)], inner);
      return { kind: 'loop', variable, begin, end, step: i32(1), unroll, body: inner };
    };
    // One step at a time each has a condition of its own, which costs less than another loop.
    if (lanes.tail === undefined || together === 1) return [loop(i32(0), i32(extent), together)];
    this.inside = true;
    if (again && ((lanes.cluster - 1) * extent + 1) * step <= length) {
      const end = Math.ceil(extent / together) * together;
      const all = loop(i32(0), i32(end), together, (tile, out) => this.tileOrFirst(axis, tile, out));
      this.inside = false;
      return [all];
    }
    const shift = this.clusterShift(axis);
    const whole = shift
      ? bits('max', bits('min', arith('/', arith('-', i32(length), shift), i32(step)), i32(extent)), i32(0))
      : i32(Math.floor(length / step));
    const first = loop(i32(0), whole, together);
    this.inside = false;
    return [first, loop(whole, i32(extent), 1)];
  }

  /** A tile, or this thread's first, which is there in each CTA, in place of one past the end: loads need no condition. */
  private tileOrFirst(axis: Axis, tile: TileExpr, out: Statement[]): TileExpr {
    const fresh = this.context.names.fresh('tile_or_first');
    const isInside = compare('<', this.start(axis, [tile]), this.extent());
    out.push({ kind: 'let', name: fresh, value: choose(isInside, tile, i32(0)) });
    return name(fresh, 'i32');
  }

  /** The run of threads that a reduction combines: `threads` of them, `stride` apart. */
  reducedThreads(over: readonly Axis[], fn: ReduceFn): { threads: number; stride: number } {
    const { layout, axes } = this.context.lanes;
    const counts = threadMode(layout.shape);
    const steps = threadMode(layout.stride);
    let position = 1;
    const spans = axes.map(({ axis, extent }) => {
      const begin = position;
      position *= extent;
      return { axis, begin, end: position };
    });
    let first: number | undefined;
    let end = 1;
    let stride = 1;
    counts.forEach((count, i) => {
      const own = spans.find((span) => steps[i]! >= span.begin && steps[i]! < span.end) ?? spans.at(-1);
      const axis = own?.axis;
      if (count > 1 && axis !== undefined && over.includes(axis)) {
        if (first !== undefined && end !== stride) {
          throw unsupported(
            this.context.section,
            `a ${fn} over ${over.join(', ')}, whose threads are not neighbours`,
            'a reduction over neighbouring lanes',
          );
        }
        first ??= stride;
        end = stride * count;
      }
      stride *= count;
    });
    return first === undefined ? { threads: 1, stride: 1 } : { threads: end / first, stride: first };
  }
}

/** The flat modes of the thread part of a (threads, vector, tiles...) layout. */
function threadMode(value: IntTuple): readonly number[] {
  return [[value].flat()[0]!].flat(2) as number[];
}
