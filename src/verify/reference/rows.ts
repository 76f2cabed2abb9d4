/**
 * Functions of a whole row: positions of extremes, leading elements, random bits.
 *
 * Where a kernel's own rounding could put another element first, or move an element to the other side of a cut, the error is
 * infinite (of a bool, 1). Elements that are equal with equal errors are taken for the same computation on the same inputs.
 */

import type { Axis } from '../../spec/index.js';
import { elementsOf, expand, grid, type ExtentOf, type Grid } from './grid.js';
import { INFINITY, abs, ceil, floor, imul, max, min, nan } from './numbers.js';

/** Of equal elements the lower position comes first, NaN above every number. */
const compare = (a: number, b: number): number =>
  nan(a) ? (nan(b) ? 0 : 1) : nan(b) ? -1 : a === b ? 0 : a > b ? 1 : -1;

/** Position along `axis` of the largest (smallest) element. */
export function argAlong(fn: 'argmax' | 'argmin', operand: Grid, axis: Axis): Grid {
  const sign = fn === 'argmax' ? 1 : -1;
  const rows = rowsOf(operand, axis);
  const values = new Float64Array(rows.count);
  const error = new Float64Array(rows.count);
  for (let row = 0; row < rows.count; row++) {
    let best = 0;
    const value = (i: number) => operand.values[rows.place(row, i)]!;
    const off = (i: number) => operand.error?.[rows.place(row, i)] ?? 0;
    for (let i = 1; i < rows.length; i++) if (sign * compare(value(i), value(best)) > 0) best = i;
    values[row] = best;
    const [most, own] = [value(best), off(best)];
    for (let i = 0; i < rows.length && error[row] === 0; i++) {
      if (i === best || (own === 0 && off(i) === 0)) continue;
      if (own === off(i) && compare(value(i), most) === 0) continue;
      if (!(sign * most - own > sign * value(i) + off(i))) error[row] = INFINITY;
    }
  }
  const [axes, shape] = without(operand, axis);
  return grid(axes, shape, values, error);
}

/** Units that masses are whole numbers of. */
const UNIT = 2 ** 28;
const massOf = (weight: number): number =>
  min(floor(min(max(nan(weight) ? 0 : weight, 0), 1) * UNIT), UNIT - 1);

/** Whether each element is among the first `need` along `axis`, or in the shortest run whose weights are the share `need` of all. */
export function leadingAlong(
  operand: Grid,
  axis: Axis,
  weight: Grid | undefined,
  need: Grid,
  extentOf: ExtentOf,
): Grid {
  const all = [...new Set([...operand.axes, ...(weight?.axes ?? []), ...need.axes])];
  const keys = expand(operand, all, extentOf);
  const weights = weight && expand(weight, all, extentOf);
  const needs = expand(
    need,
    all.filter((each) => each !== axis),
    extentOf,
  );
  const rows = rowsOf(keys, axis);
  const values = new Float64Array(keys.values.length);
  const error = new Float64Array(keys.values.length);
  for (let row = 0; row < rows.count; row++) {
    const places = Array.from({ length: rows.length }, (_, i) => rows.place(row, i));
    leadingOfRow(places, keys, weights, needs.values[row]!, needs.error?.[row] ?? 0, values, error);
  }
  return grid(all, keys.shape, values, error);
}

/** Whether each element is among the first `need` of its block of `by` along `dim`. */
export function leadingOfBlocks(operand: Grid, dim: Axis, by: number, need: Grid, extentOf: ExtentOf): Grid {
  const [block, within] = [`${dim}/${by}`, `${dim}%${by}`];
  const cut = (axes: readonly Axis[]) => axes.flatMap((axis) => (axis === dim ? [block, within] : [axis]));
  const shape = operand.axes.flatMap((axis, i) =>
    axis === dim ? [operand.shape[i]! / by, by] : [operand.shape[i]!],
  );
  const blocks = grid(cut(operand.axes), shape, operand.values, operand.error);
  const extent = (axis: Axis) => (axis === within ? by : extentOf(axis));
  const { axes, values, error } = leadingAlong(blocks, within, undefined, need, extent);
  const whole = axes.filter((axis) => axis !== within).map((axis) => (axis === block ? dim : axis));
  return grid(whole, whole.map(extentOf), values, error);
}

function leadingOfRow(
  places: readonly number[],
  keys: Grid,
  weights: Grid | undefined,
  need: number,
  needError: number,
  values: Float64Array,
  error: Float64Array,
): void {
  const doubt = (place: number) => keys.error?.[place] ?? 0;
  const put = (place: number, leads: boolean, sure: boolean) => {
    values[place] = leads ? 1 : 0;
    error[place] = sure ? 0 : 1;
  };
  if (needError > 0) return places.forEach((place) => put(place, true, false));
  if (weights ? !(need < 1) : need >= places.length) return places.forEach((place) => put(place, true, true));
  if (!weights && need <= 0) return places.forEach((place) => put(place, false, true));
  const order = places.slice().sort((a, b) => -compare(keys.values[a]!, keys.values[b]!) || a - b);
  const mass = order.map((place) => (weights ? massOf(weights.values[place]!) : 1));
  const slack = order.map((place) => {
    const off = weights?.error?.[place] ?? 0;
    if (off === 0 || !weights) return 0;
    const at = weights.values[place]!;
    return off === INFINITY ? UNIT : max(massOf(at + off) - massOf(at), massOf(at) - massOf(at - off));
  });
  const total = mass.reduce((sum, each) => sum + each, 0);
  const loose = slack.reduce((sum, each) => sum + each, 0);
  const wanted = weights ? max(1, ceil(need * total)) : need;
  if (wanted > total) return places.forEach((place) => put(place, true, loose === 0));
  let before = 0;
  let last = 0;
  const leads = mass.map((own, i) => {
    const is = before < wanted;
    if (is) last = i;
    // Moving a share of the masses' errors to either side moves the end by at most all of them.
    const sure = loose === 0 || abs(before - wanted) > 2 * loose + 1;
    before += own;
    return { is, sure };
  });
  // The last that leads; what its rounding could exchange with it is not sure.
  const edge = [order[last]!, order[min(last + 1, order.length - 1)]!];
  order.forEach((place, i) => {
    const near = edge.some((at) => {
      const off = doubt(place) + doubt(at);
      if (off === 0) return false;
      if (doubt(place) === doubt(at) && compare(keys.values[place]!, keys.values[at]!) === 0) return false;
      return !(abs(keys.values[place]! - keys.values[at]!) > off);
    });
    put(place, leads[i]!.is, leads[i]!.sure && !near);
  });
}

/** Philox 4x32-10 (Salmon et al., SC11) of the counter (p / 4, 0, offset) under the key seed: word p % 4 for position p. */
export function randomAlong(axis: Axis, seed: Grid, offset: Grid, extentOf: ExtentOf): Grid {
  const outer = [...new Set([...seed.axes, ...offset.axes])];
  const [keys, counters] = [expand(seed, outer, extentOf), expand(offset, outer, extentOf)];
  const length = extentOf(axis);
  const values = new Float64Array(keys.values.length * length);
  for (let row = 0; row < keys.values.length; row++) {
    const [key, counter] = [halves(keys.values[row]!), halves(counters.values[row]!)];
    for (let p = 0; p < length; p += 4) {
      const words = philox([p / 4, 0, ...counter], key);
      for (let i = 0; i < 4 && p + i < length; i++) values[row * length + p + i] = words[i]! | 0;
    }
  }
  return grid([...outer, axis], [...keys.shape, length], values);
}

/** The low and the high 32 bits of an i64 that a float64 holds. */
function halves(value: number): readonly [number, number] {
  const wide = BigInt.asUintN(64, BigInt(value));
  return [Number(wide & 0xffffffffn), Number(wide >> 32n)];
}

export function philox(counter: readonly number[], key: readonly [number, number]): readonly number[] {
  let [c0, c1, c2, c3] = counter as [number, number, number, number];
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [h0, l0] = product(0xd2511f53, c0);
    const [h1, l1] = product(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(h1 ^ c1 ^ k0) >>> 0, l1, (h0 ^ c3 ^ k1) >>> 0, l0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** High and low 32 bits of a product of two 32-bit numbers, from halves of 16 bits. */
function product(a: number, b: number): readonly [number, number] {
  const [ah, al, bh, bl] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const low = al * bl;
  const middle = ah * bl + floor(low / 65536);
  const other = al * bh + (middle % 65536);
  return [ah * bh + floor(middle / 65536) + floor(other / 65536), imul(a, b) >>> 0];
}

function rowsOf({ axes, shape }: Grid, axis: Axis) {
  const at = axes.indexOf(axis);
  const length = shape[at]!;
  const inner = elementsOf(shape.slice(at + 1));
  const count = elementsOf(shape.slice(0, at)) * inner;
  const place = (row: number, i: number) => (floor(row / inner) * length + i) * inner + (row % inner);
  return { length, count, place };
}

function without({ axes, shape }: Grid, axis: Axis): [readonly Axis[], readonly number[]] {
  const at = axes.indexOf(axis);
  return [axes.filter((_, i) => i !== at), shape.filter((_, i) => i !== at)];
}
