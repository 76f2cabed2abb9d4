/**
 * Our layout algebra against CuTeDSL itself, evaluated on static layouts while it traces a function.
 *
 * Only what ours answers is asked: some of the rest ends CuTeDSL's process with a division by zero. Of that, CuTeDSL
 * refuses strides of extent-1 modes that divide nothing, a B that reaches past the end of an A with modes of extent 1,
 * and numbers as tilers of zipped divisions; ours has to keep the law there.
 * Not asked either is what CuTeDSL does not take or takes in another way: `null` in zipped divisions, tuples as tilers
 * of zipped products, and a blocked or raked product of 4 with (3), which differ in parentheses.
 */
import fc from 'fast-check';
import {
  type Layout,
  blockedProduct,
  concat,
  flatDivide,
  flatProduct,
  formatAny,
  isCompact,
  isTuple,
  makeComposed,
  makeSwizzle,
  makeTvLayout,
  maxCommonLayout,
  modesOf,
  parseLayout,
  rakedProduct,
  size,
  tiledProduct,
  zippedProduct,
} from '../../src/layout/index.js';
import { formatTuple } from '../../src/layout/int-tuple.js';
import { ensureToolchain } from '../../src/toolchain/toolchain.js';
import { compactLayouts, defined, layouts, relatedLayouts } from '../pure/layout/arbitraries.js';
import { type Exact, SWIZZLES, exactQuestions, layoutCases } from './layout-cases.js';
import {
  type Answer,
  type Case,
  type Question,
  ask,
  compare,
  countNested,
  divides,
  invertsRight,
  repeats,
  sample,
  small,
  unblock,
  unflat,
  untile,
  walksOf,
} from './layout-oracle.js';

/** Random cases of each operation, and how many different ones on nested layouts CuTeDSL has to answer of them. */
const CASES = 4000;
const AT_LEAST = 1000;

const shared = exactQuestions(CASES);

const exact: Record<string, Exact[]> = {
  evaluate: shared['evaluate']!,
  cosize: shared['cosize']!,
  composed: shared['composed']!,
  // CuTeDSL prints every swizzle of no bits as S<0,4,3>, and leaves the > away after a negative shift.
  print_composed: sample(fc.tuple(SWIZZLES, fc.nat(64), layouts), CASES)
    .map(([[bits, base, shift], ...rest]) => [[bits + 1, base, Math.abs(shift) + 1], ...rest] as const)
    .map(([fields, offset, layout]) => ({
      question: ['print_composed', fields, offset, layout],
      ours: formatAny(makeComposed(makeSwizzle(fields[0]!, fields[1]!, fields[2]!), layout, offset)),
    })),
};

/** Compact layouts with the same parentheses or the lack of them. */
const THREADS_VALUES = sample(
  fc
    .tuple(compactLayouts([1, 2, 3, 4, 8]), compactLayouts([1, 2, 4]))
    .filter((pair) => sameParentheses(...pair) && size(pair[0]) * size(pair[1]) <= 4096),
  CASES,
);
exact['tv_tile'] = THREADS_VALUES.map(([threads, vals]) => ({
  question: ['tv_tile', threads, vals],
  ours: formatTuple(makeTvLayout(threads, vals).tile),
}));

function sameParentheses(a: Layout, b: Layout): boolean {
  return isTuple(a.shape) === isTuple(b.shape) || modesOf(a).length + modesOf(b).length > 2;
}

function ownCases(): Record<string, Case[]> {
  const own: Record<string, Case[]> = {};
  own['flat_divide'] = sample(
    layouts.chain((a) => fc.tuple(fc.constant(a), walksOf(a))),
    CASES,
  ).map(([a, b]) => ({
    question: ['flat_divide', a, b],
    ours: () => flatDivide(a, b),
    law: (r) => divides(a, b, r),
  }));
  const pairs = sample(
    fc.tuple(layouts, layouts).filter(([a, b]) => small(a, b) && sameParentheses(a, b)),
    CASES,
  );
  own['zipped_product'] = pairs.map(([a, b]) => ({
    question: ['zipped_product', a, b],
    ours: () => zippedProduct(a, b),
    law: (r) => repeats(a, b, r),
  }));
  own['tiled_product'] = pairs.map(([a, b]) => ({
    question: ['tiled_product', a, b],
    ours: () => tiledProduct(a, b),
    law: (r) => repeats(a, b, untile(r)),
  }));
  own['flat_product'] = pairs.map(([a, b]) => ({
    question: ['flat_product', a, b],
    ours: () => flatProduct(a, b),
    law: (r) => repeats(a, b, unflat(r, modesOf(a).length)),
  }));
  const sizes = (layout: Layout, rank: number): number[] =>
    Array.from({ length: rank }, (_, i) => (modesOf(layout)[i] ? size(modesOf(layout)[i]!) : 1));
  own['blocked_product'] = pairs.map(([a, b]) => ({
    question: ['blocked_product', a, b],
    ours: () => blockedProduct(a, b),
    law: (r) => repeats(a, b, unblock(r, sizes(a, modesOf(r).length))),
  }));
  own['raked_product'] = pairs.map(([a, b]) => ({
    question: ['raked_product', a, b],
    ours: () => rakedProduct(a, b),
    law: (r) => {
      const [repeat, block] = modesOf(unblock(r, sizes(b, modesOf(r).length)));
      return repeats(a, b, concat([block!, repeat!]));
    },
  }));
  own['make_layout_tv'] = THREADS_VALUES.map(([threads, vals]) => ({
    question: ['make_layout_tv', threads, vals],
    ours: () => makeTvLayout(threads, vals).layout,
    law: isCompact,
  }));
  own['max_common_layout'] = sample(relatedLayouts, CASES).map(([a, b]) => ({
    question: ['max_common_layout', a, b],
    ours: () => maxCommonLayout(a, b),
    law: (r) => invertsRight(a, r) && invertsRight(b, r),
  }));
  return own;
}

const withoutNull = ({ question }: Case): boolean => !JSON.stringify(question).includes('null');

const cases = Object.fromEntries(
  Object.entries({ ...layoutCases(CASES), ...ownCases() }).map(([name, all]) => [
    name,
    all.filter((one) => defined(one.ours) && (!/^(zipped|tiled)_/.test(name) || withoutNull(one))),
  ]),
);
const answers = new Map<Question, Answer>();

beforeAll(async () => {
  const { python } = await ensureToolchain();
  const questions = [...Object.values(exact), ...Object.values(cases)].flat().map(({ question }) => question);
  const replies = await ask(python, 'cutedsl', questions);
  expect(replies).toHaveLength(questions.length);
  questions.forEach((question, i) => answers.set(question, replies[i]!));
}, 600_000);

/** The text of an answer, without the blanks and the last comma of Python's tuples; undefined where CuTeDSL refuses. */
function textOf(question: Question): string | undefined {
  const answer = answers.get(question)!;
  return 'value' in answer ? plain(String(answer.value)) : undefined;
}

const plain = (text: string): string => text.replaceAll(' ', '').replaceAll(',)', ')');

test.each(Object.keys(exact))('%s gives what CuTeDSL gives', (name) => {
  const asked = exact[name]!;
  expect(countNested(asked.map(({ question }) => question))).toBeGreaterThanOrEqual(AT_LEAST);
  expect(asked.map(({ question }) => textOf(question))).toEqual(asked.map(({ ours }) => plain(String(ours))));
});

test.each(Object.keys(cases))('%s gives what CuTeDSL gives, or keeps the law where it refuses', (name) => {
  const asked = cases[name]!;
  const theirs = asked.map(({ question }) => {
    const text = textOf(question);
    return text === undefined ? undefined : defined(() => parseLayout(text));
  });
  const tally = compare(asked, theirs);
  expect(tally.wrong).toEqual([]);
  expect(tally.otherForm).toEqual([]);
  expect(countNested(tally.agree)).toBeGreaterThanOrEqual(AT_LEAST);
});
