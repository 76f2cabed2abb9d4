/**
 * A variant and a number of rows -> tensors to measure it on, of any size, that can still be checked in full.
 *
 * A small problem, the base, is repeated along the rows: position r holds what position r mod P does, with P the largest
 * divisor of the rows that is at most 64. Indices of each repetition reach places of their own, so that a gather or a
 * scatter moves as much memory as it does in earnest. The base is compared with the reference, element by element, and
 * every repetition with the base, bit by bit. Where a kernel counts over its rows, nothing repeats: all rows are the base.
 */

import { evaluateExpr, type TensorEntry, type VariantEntry } from '../device/index.js';
import type { BoundKernel, BoundTensor } from '../spec/index.js';
import { denseLayout, type TensorLayout } from '../verify/layout.js';
import { Random, seedOf } from '../verify/random.js';
import { rolesOf, type IndexUse, type Roles } from '../verify/roles.js';
import { bytesOf, codecOf } from '../verify/storage.js';
import type { Problem } from '../verify/types.js';
import { dataOf } from '../verify/values.js';

/** Most rows of the base. */
const PERIOD = 64;
/** Positions of what is gathered from (a table of cosines, a vocabulary): of the base, and repetitions of them. */
const GATHERED = 128;
const GATHERED_TIMES = 64;
/** Rows of a gap behind what is counted in one bin, about. */
const GAPS = 16;
/** Value of integer parameters, such as the first of the local experts. */
const INTEGER = 3;

export interface WorkTensor {
  readonly name: string;
  readonly entry: TensorEntry;
  readonly bound: BoundTensor;
  /** As a launch is given it: one extent an entry of the spec's shape. */
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly base: { readonly shape: readonly number[]; readonly layout: TensorLayout };
  readonly tiling: Tiling;
}

/** Memory as `outer` stretches, each `times` repetitions of `inner` bytes. */
export interface Tiling {
  readonly outer: number;
  readonly times: number;
  readonly inner: number;
}

export interface Workload {
  readonly rows: number;
  readonly dims: Readonly<Record<string, number>>;
  readonly params: Readonly<Record<string, number>>;
  readonly tensors: readonly WorkTensor[];
  /** The base, for the reference. */
  readonly base: Problem;
  /** Bytes of every element that the formula reads and writes, each once. */
  readonly moved: { readonly read: number; readonly written: number };
  /** Bytes of an input at full size; of what is written, zeros. */
  readonly contents: (tensor: WorkTensor) => Uint8Array;
  /** The same for the base. */
  readonly baseContents: (tensor: WorkTensor) => Uint8Array;
}

export function makeWorkload(bound: BoundKernel, variant: VariantEntry, rows: number): Workload {
  const roles = rolesOf(bound);
  const sizes = extentsOf(bound, roles, rows);
  const random = new Random(seedOf(`${variant.kernel} ${rows}`));
  const inputs = new Map<string, Float64Array>();
  const tensors = bound.tensors.map((tensor, ordinal): WorkTensor => {
    const layout = denseLayout(tensor, sizes.base);
    if (tensor.access !== 'out') inputs.set(tensor.name, baseValues(tensor, layout, ordinal));
    const entry = variant.tensors.find(({ name }) => name === tensor.name)!;
    const shapeIn = (dims: Readonly<Record<string, number>>): readonly number[] =>
      entry.shape.map((expression) => evaluateExpr(expression, { dims }));
    const shape = shapeIn(sizes.full);
    const bytes = shape.reduce((product, extent) => product * extent, bytesOf(tensor.dtype));
    const base = { shape: shapeIn(sizes.base), layout };
    return { name: tensor.name, entry, bound: tensor, shape, bytes, base, tiling: tilingOf(tensor, layout) };
  });
  const params = Object.fromEntries(
    bound.params.map(({ name, dtype }) => [name, dtype === 'f32' ? 0.375 : INTEGER]),
  );
  const base: Problem = { extents: sizes.base, params, inputs };
  const baseContents = ({ name, bound: tensor, base: { layout } }: WorkTensor): Uint8Array =>
    pack(tensor, layout, inputs.get(name));
  const contents = (tensor: WorkTensor): Uint8Array => {
    const values = indexValues(tensor);
    return values ? packDense(tensor.bound, values) : tile(baseContents(tensor), tensor.tiling);
  };
  const moved = movedBytes();
  return { rows, dims: sizes.full, params, tensors, base, moved, contents, baseContents };

  function baseValues(tensor: BoundTensor, { shape }: TensorLayout, ordinal: number): Float64Array {
    const count = shape.reduce((product, extent) => product * extent, 1);
    const ranges = roles.offsets.get(tensor.name);
    if (ranges) return Float64Array.from({ length: count }, (_, i) => i * sizes.base[ranges.dim]!);
    const uses = roles.indices.get(tensor.name);
    if (!uses) return dataOf(tensor, shape, 'normal', random, { ordinal });
    const bins = countedBins(uses);
    if (bins) return Float64Array.from({ length: count }, () => INTEGER + random.below(sizes.base[bins]!));
    const room = roomOf(tensor.name, sizes.base);
    // Not 0: what is gathered one position earlier stays within its repetition.
    if (!reachesOnce(tensor, uses))
      return Float64Array.from({ length: count }, () => 1 + random.below(room - 1));
    const places = random.permutation(room);
    return Float64Array.from({ length: count }, (_, i) => places[i % room]!);
  }

  /** Places that an index tensor can name. */
  function roomOf(index: string, extents: Readonly<Record<string, number>>): number {
    const uses = roles.indices.get(index)!.filter(({ kind }) => kind !== 'tally');
    return Math.min(...uses.map(({ dims }) => dims.reduce((product, dim) => product * extents[dim]!, 1)));
  }

  /** Offsets and indices at full size: those of the base, moved on with each repetition. */
  function indexValues({
    name,
    tiling: { outer, times },
    base: { layout },
  }: WorkTensor): Float64Array | undefined {
    const ranges = roles.offsets.get(name);
    if (ranges) {
      const count = sizes.full[ranges.rows]! + 1;
      return Float64Array.from({ length: count }, (_, i) => i * sizes.base[ranges.dim]!);
    }
    const uses = roles.indices.get(name);
    if (!uses) return undefined;
    const base = inputs.get(name)!;
    if (countedBins(uses)) return base;
    const room = roomOf(name, sizes.base);
    const repetitions = roomOf(name, sizes.full) / room;
    const once = reachesOnce(
      bound.tensors.find((tensor) => tensor.name === name)!,
      uses,
    );
    const other = new Random(seedOf(name));
    const inner = layout.shape.reduce((product, extent) => product * extent, 1) / outer;
    return Float64Array.from({ length: outer * times * inner }, (_, i) => {
      const place = base[Math.floor(i / (times * inner)) * inner + (i % inner)]!;
      const repetition = Math.floor(i / inner) % times;
      return place + room * (once ? repetition : other.below(repetitions));
    });
  }

  function tilingOf(tensor: BoundTensor, { shape, strides }: TensorLayout): Tiling {
    // Outermost first, as they lie in memory.
    const order = shape.map((_, i) => i).sort((a, b) => strides[b]! - strides[a]!);
    const extent = (places: readonly number[]): number =>
      places.reduce((product, i) => product * shape[i]!, 1);
    const size = bytesOf(tensor.dtype);
    const at = order.findIndex((i) => timesOf(tensor.modes[i]!.dim) > 1);
    if (at < 0) return { outer: 1, times: 1, inner: extent(order) * size };
    return {
      outer: extent(order.slice(0, at)),
      times: timesOf(tensor.modes[order[at]!]!.dim),
      inner: extent(order.slice(at)) * size,
    };
  }

  function timesOf(dim: string): number {
    return sizes.full[dim]! / sizes.base[dim]!;
  }

  function movedBytes(): Workload['moved'] {
    let read = 0;
    let written = 0;
    for (const tensor of tensors) {
      if (tensor.bound.access !== 'out') read += tensor.bytes * reached(tensor, 'gather');
      if (tensor.bound.access !== 'in') written += tensor.bytes * reached(tensor, 'scatter');
    }
    return { read, written };
  }

  /** Share of a tensor that indices reach; 1 where none of its modes is indexed. */
  function reached(tensor: WorkTensor, how: 'gather' | 'scatter'): number {
    const index = tensors.find(({ name }) =>
      roles.indices.get(name)?.some(({ kind, target }) => kind === how && target === tensor.name),
    );
    if (!index || !tensor.bound.modes.some(({ dim }) => roles.targets.has(dim))) return 1;
    const values = indexValues(index)!;
    const room = roomOf(index.name, sizes.full);
    // What is counted has a place of its own each.
    const uses = roles.indices.get(index.name)!;
    return (countedBins(uses) === undefined ? new Set(values).size : values.length) / room;
  }
}

function extentsOf(
  bound: BoundKernel,
  roles: Roles,
  rows: number,
): Record<'full' | 'base', Record<string, number>> {
  const counts = [...roles.indices.values()].map(countedBins).find((bins) => bins !== undefined);
  const period = counts === undefined ? divisorOf(rows) : rows;
  const times = rows / period;
  const full: Record<string, number> = {};
  const base: Record<string, number> = {};
  const set = (dim: string, extent: number, count: number): void => {
    base[dim] = extent;
    full[dim] = extent * count;
  };
  for (const [dim, extent] of Object.entries(bound.extents)) {
    if (extent !== 'dynamic') set(dim, extent, 1);
    else if (roles.targets.has(dim)) set(dim, GATHERED, GATHERED_TIMES);
    else set(dim, period, times);
  }
  // One range a repetition.
  for (const { dim, rows: ranges } of roles.offsets.values()) {
    set(dim, period, times);
    set(ranges, 1, times);
  }
  for (const [source, uses] of roles.indices) {
    const tensor = bound.tensors.find(({ name }) => name === source)!;
    for (const { dims } of uses.filter((use) => use.kind !== 'tally' && reachesOnce(tensor, [use]))) {
      const open = dims.find((dim) => bound.extents[dim] === 'dynamic' && roles.targets.has(dim));
      if (open === undefined) continue;
      const others = dims.filter((dim) => dim !== open).reduce((product, dim) => product * base[dim]!, 1);
      const needed = tensor.modes.reduce((product, mode) => product * base[mode.dim]!, 1);
      // What is counted is laid out with gaps.
      const spare = countedBins(uses) === undefined ? 0 : GAPS * base[countedBins(uses)!]!;
      set(open, Math.ceil(needed / others) + spare, times);
    }
  }
  return { full, base };
}

/** Dimension that a tensor's values are counted in, the first of several; undefined where they are not counted. */
const countedBins = (uses: readonly IndexUse[]): string | undefined =>
  uses.find(({ kind }) => kind === 'tally')?.dims[0];

/** Whether an index names each place at most once: those of writes, and several a row, as of the rows that experts give back. */
const reachesOnce = (tensor: BoundTensor, uses: readonly IndexUse[]): boolean =>
  uses.some(({ kind }) => kind === 'scatter') || tensor.modes.some(({ extent }) => extent !== 'dynamic');

/** The largest divisor of at most `PERIOD`. */
function divisorOf(rows: number): number {
  for (let divisor = Math.min(rows, PERIOD); divisor > 1; divisor--) if (rows % divisor === 0) return divisor;
  return 1;
}

function pack(
  tensor: BoundTensor,
  { shape, strides, span }: TensorLayout,
  values?: Float64Array,
): Uint8Array {
  const size = bytesOf(tensor.dtype);
  const bytes = new Uint8Array(span * size);
  if (!values) return bytes;
  const view = new DataView(bytes.buffer);
  const codec = codecOf(tensor.dtype);
  const index = new Array<number>(shape.length).fill(0);
  let offset = 0;
  for (let i = 0; i < values.length; i++) {
    codec.write(view, offset * size, values[i]!);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      offset += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      offset -= shape[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return bytes;
}

function packDense({ dtype }: BoundTensor, values: Float64Array): Uint8Array {
  const size = bytesOf(dtype);
  const bytes = new Uint8Array(values.length * size);
  const view = new DataView(bytes.buffer);
  const codec = codecOf(dtype);
  values.forEach((value, i) => codec.write(view, i * size, value));
  return bytes;
}

function tile(base: Uint8Array, { outer, times, inner }: Tiling): Uint8Array {
  const full = new Uint8Array(base.length * times);
  for (let o = 0; o < outer; o++) {
    const from = base.subarray(o * inner, (o + 1) * inner);
    for (let t = 0; t < times; t++) full.set(from, (o * times + t) * inner);
  }
  return full;
}

/** First byte at which memory is no repetition of the base; undefined where it is one throughout. */
export function firstDifference(
  full: Uint8Array,
  base: Uint8Array,
  { outer, times, inner }: Tiling,
): number | undefined {
  for (let o = 0; o < outer; o++) {
    const from = Buffer.from(base.buffer, base.byteOffset + o * inner, inner);
    for (let t = 0; t < times; t++) {
      const at = (o * times + t) * inner;
      const found = Buffer.from(full.buffer, full.byteOffset + at, inner);
      if (!from.equals(found)) return at + [...found].findIndex((byte, i) => byte !== from[i]);
    }
  }
  return undefined;
}
