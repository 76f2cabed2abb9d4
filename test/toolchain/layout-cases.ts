/** Random questions for NVIDIA's code, by operation, with our own answers; layout-oracle.ts asks and compares. */
import fc from 'fast-check';
import {
  type Coordinate,
  type Layout,
  type Tiler,
  coalesce,
  complement,
  composition,
  compactStride,
  cosize,
  crd2crd,
  crd2idx,
  evaluate,
  evaluateAny,
  filterZeros,
  flatten,
  idx2crd,
  isTuple,
  leftInverse,
  logicalDivide,
  logicalProduct,
  makeComposed,
  makeSwizzle,
  modesOf,
  product,
  rightInverse,
  size,
  sliceAndOffset,
  tiledDivide,
  tiledProduct,
  unflatten,
  zippedDivide,
  zippedProduct,
} from '../../src/layout/index.js';
import { layouts, shapes, values } from '../pure/layout/arbitraries.js';
import {
  type Case,
  type Question,
  byMode,
  complements,
  composes,
  divides,
  invertsLeft,
  invertsRight,
  repeats,
  sample,
  small,
  tilersOf,
  untile,
  unzip,
} from './layout-oracle.js';

const NESTED = layouts.filter(({ shape }) => isTuple(shape));

/** One question whose answer is anything but a layout. */
export interface Exact {
  readonly question: Question;
  readonly ours: unknown;
}

/** A layout and a full coordinate into it, of which some parts may be numbers for tuples. */
const COORDINATES = layouts.chain((layout) =>
  fc.tuple(fc.nat(size(layout) - 1), fc.array(fc.boolean(), { maxLength: 4 })).map(([index, merge]) => {
    const coordinate = idx2crd(index, layout.shape);
    const shape = layout.shape;
    const mixed: Coordinate =
      isTuple(coordinate) && isTuple(shape)
        ? coordinate.map((part, i) => (merge[i] ? crd2idx(part, shape[i]!) : part))
        : coordinate;
    return { layout, index, coordinate, mixed };
  }),
);

/** [bits, base, shift] of legal swizzles of either direction; NVIDIA's Python cannot shift by 0. */
export const SWIZZLES = fc
  .tuple(fc.nat(3), fc.nat(4), fc.integer({ min: 1, max: 3 }), fc.boolean())
  .map(([bits, base, extra, up]): [number, number, number] => [bits, base, (up ? 1 : -1) * (bits + extra)]);

/** `count` questions an operation, whose answers are numbers, coordinates and slices. */
export function exactQuestions(count: number): Record<string, Exact[]> {
  const sampled = <T>(arbitrary: fc.Arbitrary<T>): T[] => sample(arbitrary, count);
  const all = sampled(layouts);
  const exact: Record<string, Exact[]> = {};
  exact['flatten'] = sampled(shapes()).map((s) => ({ question: ['flatten', s], ours: flatten(s) }));
  exact['product'] = sampled(shapes()).map((s) => ({ question: ['product', s], ours: product(s) }));
  exact['prefix_product'] = sampled(shapes()).map((s) => ({
    question: ['prefix_product', s],
    ours: compactStride(s),
  }));
  exact['size'] = all.map((l) => ({ question: ['size', l], ours: size(l) }));
  exact['cosize'] = all.map((l) => ({ question: ['cosize', l], ours: cosize(l) }));
  exact['evaluate'] = sampled(COORDINATES).map(({ layout, mixed }) => ({
    question: ['evaluate', layout, mixed],
    ours: evaluate(layout, mixed),
  }));
  exact['crd2idx'] = sampled(fc.tuple(layouts, fc.double({ min: 0, max: 2, noNaN: true }))).map(
    ([layout, far]) => {
      const index = Math.floor(far * size(layout)); // up to twice the size
      return {
        question: ['crd2idx', index, layout.shape, layout.stride],
        ours: crd2idx(index, layout.shape, layout.stride),
      };
    },
  );
  exact['idx2crd'] = sampled(COORDINATES).map(({ layout, index }) => ({
    question: ['idx2crd', index, layout.shape],
    ours: idx2crd(index, layout.shape),
  }));
  exact['crd2crd'] = sampled(COORDINATES).flatMap(({ layout, index, coordinate }) => [
    {
      question: ['crd2crd', coordinate, size(layout), layout.shape],
      ours: crd2crd(coordinate, layout.shape, size(layout)),
    },
    {
      question: ['crd2crd', index, layout.shape],
      ours: crd2crd(index, size(layout), layout.shape),
    },
  ]);
  exact['slice_and_offset'] = sampled(
    COORDINATES.chain(({ layout, coordinate }) => {
      const leaves = flatten(coordinate);
      return fc
        .array(fc.boolean(), { minLength: leaves.length, maxLength: leaves.length })
        .filter((holes) => holes.includes(true))
        .map((holes) => ({
          layout,
          at: unflatten<number | null>(
            leaves.map((leaf, i) => (holes[i] ? null : leaf)),
            coordinate,
          ),
        }));
    }),
  ).map(({ layout, at }) => {
    const { layout: slice, offset } = sliceAndOffset(layout, at);
    return { question: ['slice_and_offset', layout, at], ours: [slice, offset] };
  });
  exact['composed'] = sampled(fc.tuple(SWIZZLES, fc.nat(64), COORDINATES)).map(
    ([fields, offset, { layout, coordinate }]) => ({
      question: ['composed', fields, offset, layout, coordinate],
      ours: evaluateAny(makeComposed(makeSwizzle(...fields), layout, offset), coordinate),
    }),
  );
  return exact;
}

/** `count` questions an operation, whose answers are layouts. */
export function layoutCases(count: number): Record<string, Case[]> {
  const sampled = <T>(arbitrary: fc.Arbitrary<T>): T[] => sample(arbitrary, count);
  const all = sampled(layouts);
  const cases: Record<string, Case[]> = {};
  cases['coalesce'] = all.map((l) => ({
    question: ['coalesce', l],
    ours: () => coalesce(l),
    law: (r) => String(values(r)) === String(values(l)),
  }));
  cases['coalesce by mode'] = sampled(NESTED).map((l) => {
    const profile = modesOf(l).map(() => 1);
    return {
      question: ['coalesce', l, profile],
      ours: () => coalesce(l, profile),
      law: (r) => String(values(r)) === String(values(l)),
    };
  });
  cases['filter'] = all.map((l) => ({
    question: ['filter', l],
    ours: () => filterZeros(l),
    law: (r) => String([...new Set(values(r))]) === String([...new Set(values(l))]),
  }));
  cases['complement'] = sampled(fc.tuple(layouts, fc.integer({ min: 1, max: 600 }))).map(([l, n]) => ({
    question: ['complement', l, n],
    ours: () => complement(l, n),
    law: (r) => complements(l, n, r),
  }));
  cases['right_inverse'] = all.map((l) => ({
    question: ['right_inverse', l],
    ours: () => rightInverse(l),
    law: (r) => invertsRight(l, r),
  }));
  cases['left_inverse'] = all.map((l) => ({
    question: ['left_inverse', l],
    ours: () => leftInverse(l),
    law: (r) => invertsLeft(l, r),
  }));
  const divided = sampled(layouts.chain((a) => fc.tuple(fc.constant(a), tilersOf(a))));
  cases['composition'] = divided.map(([a, b]) => ({
    question: ['composition', a, b],
    ours: () => composition(a, b),
    law: (r) => byMode(a, b, r, composes),
  }));
  const divisions: [string, (l: Layout, t: Tiler) => Layout, (r: Layout, t: Tiler) => Layout][] = [
    ['logical_divide', logicalDivide, (r) => r],
    ['zipped_divide', zippedDivide, unzip],
    ['tiled_divide', tiledDivide, (r, t) => unzip(untile(r), t)],
  ];
  for (const [name, divide, toLogical] of divisions) {
    cases[name] = divided.map(([a, b]) => ({
      question: [name, a, b],
      ours: () => divide(a, b),
      law: (r) => byMode(a, b, toLogical(r, b), divides),
    }));
  }
  const products: typeof divisions = [
    ['logical_product', logicalProduct, (r) => r],
    ['zipped_product', zippedProduct, unzip],
    ['tiled_product', tiledProduct, (r, t) => unzip(untile(r), t)],
  ];
  const repeated = sampled(
    layouts.chain((a) =>
      fc.tuple(
        fc.constant(a),
        tilersOf(a, false).filter((b) => small(a, b)),
      ),
    ),
  );
  for (const [name, repeat, toLogical] of products) {
    cases[name] = repeated.map(([a, b]) => ({
      question: [name, a, b],
      ours: () => repeat(a, b),
      law: (r) => byMode(a, b, toLogical(r, b), repeats),
    }));
  }
  return cases;
}
