/**
 * Our layout algebra against NVIDIA's own Python algebra: the folder `pycute` of the package nvidia-cutlass 4.2.0.0.
 *
 * Where the two differ, and why ours is kept:
 * - pycute composes modes of B one by one even where their sum carries, rounds extents that do not divide, and gives
 *   complements of layouts that interleave: answers that break the operation's law. Ours refuses.
 * - pycute refuses steps that divide nothing but stay inside a mode, and left inverses of padded layouts break their
 *   law. Ours answers.
 * - pycute's right inverse stops at a mode of stride 0 and its left inverse fills gaps with other values. Ours has
 *   CuTeDSL's forms.
 * - pycute's product takes a number for a divisor, and its swizzle cannot shift by 0: neither is asked.
 */
import fc from 'fast-check';
import {
  type Coordinate,
  type Layout,
  type Tiler,
  applySwizzle,
  coalesce,
  compactStride,
  complement,
  composition,
  cosize,
  crd2crd,
  crd2idx,
  evaluate,
  evaluateAny,
  filterZeros,
  flatten,
  idx2crd,
  isInjective,
  isTuple,
  leftInverse,
  logicalDivide,
  logicalProduct,
  makeComposed,
  makeLayout,
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
import { ensureVenv } from '../../src/toolchain/venv.js';
import { packagePath } from '../../src/util/package-root.js';
import { layouts, shapes, values } from '../pure/layout/arbitraries.js';
import {
  type Answer,
  type Case,
  type Question,
  AT_LEAST,
  CASES,
  ask,
  byMode,
  compare,
  complements,
  composes,
  divides,
  invertsLeft,
  invertsRight,
  repeats,
  sample,
  small,
  tilersOf,
  toLayout,
  untile,
  unzip,
} from './layout-oracle.js';

/** One question whose answer is anything but a layout. */
interface Exact {
  readonly question: Question;
  readonly ours: unknown;
}

const exact: Record<string, Exact[]> = {};
const cases: Record<string, Case[]> = {};
const answers = new Map<Question, Answer>();

const NESTED = layouts.filter(({ shape }) => isTuple(shape));

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

const SWIZZLES = fc
  .tuple(fc.nat(3), fc.nat(4), fc.integer({ min: 1, max: 3 }), fc.boolean())
  .map(([bits, base, extra, up]): [number, number, number] => [bits, base, (up ? 1 : -1) * (bits + extra)]);

function buildExact(): void {
  exact['flatten'] = sample(shapes()).map((s) => ({ question: ['flatten', s], ours: flatten(s) }));
  exact['product'] = sample(shapes()).map((s) => ({ question: ['product', s], ours: product(s) }));
  exact['prefix_product'] = sample(shapes()).map((s) => ({
    question: ['prefix_product', s],
    ours: compactStride(s),
  }));
  exact['size'] = sample(layouts).map((l) => ({ question: ['size', l], ours: size(l) }));
  exact['cosize'] = sample(layouts).map((l) => ({ question: ['cosize', l], ours: cosize(l) }));
  exact['evaluate'] = sample(COORDINATES).map(({ layout, mixed }) => ({
    question: ['evaluate', layout, mixed],
    ours: evaluate(layout, mixed),
  }));
  exact['crd2idx'] = sample(fc.tuple(layouts, fc.double({ min: 0, max: 2, noNaN: true }))).map(
    ([layout, far]) => {
      const index = Math.floor(far * size(layout)); // up to twice the size
      return {
        question: ['crd2idx', index, layout.shape, layout.stride],
        ours: crd2idx(index, layout.shape, layout.stride),
      };
    },
  );
  exact['idx2crd'] = sample(COORDINATES).map(({ layout, index }) => ({
    question: ['idx2crd', index, layout.shape],
    ours: idx2crd(index, layout.shape),
  }));
  exact['crd2crd'] = sample(COORDINATES).flatMap(({ layout, index, coordinate }) => [
    {
      question: ['crd2crd', coordinate, size(layout), layout.shape],
      ours: crd2crd(coordinate, layout.shape, size(layout)),
    },
    {
      question: ['crd2crd', index, layout.shape],
      ours: crd2crd(index, size(layout), layout.shape),
    },
  ]);
  exact['slice_and_offset'] = sample(
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
  exact['swizzle'] = sample(fc.tuple(SWIZZLES, fc.nat(100_000))).map(([fields, index]) => ({
    question: ['swizzle', fields, index],
    ours: applySwizzle(makeSwizzle(...fields), index),
  }));
  exact['composed'] = sample(fc.tuple(SWIZZLES, fc.nat(64), COORDINATES)).map(
    ([fields, offset, { layout, coordinate }]) => ({
      question: ['composed', fields, offset, layout, coordinate],
      ours: evaluateAny(makeComposed(makeSwizzle(...fields), layout, offset), coordinate),
    }),
  );
}

function buildCases(): void {
  cases['coalesce'] = sample(layouts).map((l) => ({
    question: ['coalesce', l],
    ours: () => coalesce(l),
    law: (r) => String(values(r)) === String(values(l)),
  }));
  cases['coalesce by mode'] = sample(NESTED).map((l) => {
    const profile = modesOf(l).map(() => 1);
    return {
      question: ['coalesce', l, profile],
      ours: () => coalesce(l, profile),
      law: (r) => String(values(r)) === String(values(l)),
    };
  });
  cases['filter'] = sample(layouts).map((l) => ({
    question: ['filter', l],
    ours: () => filterZeros(l),
    law: (r) => String([...new Set(values(r))]) === String([...new Set(values(l))]),
  }));
  cases['complement'] = sample(fc.tuple(layouts, fc.integer({ min: 1, max: 600 }))).map(([l, n]) => ({
    question: ['complement', l, n],
    ours: () => complement(l, n),
    law: (r) => complements(l, n, r),
  }));
  cases['right_inverse'] = sample(layouts).map((l) => ({
    question: ['right_inverse', l],
    ours: () => rightInverse(l),
    law: (r) => invertsRight(l, r),
  }));
  cases['left_inverse'] = sample(layouts).map((l) => ({
    question: ['left_inverse', l],
    ours: () => leftInverse(l),
    law: (r) => invertsLeft(l, r),
  }));
  cases['composition'] = sample(layouts.chain((a) => fc.tuple(fc.constant(a), tilersOf(a)))).map(
    ([a, b]) => ({
      question: ['composition', a, b],
      ours: () => composition(a, b),
      law: (r) => byMode(a, b, r, composes),
    }),
  );
  const divisions: [string, (l: Layout, t: Tiler) => Layout, (r: Layout, t: Tiler) => Layout][] = [
    ['logical_divide', logicalDivide, (r) => r],
    ['zipped_divide', zippedDivide, unzip],
    ['tiled_divide', tiledDivide, (r, t) => unzip(untile(r), t)],
  ];
  for (const [name, divide, toLogical] of divisions) {
    cases[name] = sample(layouts.chain((a) => fc.tuple(fc.constant(a), tilersOf(a)))).map(([a, b]) => ({
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
  for (const [name, repeat, toLogical] of products) {
    const pairs = layouts.chain((a) =>
      fc.tuple(
        fc.constant(a),
        tilersOf(a, false).filter((b) => small(a, b)),
      ),
    );
    cases[name] = sample(pairs).map(([a, b]) => ({
      question: [name, a, b],
      ours: () => repeat(a, b),
      law: (r) => byMode(a, b, toLogical(r, b), repeats),
    }));
  }
}

beforeAll(async () => {
  buildExact();
  buildCases();
  const { python } = await ensureVenv({
    name: 'test-python',
    lockFile: packagePath('python/requirements-test.lock'),
    noDependencies: true,
    needsBytes: 300 * 2 ** 20,
  });
  const questions = [...Object.values(exact), ...Object.values(cases)].flat().map(({ question }) => question);
  const replies = await ask(python, 'pycute', questions);
  expect(replies).toHaveLength(questions.length);
  questions.forEach((question, i) => answers.set(question, replies[i]!));
}, 600_000);

test.each([
  'flatten',
  'product',
  'prefix_product',
  'size',
  'cosize',
  'evaluate',
  'crd2idx',
  'idx2crd',
  'crd2crd',
  'slice_and_offset',
  'swizzle',
  'composed',
])('%s gives what pycute gives', (name) => {
  const asked = exact[name]!;
  expect(asked.length).toBeGreaterThanOrEqual(CASES);
  expect(asked.map(({ ours }) => ({ value: ours }))).toEqual(
    asked.map(({ question }) => answers.get(question)),
  );
});

/** Operations in which both may answer lawfully and differ in form. */
const MAY_DIFFER = ['right_inverse', 'left_inverse'];

test.each([
  'coalesce',
  'coalesce by mode',
  'filter',
  'composition',
  'complement',
  'right_inverse',
  'left_inverse',
  'logical_divide',
  'zipped_divide',
  'tiled_divide',
  'logical_product',
  'zipped_product',
  'tiled_product',
])('%s gives what pycute gives, or keeps the law where pycute breaks it', (name) => {
  const asked = cases[name]!;
  const theirs = asked.map(({ question }) => {
    const answer = answers.get(question)!;
    return 'value' in answer ? toLayout(answer.value) : undefined;
  });
  const tally = compare(asked, theirs);
  expect(tally.wrong).toEqual([]);
  if (!MAY_DIFFER.includes(name)) expect(tally.otherForm).toBe(0);
  expect(tally.agree + tally.otherForm).toBeGreaterThanOrEqual(AT_LEAST);
});

test('the right inverse reaches at least as far as pycute’s, and is the same one for injective layouts', () => {
  const asked = cases['right_inverse']!;
  for (const { question, ours } of asked) {
    const layout = question[1] as Layout;
    const answer = answers.get(question)!;
    if (!('value' in answer)) continue;
    const theirs = toLayout(answer.value) ?? makeLayout(1, 0);
    expect(size(ours())).toBeGreaterThanOrEqual(size(theirs));
    if (isInjective(layout)) expect(ours()).toEqual(theirs);
  }
});
