/** Access -> view: the base offset of a row, and the (threads, vector, tiles...) layout of its lanes. */

import { composition, concat, flatModes, makeLayout, modesOf, type Layout } from '../../layout/index.js';
import type { Axis } from '../../spec/index.js';
import type { Access, LaneLayout } from '../../ir/kernel.js';

export interface LaneView {
  /** (threads, [vector], tiles...) -> element offset from the row's base. */
  readonly layout: Layout;
  readonly hasVector: boolean;
  /** Indices into the lane layout's tile modes that the access varies over. */
  readonly tiles: readonly number[];
  /** Thread modes that the access does not vary over: [first thread of the mode's stride, extent]. */
  readonly idleThreads: readonly { readonly stride: number; readonly extent: number }[];
}

/** Undefined for an access that no lane axis touches. Strides along lane axes must be static. */
export function laneView(lanes: LaneLayout, access: Access): LaneView | undefined {
  const strides = lanes.axes.map(({ axis }) => laneStride(access, axis));
  if (strides.every((step) => step === undefined)) return undefined;
  if (strides.includes('dynamic')) throw new Error(`${access.tensor} has no static layout along its lanes`);
  const tensor = makeLayout(
    lanes.axes.map(({ extent }) => extent),
    strides.map((step) => (typeof step === 'number' ? step : 0)),
  );
  const [threads, ...values] = modesOf(lanes.layout).map((mode) => composition(tensor, mode));
  const [vector, ...tiles] = values;
  const hasVector = strides[0] !== undefined;
  const present = tiles.flatMap((_, i) =>
    strides[lanes.axes.findIndex(({ axis }) => axis === lanes.tiles[i]!.axis)] === undefined ? [] : [i],
  );
  const modes = [threads!, ...(hasVector ? [vector!] : []), ...present.map((i) => tiles[i]!)];
  let first = 1;
  const idleThreads = flatModes(threads!).flatMap((mode) => {
    const stride = first;
    first *= mode.extent;
    return mode.extent > 1 && mode.stride === 0 ? [{ stride, extent: mode.extent }] : [];
  });
  return {
    layout: concat(modes),
    hasVector,
    tiles: present,
    idleThreads,
  };
}

/** Elements from one position of an axis to the next; `dynamic` where known only at launch, undefined where it does not move. */
export function laneStride(access: Access, axis: Axis): number | 'dynamic' | undefined {
  const terms = access.terms.filter((term) => term.kind === 'axis' && term.axis === axis);
  if (terms.length === 0) return undefined;
  if (terms.some(({ stride }) => stride.symbols.length > 0)) return 'dynamic';
  return terms.reduce((sum, { stride }) => sum + stride.factor, 0);
}
