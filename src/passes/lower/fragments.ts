/** Fragments of values: registers of a thread, or its own part of shared memory. */

import type { Dtype } from '../../spec/index.js';
import type { ValueId } from '../../ir/kernel.js';
import { i32, name, type Coordinate, type Statement, type TileExpr } from '../../ir/tile.js';
import { makeLayout } from '../../layout/index.js';
import { asBool } from './expressions.js';
import type { Fragment, SectionContext } from './section-context.js';

export class Fragments {
  private readonly byValue = new Map<ValueId, Fragment>();

  constructor(private readonly context: SectionContext) {}

  get(id: ValueId): Fragment | undefined {
    return this.byValue.get(id);
  }

  /** Where a value is that the part before made. */
  adopt(id: ValueId, fragment: Fragment): void {
    this.byValue.set(id, fragment);
  }

  /** Registers for a value's lanes, filled with `fill` where it is given. */
  inRegisters(id: ValueId, wanted: string, out: Statement[], fill?: number): Fragment {
    const { context } = this;
    const { dtype } = context.section.values[id]!;
    const hasVector = context.isVector(id);
    const tiles = context.tileModes(id);
    const fragment: Fragment = {
      name: context.names.fresh(wanted),
      dtype,
      hasVector,
      tiles,
      storage: 'registers',
    };
    const shape = [
      ...(hasVector ? [context.lanes.vector] : []),
      ...tiles.map((i) => context.lanes.tiles[i]!.extent),
    ];
    out.push({
      kind: 'fragment',
      name: fragment.name,
      dtype,
      shape: shape.length === 0 ? [1] : shape,
      ...(fill !== undefined && { fill }),
    });
    this.byValue.set(id, fragment);
    return fragment;
  }

  /** Shared memory of this thread alone, written and read by it: no barrier is needed. Vectors of a warp lie side by side. */
  inShared(id: ValueId, wanted: string): Fragment {
    const { context } = this;
    const { dtype } = context.section.values[id]!;
    const { threads } = context.kernel.schedule!;
    const hasVector = context.isVector(id);
    const tiles = context.tileModes(id);
    const width = hasVector ? context.lanes.vector : 1;
    const extents = tiles.map((i) => context.lanes.tiles[i]!.extent);
    const region = context.names.fresh(`s_${wanted}`);
    const own = context.names.fresh(`s_${wanted}_own`);
    const elements = threads * width * extents.reduce((product, extent) => product * extent, 1);
    context.shared.push({ name: region, dtype, elements, align: 16 });
    let step = threads * width;
    const steps = extents.map((extent) => {
      const stride = step;
      step *= extent;
      return stride;
    });
    const vector = hasVector ? { shape: [width], stride: [1] } : { shape: [], stride: [] };
    context.row.push({
      kind: 'shared-fragment',
      name: own,
      region,
      layout: makeLayout([threads, ...vector.shape, ...extents], [width, ...vector.stride, ...steps]),
    });
    const fragment: Fragment = { name: own, dtype, hasVector, tiles, storage: 'shared' };
    this.byValue.set(id, fragment);
    return fragment;
  }

  /** Coordinates of the vector at these tiles, or of one element of it. */
  coordinates(fragment: Fragment, tiles: readonly TileExpr[], element?: TileExpr): readonly Coordinate[] {
    const at = fragment.tiles.map((i): Coordinate => ({ kind: 'at', index: tiles[i]! }));
    const vector: readonly Coordinate[] = fragment.hasVector
      ? [element ? { kind: 'at', index: element } : { kind: 'vector' }]
      : [];
    if (fragment.storage === 'shared')
      return [{ kind: 'at', index: name('thread', 'i32') }, ...vector, ...at];
    return vector.length + at.length === 0 ? [{ kind: 'at', index: i32(0) }] : [...vector, ...at];
  }

  /** What a fragment holds at these tiles. */
  element(fragment: Fragment, tiles: readonly TileExpr[]): TileExpr {
    return asBool({
      kind: 'element',
      of: fragment.name,
      at: this.coordinates(fragment, tiles),
      dtype: fragment.dtype,
      width: fragment.hasVector ? this.context.lanes.vector : 0,
    });
  }

  /** A vector of registers of its own, such as one that is taken apart element by element. */
  scratch(wanted: string, dtype: Dtype, out: Statement[], fill?: number): string {
    const fresh = this.context.names.fresh(wanted);
    out.push({
      kind: 'fragment',
      name: fresh,
      dtype,
      shape: [Math.max(1, this.context.lanes.vector)],
      ...(fill !== undefined && { fill }),
    });
    return fresh;
  }

  /** A vector put into registers -> how to read one element of it; what is no vector is the same for every element. */
  takeApart(value: TileExpr, wanted: string, out: Statement[]): (element: TileExpr) => TileExpr {
    if (value.width === 0) return () => value;
    const dtype: Dtype = value.dtype === 'bool' ? 'i32' : value.dtype;
    const stored: TileExpr =
      value.dtype === 'bool'
        ? { kind: 'cast', operand: value, rounding: 'rn', saturate: false, dtype, width: value.width }
        : value;
    const of = this.scratch(wanted, dtype, out);
    out.push({ kind: 'store', to: of, at: [{ kind: 'vector' }], value: stored });
    return (element) => {
      const read: TileExpr = { kind: 'element', of, at: [{ kind: 'at', index: element }], dtype, width: 0 };
      return value.dtype === 'bool'
        ? { kind: 'compare', fn: '!=', left: read, right: i32(0), dtype: 'bool', width: 0 }
        : read;
    };
  }
}
