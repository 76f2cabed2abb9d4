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
import { type Layout, isInjective, makeLayout, size } from '../../src/layout/index.js';
import { ensureVenv } from '../../src/toolchain/venv.js';
import { packagePath } from '../../src/util/package-root.js';
import { exactQuestions, layoutCases } from './layout-cases.js';
import { type Answer, type Question, ask, compare, countNested, toLayout } from './layout-oracle.js';

/** Random cases of each operation: enough that NVIDIA answers `AT_LEAST` different ones on nested layouts. */
const CASES = 8000;
const AT_LEAST = 2000;

const exact = exactQuestions(CASES);
const cases = layoutCases(CASES);
const answers = new Map<Question, Answer>();

beforeAll(async () => {
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

test.each(Object.keys(exact))('%s gives what pycute gives', (name) => {
  const asked = exact[name]!;
  expect(countNested(asked.map(({ question }) => question))).toBeGreaterThanOrEqual(AT_LEAST);
  expect(asked.map(({ ours }) => ({ value: ours }))).toEqual(
    asked.map(({ question }) => answers.get(question)),
  );
});

/** Operations in which both may answer lawfully and differ in form. */
const MAY_DIFFER = ['right_inverse', 'left_inverse'];

test.each(Object.keys(cases))(
  '%s gives what pycute gives, or keeps the law where pycute breaks it',
  (name) => {
    const asked = cases[name]!;
    const theirs = asked.map(({ question }) => {
      const answer = answers.get(question)!;
      return 'value' in answer ? toLayout(answer.value) : undefined;
    });
    const tally = compare(asked, theirs);
    expect(tally.wrong).toEqual([]);
    if (!MAY_DIFFER.includes(name)) expect(tally.otherForm).toEqual([]);
    expect(countNested([...tally.agree, ...tally.otherForm])).toBeGreaterThanOrEqual(AT_LEAST);
  },
);

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
