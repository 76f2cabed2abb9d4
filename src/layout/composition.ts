/**
 * Composition: A and B -> R with R(i) = A(B(i)) for every i below size(B).
 *
 * Each leaf s:d of B walks over the coalesced modes of A: the step d first skips the modes it is a multiple of, then
 * takes a part of the mode it divides, and goes on with step 1. So (4,6):(3,20) o 6:2 is (2,3):(6,20), while
 * (6,2):(8,2) o 3:4 is none, 4 and 6 dividing neither way. Where B reaches past the end of A, A goes on along the last
 * of its coalesced modes: 8:3 o 4:4 is 4:12.
 *
 * It is an error where no such R exists by this rule, and also where leaves of B together carry from one mode of A into
 * the next: their sum is then not the sum of their images, and CuTe's formula would give another function.
 */
import { coalesce } from './coalesce.js';
import { add, layoutError, multiply } from './integer.js';
import { isTuple } from './int-tuple.js';
import { type Layout, type Mode, concat, flatModes, formatLayout, fromModes, modesOf } from './layout.js';
import { type Tiler, applyTiler } from './tiler.js';

/**
 * A o B, whose shape is compatible with B's; with a tuple mode by mode.
 *
 * @throws LAYOUT_INVALID where A o B is not a layout by the rule above.
 */
export function composition(a: Layout, b: Tiler): Layout {
  return applyTiler(a, b, (whole, tile) => new Composer(whole, tile).compose(tile));
}

/** One composition; counts how far the leaves of B together reach in each mode of A. */
class Composer {
  readonly #a: Layout;
  readonly #b: Layout;
  readonly #modes: Mode[];
  readonly #used: number[];

  constructor(a: Layout, b: Layout) {
    this.#a = a;
    this.#b = b;
    this.#modes = flatModes(coalesce(a));
    this.#used = this.#modes.map(() => 0);
  }

  compose(part: Layout): Layout {
    if (isTuple(part.shape)) return concat(modesOf(part).map((mode) => this.compose(mode)));
    return fromModes(flatModes(part).flatMap((mode) => this.#leaf(mode)));
  }

  /** The pieces of one leaf of B: none for an extent of 1. */
  #leaf({ extent, stride }: Mode): Mode[] {
    if (extent === 1) return [];
    if (stride === 0) return [{ extent, stride: 0 }];
    const pieces: Mode[] = [];
    const take = (index: number, count: number, step: number): void => {
      pieces.push({ extent: count, stride: multiply(step, this.#modes[index]!.stride) });
      this.#use(index, multiply(count - 1, step));
    };
    let rest = extent;
    let step = stride;
    for (const [index, mode] of this.#modes.entries()) {
      const last = index === this.#modes.length - 1;
      if (last || step * (rest - 1) < mode.extent) {
        take(index, rest, step);
        break;
      }
      if (step % mode.extent === 0) {
        step /= mode.extent;
        continue;
      }
      if (mode.extent % step !== 0) {
        throw this.#error(
          `a step of ${step} into an extent of ${mode.extent}`,
          'one of the two to divide the other',
        );
      }
      const count = mode.extent / step;
      if (rest % count !== 0) {
        throw this.#error(
          `${rest} steps of ${step} into an extent of ${mode.extent}`,
          `a multiple of ${count} steps, or at most ${count}`,
        );
      }
      take(index, count, step);
      rest /= count;
      step = 1;
    }
    return pieces;
  }

  #use(index: number, distance: number): void {
    const used = add(this.#used[index]!, distance);
    this.#used[index] = used;
    const extent = this.#modes[index]!.extent;
    if (used >= extent && index < this.#modes.length - 1) {
      throw this.#error(
        `the modes of ${formatLayout(this.#b)} together reach ${used} in an extent of ${extent}`,
        `at most ${extent - 1}, so that no sum carries into the next mode`,
      );
    }
  }

  #error(actual: string, expected: string): Error {
    return layoutError(
      `${formatLayout(this.#a)} o ${formatLayout(this.#b)} is not a layout`,
      actual,
      expected,
      'choose extents and strides of the right-hand side that divide those of the left',
    );
  }
}
