/** The index of a tile of rows -> this thread's lane, its row, the row's position along each row axis. */

import type { Axis } from '../../spec/index.js';
import { arith, compare, i32, name, type TileExpr } from '../../ir/tile.js';
import { rowCount } from './expressions.js';
import type { AxisInfo } from '../../ir/kernel.js';
import type { SectionContext } from './section-context.js';

/** Where a thread is: what the values of a section need to know of it. */
export interface RowPlace {
  /** This thread among those that share a row. */
  readonly lane: TileExpr;
  /** Whether this thread's row exists; undefined where it always does. */
  readonly valid: TileExpr | undefined;
  /** Position along a row axis. */
  position(axis: Axis): TileExpr;
}

/** A row-major number -> the position along each axis, slowest first. */
export function positionsOf(axes: readonly AxisInfo[], row: TileExpr): Map<Axis, TileExpr> {
  const positions = new Map<Axis, TileExpr>();
  let rest = row;
  [...axes].reverse().forEach(({ axis, extent }, i) => {
    const last = i === axes.length - 1;
    const size: TileExpr = extent === 'dynamic' ? name(axis, 'i32') : i32(extent);
    positions.set(axis, last ? rest : arith('%', rest, size));
    if (!last) rest = arith('/', rest, size);
  });
  return positions;
}

export class Rows implements RowPlace {
  /** This thread among those that share a row. */
  readonly lane: TileExpr;
  /** Whether this thread's row exists; undefined where it always does. */
  readonly valid: TileExpr | undefined;
  private readonly positions = new Map<Axis, TileExpr>();

  constructor(
    private readonly context: SectionContext,
    tile: TileExpr,
    /** This thread's row, where it is another than its place in the tile says. */
    own?: TileExpr,
  ) {
    const { threadsPerRow, rowsPerCta } = context.section.schedule!;
    const thread = name('thread', 'i32');
    this.lane =
      rowsPerCta === 1
        ? thread
        : threadsPerRow === 1
          ? i32(0)
          : context.bind('lane', arith('%', thread, i32(threadsPerRow)), context.prologue);
    const group = arith('/', thread, i32(threadsPerRow));
    const placed = rowsPerCta === 1 ? tile : arith('+', arith('*', tile, i32(rowsPerCta)), group);
    const row = this.bindRow(own ?? placed);
    this.valid = this.guard(row);
  }

  /** Position along a row axis, bound to a name at its first use. */
  position(axis: Axis): TileExpr {
    const position = this.positions.get(axis);
    if (!position) throw new Error(`${axis} is no row axis`);
    if (position.kind === 'name' || position.kind === 'literal') return position;
    const bound = this.context.bind(`${axis}_index`, position);
    this.positions.set(axis, bound);
    return bound;
  }

  private bindRow(value: TileExpr): TileExpr {
    const rows = this.context.section.axes.filter((info) => info.role === 'row');
    const row = value.kind === 'name' ? value : this.context.bind('row', value);
    for (const [axis, position] of positionsOf(rows, row)) this.positions.set(axis, position);
    return row;
  }

  private guard(row: TileExpr): TileExpr | undefined {
    const { section } = this.context;
    const { rowsPerCta } = section.schedule!;
    const total = rowCount(section);
    // Where rows are counted, a CTA may have fewer than its tiles hold, or none.
    if (section.tables && section.axes.some(({ role }) => role === 'row'))
      return this.context.bind('valid', compare('<', row, total));
    if (rowsPerCta === 1) return undefined;
    if (total.kind === 'literal' && Number(total.value) % rowsPerCta === 0) return undefined;
    return this.context.bind('valid', compare('<', row, total));
  }
}
