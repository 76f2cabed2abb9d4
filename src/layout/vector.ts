/**
 * Vectors: how many elements one access may move.
 *
 * maxCommonLayout: two layouts of one domain, the elements that lie next to each other in both.
 * maxVectorWidth: a tensor's layout, its element and the hardware's limits -> the width of its widest legal access.
 */
import { mergeModes } from './coalesce.js';
import { type AnyLayout, innerLayout, isComposed } from './composed.js';
import { rightInverse } from './inverse.js';
import { atLeast } from './integer.js';
import { type Layout, type Mode, flatModes, fromModes, modeOf, modesOf, size } from './layout.js';

/**
 * The longest layout R with a(R(i)) = b(R(i)) = i for every i below size(R); 1:0 where only element 0 is common.
 *
 * It is the longest common beginning of the two right inverses. Where a or b overlaps itself a longer one may exist.
 */
export function maxCommonLayout(a: Layout, b: Layout): Layout {
  const others = flatModes(rightInverse(b));
  const common: Mode[] = [];
  for (const [i, { extent, stride }] of flatModes(rightInverse(a)).entries()) {
    const other = others[i];
    if (other?.stride !== stride) break;
    common.push({ extent: Math.min(extent, other.extent), stride });
    if (other.extent !== extent) break;
  }
  return fromModes(common);
}

/** Number of elements that lie next to each other, in the same order, in both layouts; at least 1. */
export function maxCommonVector(a: Layout, b: Layout): number {
  return size(maxCommonLayout(a, b));
}

export interface VectorLimits {
  /** Size of an element, in bits. */
  readonly elementBits: number;
  /** What the address of the layout's element 0 is known to be a multiple of, in bytes. */
  readonly alignBytes: number;
  /** Widest access of the architecture, in bits. */
  readonly maxAccessBits: number;
}

/**
 * The largest power of two v so that every access to v elements along top-level mode `mode`, starting at a multiple of
 * v, is contiguous and aligned to its own width; 1 where no wider one is legal.
 *
 * v divides the contiguous extent of the mode and every stride beyond it, v elements fit in the widest access, and the
 * base address is aligned to them. Only the strides of other modes matter, so a mode of unknown extent may be given any
 * extent above 1. Under a swizzle v also divides the offset and is at most 2^base.
 *
 * @throws LAYOUT_INVALID where there is no such mode or a limit is not a positive integer.
 */
export function maxVectorWidth(layout: AnyLayout, mode: number, limits: VectorLimits): number {
  const elementBits = atLeast(1, limits.elementBits, 'the bits of an element');
  const alignBits = 8 * atLeast(1, limits.alignBytes, 'the alignment of a pointer');
  const accessBits = atLeast(1, limits.maxAccessBits, 'the bits of an access');
  const inner = innerLayout(layout);
  const [run, ...steps] = mergeModes(flatModes(modeOf(inner, mode)));
  if (run?.stride !== 1) return 1;
  const others = modesOf(inner).flatMap((other, i) => (i === mode ? [] : flatModes(other)));
  const multiples = [...steps, ...others].filter(({ extent }) => extent > 1).map(({ stride }) => stride);
  if (isComposed(layout)) {
    multiples.push(layout.offset);
    if (layout.swizzle.bits > 0) multiples.push(2 ** layout.swizzle.base);
  }
  const legal = (width: number): boolean =>
    width * elementBits <= accessBits &&
    alignBits % (width * elementBits) === 0 &&
    [run.extent, ...multiples].every((multiple) => multiple % width === 0);
  let width = 1;
  while (legal(2 * width)) width *= 2;
  return width;
}
