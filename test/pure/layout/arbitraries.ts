/** Random shapes and layouts for the properties, small enough to enumerate. */
import fc from 'fast-check';
import {
  type IntTuple,
  type Layout,
  flatten,
  makeLayout,
  mapLeaves,
  product,
  size,
  evaluate,
  unflatten,
} from '../../../src/layout/index.js';
import { exclusiveProducts } from '../../../src/layout/coordinate.js';

/** Largest size of a random shape. */
export const LARGEST = 288;

/** Nested shapes of at most `LARGEST` elements; extents are drawn from `extents`. */
export function shapes(extents: readonly number[] = [1, 2, 3, 4, 5, 6, 8]): fc.Arbitrary<IntTuple> {
  const { shape } = fc.letrec<Record<'shape' | 'part' | 'leaf' | 'tuple', IntTuple>>((tie) => ({
    shape: fc.oneof({ weight: 1, arbitrary: tie('leaf') }, { weight: 6, arbitrary: tie('tuple') }),
    tuple: fc.array(tie('part'), { minLength: 1, maxLength: 3, depthIdentifier: 'shape' }),
    part: fc.oneof({ maxDepth: 2, depthIdentifier: 'shape' }, tie('leaf'), tie('tuple')),
    leaf: fc.constantFrom(...extents),
  }));
  return shape.filter((nested) => product(nested) <= LARGEST);
}

/** Any strides up to 40, zeros and repeats among them: most overlap themselves. */
export const anyLayouts: fc.Arbitrary<Layout> = shapes().chain((shape) =>
  fc
    .array(fc.oneof(fc.nat(8), fc.nat(40)), {
      minLength: flatten(shape).length,
      maxLength: flatten(shape).length,
    })
    .map((strides) => makeLayout(shape, unflatten(strides, shape))),
);

/** Bijections onto [0, size): the compact strides of the leaves in a random order. */
export function compactLayouts(extents?: readonly number[]): fc.Arbitrary<Layout> {
  return shapes(extents).chain((shape) =>
    orders(shape).map((order) =>
      makeLayout(
        shape,
        stridesInOrder(shape, order, () => 1),
      ),
    ),
  );
}

/** Injective layouts whose modes are nested, with gaps of a random factor, or of a few elements of padding. */
export const nestedLayouts: fc.Arbitrary<Layout> = shapes().chain((shape) => {
  const leaves = flatten(shape).length;
  const gaps = fc.array(fc.constantFrom(1, 1, 1, 2, 3), { minLength: leaves, maxLength: leaves });
  return fc.tuple(orders(shape), gaps).map(([order, gap]) =>
    makeLayout(
      shape,
      stridesInOrder(shape, order, (i) => gap[i]!),
    ),
  );
});

export const paddedLayouts: fc.Arbitrary<Layout> = shapes().chain((shape) => {
  const leaves = flatten(shape).length;
  return fc
    .tuple(orders(shape), fc.array(fc.nat(2), { minLength: leaves, maxLength: leaves }))
    .map(([order, padding]) => {
      const strides: number[] = [];
      let next = 1;
      order.forEach((leaf, i) => {
        strides[leaf] = next + padding[i]!;
        next = strides[leaf] * flatten(shape)[leaf]!;
      });
      return makeLayout(shape, unflatten(strides, shape));
    });
});

export const layouts: fc.Arbitrary<Layout> = fc.oneof(
  anyLayouts,
  compactLayouts(),
  nestedLayouts,
  paddedLayouts,
);

/** Two layouts of one shape: of different orders, or alike up to some stride and apart beyond it. */
export const relatedLayouts: fc.Arbitrary<[Layout, Layout]> = fc.oneof(
  shapes().chain((shape) => {
    const one = orders(shape).map((order) =>
      makeLayout(
        shape,
        stridesInOrder(shape, order, () => 1),
      ),
    );
    return fc.tuple(one, one);
  }),
  fc
    .tuple(fc.oneof(layouts, nestedLayouts, compactLayouts()), fc.constantFrom(1, 2, 3), fc.nat(16))
    .map(([layout, factor, from]): [Layout, Layout] => {
      const stride = mapLeaves(layout.stride, (step) => (step > from ? factor * step : step));
      return [layout, makeLayout(layout.shape, stride)];
    }),
);

function orders(shape: IntTuple): fc.Arbitrary<number[]> {
  const leaves = flatten(shape).map((_, i) => i);
  return fc.shuffledSubarray(leaves, { minLength: leaves.length });
}

/** Strides that run over the leaves in `order`, the i-th leaf of the order after a gap of `gap(i)` times. */
function stridesInOrder(shape: IntTuple, order: readonly number[], gap: (i: number) => number): IntTuple {
  const extents = flatten(shape);
  const products = exclusiveProducts(order.flatMap((leaf, i) => [gap(i), extents[leaf]!]));
  const strides: number[] = [];
  order.forEach((leaf, i) => (strides[leaf] = products[2 * i + 1]!));
  return unflatten(strides, shape);
}

/** 0, 1, ..., count - 1 */
export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** The layout's values at every index. */
export const values = (layout: Layout): number[] => range(size(layout)).map((i) => evaluate(layout, i));

export const ascending = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);

/** The result of `run`, or undefined where it refuses with LAYOUT_INVALID. */
export function defined<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'LAYOUT_INVALID') {
      return undefined;
    }
    throw error;
  }
}

/** An `expect` argument: an error with this code. */
export const invalid = { code: 'LAYOUT_INVALID' };
