/**
 * Our layout algebra against CuTeDSL itself, evaluated on static layouts while it traces a function.
 *
 * Where the two differ, and why ours is kept:
 * - CuTeDSL composes modes of B one by one even where their sum carries, and gives complements, left inverses and
 *   products of layouts that overlap or interleave: answers that break the operation's law. Ours refuses.
 * - CuTeDSL refuses modes of extent 1 whose stride divides nothing, `null` in zipped tilers and tuples as tilers of
 *   zipped products. Ours answers.
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
  makeComposed,
  makeSwizzle,
  makeTvLayout,
  maxCommonLayout,
  modesOf,
  parseLayout,
  rakedProduct,
  size,
} from '../../src/layout/index.js';
import { formatTuple } from '../../src/layout/int-tuple.js';
import { ensureToolchain } from '../../src/toolchain/toolchain.js';
import { compactLayouts, defined, layouts } from '../pure/layout/arbitraries.js';
import { type Exact, SWIZZLES, exactQuestions, layoutCases } from './layout-cases.js';
import {
  type Answer,
  type Case,
  type Question,
  AT_LEAST,
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
  walksOf,
} from './layout-oracle.js';

const shared = exactQuestions();

/** Answers that CuTeDSL prints as text: it prints no blanks between numbers of a layout, and some in its tuples. */
const exact: Record<string, Exact[]> = {
  evaluate: shared['evaluate']!,
  cosize: shared['cosize']!,
  composed: shared['composed']!,
  // It leaves the > away after a negative shift, and prints every swizzle of no bits as S<0,4,3>.
  print_composed: sample(fc.tuple(SWIZZLES, fc.nat(64), layouts))
    .filter(([[bits, , shift]]) => bits > 0 && shift > 0)
    .map(([fields, offset, layout]) => ({
      question: ['print_composed', fields, offset, layout],
      ours: formatAny(makeComposed(makeSwizzle(...fields), layout, offset)),
    })),
};

const THREADS_VALUES = sample(
  fc
    .tuple(compactLayouts([1, 2, 3, 4, 8]), compactLayouts([1, 2, 4]))
    .filter(([threads, vals]) => size(threads) * size(vals) <= 4096),
);
exact['tv_tile'] = THREADS_VALUES.map(([threads, vals]) => ({
  question: ['tv_tile', threads, vals],
  ours: formatTuple(makeTvLayout(threads, vals).tile),
}));

/** Layouts, and others that have some of their modes in common. */
const RELATED = sample(
  fc.oneof(
    fc.tuple(layouts, layouts),
    layouts.chain((a) => fc.tuple(fc.constant(a), walksOf(a))),
    layouts.map((a): [Layout, Layout] => [a, a]),
  ),
);

function ownCases(): Record<string, Case[]> {
  const own: Record<string, Case[]> = {};
  own['flat_divide'] = sample(layouts.chain((a) => fc.tuple(fc.constant(a), walksOf(a)))).map(([a, b]) => ({
    question: ['flat_divide', a, b],
    ours: () => flatDivide(a, b),
    law: (r) => divides(a, b, r),
  }));
  const pairs = sample(fc.tuple(layouts, layouts).filter(([a, b]) => small(a, b)));
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
  own['max_common_layout'] = RELATED.map(([a, b]) => ({
    question: ['max_common_layout', a, b],
    ours: () => maxCommonLayout(a, b),
    law: (r) => invertsRight(a, r) && invertsRight(b, r),
  }));
  return own;
}

/** What ours refuses is not asked: some of it ends CuTeDSL's process with a division by zero. */
const cases = Object.fromEntries(
  Object.entries({ ...layoutCases(), ...ownCases() }).map(([name, all]) => [
    name,
    all.filter(({ ours }) => defined(ours)),
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

/** The text of an answer without the blanks and the comma of Python's tuples; undefined where CuTeDSL refuses. */
function textOf(question: Question): string | undefined {
  const answer = answers.get(question)!;
  return 'value' in answer ? String(answer.value) : undefined;
}

test.each(Object.keys(exact))('%s gives what CuTeDSL gives', (name) => {
  const asked = exact[name]!;
  expect(countNested(asked.map(({ question }) => question))).toBeGreaterThanOrEqual(AT_LEAST);
  expect(asked.map(({ question }) => textOf(question))).toEqual(asked.map(({ ours }) => String(ours)));
});

test.each(Object.keys(cases))('%s gives what CuTeDSL gives, or keeps the law where it breaks it', (name) => {
  const asked = cases[name]!;
  const theirs = asked.map(({ question }) => {
    const text = textOf(question);
    return text === undefined ? undefined : defined(() => parseLayout(text));
  });
  const tally = compare(asked, theirs);
  console.log(
    name,
    tally.agree.length,
    tally.otherForm.slice(0, 6).map((q) => JSON.stringify(q) + textOf(q)),
    { b: tally.bothRefuse, tu: tally.theirsUnlawful, oo: tally.onlyOurs, of: tally.otherForm.length },
  );
  expect(tally.wrong).toEqual([]);
  expect(countNested([...tally.agree, ...tally.otherForm])).toBeGreaterThanOrEqual(AT_LEAST);
});
