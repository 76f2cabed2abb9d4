/** Access -> view: the base offset of a row, and the (threads, vector, tiles...) layout of its lanes. */

import { composition, concat, flatModes, makeLayout, modesOf, type Layout } from '../../layout/index.js';
import type { Access, LaneLayout, Section } from '../../ir/kernel.js';
import { unsupported } from '../unsupported.js';

export interface LaneView {
  /** (threads, [vector], tiles...) -> element offset from the row's base. */
  readonly layout: Layout;
  readonly hasVector: boolean;
  /** Indices into the lane layout's tile modes that the access varies over. */
  readonly tiles: readonly number[];
  /** Thread modes that the access does not vary over: [first thread of the mode's stride, extent]. */
  readonly idleThreads: readonly { readonly stride: number; readonly extent: number }[];
}

/** Undefined for an access that no lane axis touches. */
export function laneView(section: Section, lanes: LaneLayout, access: Access): LaneView | undefined {
  const strides = lanes.axes.map(({ axis }) => laneStride(section, access, axis));
  if (strides.every((step) => step === undefined)) return undefined;
  const tensor = makeLayout(
    lanes.axes.map(({ extent }) => extent),
    strides.map((step) => step ?? 0),
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

function laneStride(section: Section, access: Access, axis: string): number | undefined {
  const terms = access.terms.filter((term) => term.kind === 'axis' && term.axis === axis);
  if (terms.length === 0) return undefined;
  return terms.reduce((sum, term) => {
    if (term.stride.symbols.length > 0) {
      throw unsupported(
        section,
        `${access.tensor} has a stride along ${axis} that is known only at launch`,
        `a static stride along ${axis}`,
      );
    }
    return sum + term.stride.factor;
  }, 0);
}
