/**
 * Simplification: the same function of an index, with as few modes as it can have.
 *
 * coalesce: (2,(1,6)):(1,(6,2)) -> 12:1. Modes of extent 1 go, and neighbours merge where the right one goes on where
 * the left one ends. The result maps every index below the size as the layout does.
 */
import { type Nested, isTuple } from './int-tuple.js';
import { type Layout, type Mode, concat, flatModes, fromModes, modesOf } from './layout.js';
import { requireRank } from './tiler.js';

/**
 * The layout with the fewest modes that is the same function of an index.
 *
 * With a profile, each top-level mode that is under a leaf of the profile is coalesced by itself and the rest stays as
 * it is, so that coordinates of the profile's nesting stay valid. The profile's leaves are not looked at.
 *
 * @throws LAYOUT_INVALID for a profile with more modes than the layout.
 */
export function coalesce(layout: Layout, profile: Nested<unknown> = 1): Layout {
  if (!isTuple(profile)) return fromModes(mergeModes(flatModes(layout)));
  requireRank(layout, profile.length, 'profile');
  return concat(modesOf(layout).map((mode, i) => (i < profile.length ? coalesce(mode, profile[i]) : mode)));
}

/** The leaves without extents of 1, neighbours merged where the right one goes on where the left one ends. */
export function mergeModes(modes: readonly Mode[]): Mode[] {
  const merged: Mode[] = [];
  for (const mode of modes) {
    const last = merged.at(-1);
    if (mode.extent === 1) continue;
    if (last && last.extent * last.stride === mode.stride) {
      merged[merged.length - 1] = { extent: last.extent * mode.extent, stride: last.stride };
    } else {
      merged.push(mode);
    }
  }
  return merged;
}

/** The coalesced layout without modes of stride 0: the same image, each repeated element once. */
export function filterZeros(layout: Layout): Layout {
  return fromModes(mergeModes(flatModes(layout).filter(({ stride }) => stride !== 0)));
}
