/** The formula is not its own proof: the reference computed from it against numpy, for every kernel, flag and dtype. */

import { beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';
import type { VariantEntry } from '../../src/device/index.js';
import { bindKernel, loadSpecs, type BoundKernel } from '../../src/spec/index.js';
import { ensureVenv } from '../../src/toolchain/venv.js';
import { packagePath } from '../../src/util/package-root.js';
import { layoutOf } from '../../src/verify/layout.js';
import { problemOfRows } from '../../src/verify/problems.js';
import { evaluateReference, spacing } from '../../src/verify/reference/index.js';
import type { Problem, ReferenceOutput } from '../../src/verify/types.js';
import { bindingsOf } from '../support/variants.js';

interface Answer {
  readonly data: string;
  readonly written?: string;
}

interface Question {
  readonly name: string;
  readonly bound: BoundKernel;
  readonly problem: Problem;
}

const library = await loadSpecs(packagePath('specs'));
const sizes = {
  hidden: 256,
  inter: 256,
  cols: 100,
  half: 16,
  q_heads: 3,
  k_heads: 2,
  page: 4,
  experts: 60,
  top_k: 8,
  k: 10,
  total: 64,
  pad: 16,
  groups: 6,
  kept: 3,
  batch: 33,
};
const questions: Question[] = [...library.values()].flatMap((spec) =>
  bindingsOf(spec, sizes).flatMap((binding) =>
    // Ordinary values: beyond them the range of f32 is part of the answer, which a definition does not have.
    [7, 20].map((rows) => {
      const bound = bindKernel(spec, binding);
      // Layouts in memory play no part here.
      const variant = { kernel: spec.name, guards: [] as const } as unknown as VariantEntry;
      const { problem } = problemOfRows(bound, variant, rows);
      const flags = Object.entries(binding.flags).flatMap(([flag, on]) => (on ? [flag] : []));
      const name = [spec.name, ...Object.values(binding.types), ...flags, `${rows} rows`].join(' ');
      return { name, bound, problem };
    }),
  ),
);
const answers = new Map<string, Readonly<Record<string, Answer>>>();

const base64 = (values: Float64Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');

function request({ bound, problem }: Question): string {
  const shape = (name: string): readonly number[] =>
    layoutOf(
      bound.tensors.find((tensor) => tensor.name === name)!,
      { guards: [] as const } as unknown as VariantEntry,
      problem.extents,
    ).shape;
  const params = Object.entries(problem.params).map(([name, value]) => [name, Math.fround(value)] as const);
  return JSON.stringify({
    kernel: bound.spec.name,
    flags: bound.binding.flags,
    types: bound.binding.types,
    params: { ...Object.fromEntries(params), ...bound.binding.dims },
    tensors: Object.fromEntries(
      [...problem.inputs].map(([name, values]) => [name, { shape: shape(name), data: base64(values) }]),
    ),
    shapes: Object.fromEntries(
      bound.tensors.filter(({ access }) => access !== 'in').map(({ name }) => [name, shape(name)]),
    ),
  });
}

beforeAll(async () => {
  const { python } = await ensureVenv({
    name: 'test-python',
    lockFile: packagePath('python/requirements-test.lock'),
    noDependencies: true,
    needsBytes: 300 * 2 ** 20,
  });
  const input = questions.map(request).join('\n');
  const script = packagePath('test/references/answer.py');
  const { stdout, stderr, failed } = await execa(python, [script], {
    input,
    maxBuffer: 2 ** 30,
    reject: false,
  });
  // An error of execa would hold all of the input.
  if (failed) throw new Error(stderr);
  const lines = stdout.split('\n');
  expect(lines.length).toBe(questions.length);
  questions.forEach(({ name }, i) => answers.set(name, JSON.parse(lines[i]!) as Record<string, Answer>));
}, 600_000);

function decode(text: string): Float64Array {
  const bytes = Buffer.from(text, 'base64');
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** Elements that differ by more than f32 arithmetic and rounded constants could, and the share that is not equal. */
function compare(reference: ReferenceOutput, answer: Answer, dtype: Parameters<typeof spacing>[1]) {
  const values = decode(answer.data);
  const written = answer.written === undefined ? undefined : decode(answer.written);
  expect(values).toHaveLength(reference.values.length);
  const wrong: string[] = [];
  let other = 0;
  for (let i = 0; i < values.length; i++) {
    const reached = written ? written[i] !== 0 : true;
    if (reached !== (reference.written[i] === 1)) wrong.push(`[${i}] written: ${reached}`);
    if (!reached || reference.error[i] === Infinity) continue;
    const [ours, theirs] = [reference.values[i]!, values[i]!];
    if (ours === theirs || (Number.isNaN(ours) && Number.isNaN(theirs))) continue;
    const distance = Math.abs(ours - theirs);
    const off = reference.error[i]!;
    // What is sure has no choice. Elsewhere the formula's constants count, which are f32: each is off by half a unit of 2^-23.
    const allowed =
      off === 0 ? 0 : dtype === 'f32' ? off + Math.abs(theirs) * 2 ** -22 : spacing(theirs, dtype);
    if (!(distance <= allowed)) wrong.push(`[${i}] ours ${ours}, numpy ${theirs}`);
    if (dtype !== 'f32') other++;
  }
  return { wrong: wrong.slice(0, 5), share: other / Math.max(1, values.length) };
}

test('there is a reference for every kernel', () => {
  expect(new Set(questions.map(({ bound }) => bound.spec.name))).toEqual(new Set(library.keys()));
});

test.each(questions.map((question) => [question.name, question] as const))(
  '%s',
  (name, { bound, problem }) => {
    const found = answers.get(name)!;
    for (const [tensor, reference] of evaluateReference(bound, problem)) {
      const { dtype } = bound.tensors.find((each) => each.name === tensor)!;
      const { wrong, share } = compare(reference, found[tensor]!, dtype);
      expect({ tensor, wrong }).toEqual({ tensor, wrong: [] });
      // A constant's half unit tips few roundings over, most in the tail of a function that falls steeply.
      expect(share).toBeLessThan(0.01);
    }
  },
);
