import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { PlannedVariant, ScheduleOverride } from '../../src/plan/index.js';
import { openLibrary } from '../../src/runtime/index.js';
import { loadSpecs, parseSpec, type Binding, type KernelSpec } from '../../src/spec/index.js';
import { packagePath } from '../../src/util/package-root.js';
import { verifyVariant, type Subject } from '../../src/verify/index.js';
import { readSubjects } from '../../src/verify/read-subjects.js';
import { Prover } from '../support/prover.js';
import { variantOf } from '../support/variants.js';

let prover: Prover;
let library: ReadonlyMap<string, KernelSpec>;

beforeAll(async () => {
  prover = await Prover.open();
  library = await loadSpecs(packagePath('specs'));
}, 300_000);

afterAll(() => prover.close());

type Case = readonly [kernel: string, binding: Binding, arch: string, schedule?: ScheduleOverride];

const planned = ([kernel, binding, arch, schedule]: Case): PlannedVariant => {
  const pdl = arch !== 'sm80';
  const variant = variantOf(library.get(kernel)!, binding, arch, 'decode', pdl);
  return { ...variant, ...(schedule && { schedule }) };
};

const wrong = (name: string, cases: readonly Case[]): Promise<readonly string[]> =>
  prover.wrongVariants(name, library, cases.map(planned));

const row = (vocab: number, L: 'f32' | 'bf16' | 'f16'): Binding => ({
  dims: { vocab },
  types: { L },
  flags: {},
});
const sampled = (vocab: number, L: 'f32' | 'bf16' | 'f16', flags = ''): Binding => ({
  dims: { vocab },
  types: { L },
  flags: {
    penalised: flags.includes('penalised'),
    biased: flags.includes('biased'),
    masked: flags.includes('masked'),
  },
});

test('the largest of rows shorter than a warp, that divide nothing, over a cluster and without one', async () => {
  expect(
    await wrong('greedy', [
      ['greedy', row(1, 'f32'), 'sm90'],
      ['greedy', row(33, 'f16'), 'sm100'],
      ['greedy', row(4100, 'bf16'), 'sm80'],
      ['greedy', row(20011, 'bf16'), 'sm90'],
      ['greedy', row(9001, 'f32'), 'sm120'],
    ]),
  ).toEqual([]);
}, 300_000);

test('draws by temperature, with penalties, bias and mask', async () => {
  expect(
    await wrong('temperature', [
      ['sample_temperature', sampled(1000, 'f32'), 'sm90'],
      ['sample_temperature', sampled(1003, 'bf16', 'penalised biased masked'), 'sm100'],
      ['sample_temperature', sampled(1300, 'f32', 'masked'), 'sm90', { cluster: 2 }],
    ]),
  ).toEqual([]);
}, 300_000);

test('draws from what top-k, top-p and min-p leave: lists that fit and lists that do not', async () => {
  expect(
    await wrong('filtered', [
      ['sample_top_k_top_p', sampled(33, 'f16'), 'sm90'],
      ['sample_top_k_top_p', sampled(1003, 'bf16', 'penalised biased masked'), 'sm100'],
      ['sample_top_k_top_p', sampled(1001, 'f32'), 'sm80'],
      ['sample_top_k_top_p', sampled(256, 'bf16'), 'sm100'],
      ['sample_top_k_top_p', sampled(1300, 'f32'), 'sm90', { cluster: 2 }],
    ]),
  ).toEqual([]);
}, 600_000);

test('selections from rows that no warp holds, and the log-probabilities there', async () => {
  expect(
    await wrong('long', [
      [
        'topk',
        { dims: { cols: 1100, k: 60 }, types: { T: 'bf16' }, flags: { smallest: true, ragged: false } },
        'sm80',
      ],
      // More than are compared with each other.
      [
        'topk',
        { dims: { cols: 2003, k: 300 }, types: { T: 'f32' }, flags: { smallest: false, ragged: false } },
        'sm90',
      ],
      ['token_logprob', row(1003, 'f32'), 'sm90'],
      ['top_logprobs', { dims: { vocab: 1500, n: 20 }, types: { L: 'bf16' }, flags: {} }, 'sm100'],
    ]),
  ).toEqual([]);
}, 300_000);

test('what cuts leave of one row may be weighed by its loads and chosen by another', async () => {
  const spec = parseSpec(
    `kernel: other_rows
doc: Probes elements of a list whose weights and scores are not made of its keys.
dims: { rows: dynamic, n: static }
tensors:
  x: { shape: [rows, n], dtype: f32 }
  v: { shape: [rows, n], dtype: f32 }
  few: { shape: [rows], dtype: i32, usual: [1, 60] }
  share: { shape: [rows], dtype: f32, usual: [0.3, 1.0] }
  best: { shape: [rows], dtype: i32, access: out }
formula: |
  h = max(x, -inf)
  first = largest[n](h, few)
  likely = nucleus[n](h, select(first, exp(min(x - max[n](h), 0.0)), 0.0), share)
  best = argmax[n](select(first && likely, max(v, -inf), -inf))
`,
    'other_rows.yaml',
  );
  const binding: Binding = { dims: { n: 1300 }, types: {}, flags: {} };
  const variant = { ...variantOf(spec, binding, 'sm90', 'decode'), schedule: { cluster: 2 } };
  expect(await prover.wrongVariants('other', new Map([['other_rows', spec]]), [variant])).toEqual([]);
}, 300_000);

test('a nucleus ends with the weight that reaches its share, not with the last of its bin', async () => {
  const spec = parseSpec(
    `kernel: run
doc: Probes which elements are in a nucleus.
dims: { rows: dynamic, n: static }
tensors:
  x: { shape: [rows, n], dtype: f32 }
  w: { shape: [rows, n], dtype: f32 }
  share: { shape: [rows], dtype: f32 }
  kept: { shape: [rows, n], dtype: i32, access: out }
formula: |
  kept = select(nucleus[n](x, w, share), 1, 0)
`,
    'run.yaml',
  );
  const n = 40;
  const binding: Binding = { dims: { n }, types: {}, flags: {} };
  const folder = await prover.buildVariants('run', new Map([['run', spec]]), [
    variantOf(spec, binding, 'sm90', 'decode'),
  ]);
  const kernels = await openLibrary(folder, { device: 'sim', arch: 'sm90' });
  // Keys with the same first digits; the first two have all the weight, of which the first has half.
  const x = Float32Array.from({ length: n }, (_, i) => 6.9 - i / 1000);
  const w = Float32Array.from({ length: n }, (_, i) => (i < 2 ? 2 ** -26 : 0));
  const kept = kernels.tensor('i32', [3, n]);
  const three = (row: Float32Array): Float32Array =>
    Float32Array.from({ length: 3 * n }, (_, i) => row[i % n]!);
  kernels.launchVariant(kernels.variants[0]!.id, {
    x: kernels.tensor('f32', [3, n], { values: three(x) }),
    w: kernels.tensor('f32', [3, n], { values: three(w) }),
    share: kernels.tensor('f32', [3], { values: Float32Array.of(0.5, 0.9, 1) }),
    kept,
  });
  const counts = [0, 1, 2].map((row) => [...kept.read()].slice(row * n, (row + 1) * n).map(Number));
  expect(counts.map((row) => row.lastIndexOf(1) + 1)).toEqual([1, 2, n]);
  kernels.close();
}, 60_000);

let unchanged: Promise<Subject> | undefined;

async function buildUnchanged(): Promise<Subject> {
  const variant = planned(['sample_top_k_top_p', sampled(1000, 'f32'), 'sm90']);
  const [subject] = await readSubjects({ dir: await prover.buildVariants('unchanged', library, [variant]) });
  return subject!;
}

test.each([
  ['another multiplier of Philox', /3528531795|-766435501/g, '3528531797'],
  ['NaN stays NaN', /0fFF800000/g, '0f00000000'],
  ['elements are counted twice', /(atom\.shared\.cta\.add\.u32\s+%r\d+, \[%r\d+\]), 1;/g, '$1, 2;'],
  ['the last digit has no bits', /, 1023;/g, ', 511;'],
])(
  '%s: seen',
  async (_what, piece, by) => {
    const subject = await (unchanged ??= buildUnchanged());
    const ptx = subject.ptx.replace(piece, by);
    expect(ptx === subject.ptx).toBe(false);
    expect(verifyVariant({ ...subject, ptx }, { stopAtFirstFailure: true }).passed).toBe(false);
  },
  60_000,
);
