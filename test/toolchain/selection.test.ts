import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadSpecs, parseSpec, type Binding, type KernelSpec } from '../../src/spec/index.js';
import { packagePath } from '../../src/util/package-root.js';
import { verifyVariant } from '../../src/verify/index.js';
import { readSubjects } from '../../src/verify/read-subjects.js';
import { Prover } from '../support/prover.js';

let prover: Prover;
let library: ReadonlyMap<string, KernelSpec>;

beforeAll(async () => {
  prover = await Prover.open();
  library = await loadSpecs(packagePath('specs'));
}, 300_000);

afterAll(() => prover.close());

const route = (experts: number, topK: number, L: 'bf16' | 'f16' | 'f32', flags: string): Binding => ({
  dims: { experts, top_k: topK },
  types: { L },
  flags: {
    softmax: flags.includes('softmax'),
    biased: flags.includes('biased'),
    renormalise: flags.includes('renormalise'),
  },
});

test('routing: rows shorter and longer than a warp, all experts, one expert, every kind of score', async () => {
  const bindings = [
    route(128, 8, 'bf16', 'softmax renormalise'),
    route(512, 10, 'bf16', 'softmax'),
    route(384, 8, 'f32', 'biased renormalise'),
    route(60, 4, 'f16', 'softmax biased renormalise'),
    route(8, 1, 'bf16', ''),
    route(33, 33, 'f32', 'softmax renormalise'),
  ];
  expect(
    await prover.wrong(
      'route',
      library,
      bindings.map((binding) => ['moe_route', binding]),
    ),
  ).toEqual([]);
}, 300_000);

/** Experts, groups, kept groups and experts chosen. */
const grouped = ([experts, groups, kept, topK]: readonly number[], L: 'bf16' | 'f16' | 'f32') =>
  [
    'moe_route_grouped',
    {
      dims: { experts: experts!, groups: groups!, kept: kept!, top_k: topK! },
      types: { L },
      flags: {},
    },
  ] as const;

test('routing from some groups: four lanes a group, and groups that lanes share unevenly or not at all', async () => {
  const bindings = [
    grouped([256, 8, 4, 8], 'bf16'),
    grouped([256, 8, 4, 8], 'f32'),
    grouped([160, 8, 3, 6], 'f16'),
    grouped([24, 4, 2, 5], 'f32'),
    grouped([30, 3, 2, 7], 'bf16'),
    grouped([384, 16, 5, 6], 'bf16'),
    grouped([192, 64, 9, 4], 'f32'),
  ];
  expect(await prover.wrong('grouped', library, bindings, ['prefill', 'decode'])).toEqual([]);
}, 300_000);

test('routing from some groups: all of them, one alone, all experts of those kept, and more than they have', async () => {
  const bindings = [
    grouped([64, 2, 2, 40], 'bf16'),
    grouped([28, 1, 1, 3], 'f32'),
    grouped([16, 4, 2, 8], 'bf16'),
    grouped([24, 4, 1, 9], 'f16'),
  ];
  expect(await prover.wrong('kept', library, bindings)).toEqual([]);
}, 300_000);

test('the largest, the smallest and all in order', async () => {
  const bindings = [
    ['topk', { dims: { cols: 1000, k: 50 }, types: { T: 'f32' }, flags: { smallest: true, ragged: false } }],
    ['topk', { dims: { cols: 4096, k: 2 }, types: { T: 'bf16' }, flags: { smallest: false, ragged: false } }],
    ['topk', { dims: { cols: 1500, k: 9 }, types: { T: 'bf16' }, flags: { smallest: true, ragged: false } }],
    ['topk', { dims: { cols: 1, k: 1 }, types: { T: 'bf16' }, flags: { smallest: false, ragged: false } }],
    ['topk', { dims: { cols: 200, k: 20 }, types: { T: 'f32' }, flags: { smallest: false, ragged: true } }],
    ['topk', { dims: { cols: 1200, k: 70 }, types: { T: 'bf16' }, flags: { smallest: true, ragged: true } }],
    ['argsort', { dims: { cols: 257 }, types: { T: 'bf16' }, flags: { descending: false } }],
    ['argsort', { dims: { cols: 100 }, types: { T: 'f32' }, flags: { descending: true } }],
  ] as const;
  expect(await prover.wrong('order', library, bindings)).toEqual([]);
}, 300_000);

test('a selection from what was selected', async () => {
  const spec = parseSpec(
    `kernel: twice
doc: Of the k largest the j that another row prefers.
dims: { rows: dynamic, n: static, k: static, j: static }
tensors:
  x: { shape: [rows, n], dtype: f32 }
  y: { shape: [rows, n], dtype: f32 }
  at: { shape: [rows, j], dtype: i32, access: out }
  first: { shape: [rows, k], dtype: i32, access: out }
formula: |
  a = top[n -> k](x)
  first = a
  at = bottom[k -> j](y[n: a])
`,
    'twice.yaml',
  );
  const binding = { dims: { n: 100, k: 40, j: 5 }, types: {}, flags: {} };
  expect(await prover.wrong('twice', new Map([['twice', spec]]), [['twice', binding]])).toEqual([]);
}, 300_000);

test('what leads of what was selected', async () => {
  const spec = parseSpec(
    `kernel: later
doc: Of the k largest the two that another row prefers, marked.
dims: { rows: dynamic, n: static, k: static }
tensors:
  x: { shape: [rows, n], dtype: f32 }
  y: { shape: [rows, n], dtype: f32 }
  z: { shape: [rows, k], dtype: i32, access: out }
formula: |
  at = top[n -> k](x)
  z = select(largest[k](y[n: at], 2), 1, 0)
`,
    'later.yaml',
  );
  const bindings = [
    { n: 25, k: 7 },
    { n: 200, k: 40 },
    { n: 25, k: 1 },
  ].map((dims) => ['later', { dims, types: {}, flags: {} }] as const);
  expect(await prover.wrong('later', new Map([['later', spec]]), bindings)).toEqual([]);
}, 300_000);

test('reductions and writes at what is selected, beside the whole row', async () => {
  const spec = parseSpec(
    `kernel: marked
doc: Marks what is selected, and sums up what lies there.
tolerance: { ulp: 65536, reason: terms of both signs cancel }
dims: { rows: dynamic, heads: static, n: static, k: static }
tensors:
  x: { shape: [rows, heads, n], dtype: bf16, strides: [dynamic, dynamic, 1] }
  y: { shape: [rows, heads, n], dtype: f32 }
  w: { shape: [n], dtype: f32 }
  p: { shape: [rows, heads, n], dtype: f32, access: out }
  marks: { shape: [rows, heads, n], dtype: i32, access: inout }
  best: { shape: [rows, heads], dtype: f32, access: out }
  z: { shape: [rows, heads, k], dtype: f32, access: out }
formula: |
  h = f32(x) * 2.0 + w
  p = h - max[n](h)
  a = top[n -> k](h)
  marks[n: a] = 1 where h[n: a] > 0.0
  most = max[k](y[n: a])
  best = most
  z = y[n: a] * w[n: a] - mean[k](h[n: a]) + most + f32(index(k))
`,
    'marked.yaml',
  );
  const bindings = [
    { n: 100, k: 7 },
    { n: 513, k: 1 },
    { n: 96, k: 64 },
  ].map((dims) => ['marked', { dims: { heads: 3, ...dims }, types: {}, flags: {} }] as const);
  expect(await prover.wrong('marked', new Map([['marked', spec]]), bindings)).toEqual([]);
}, 300_000);

test.each([
  [
    'the last round is left out',
    /redux\.sync\.max\.s32\s+(%r\d+), (%r\d+), (%r\d+);(?![\s\S]*redux)/,
    'mov.b32 $1, 0;',
  ],
  ['-0 comes after 0', /add\.f32\s+(%r\d+), (%r\d+), 0f00000000;/g, 'mov.b32 $1, $2;'],
  ['NaN counts by its bits', /selp\.b32\s+(%r\d+), (%r\d+), 2143289344, (%p\d+);/g, 'mov.b32 $1, 0;'],
])(
  '%s: seen',
  async (_what, piece, by) => {
    const spec = library.get('topk')!;
    const binding: Binding = {
      dims: { cols: 128, k: 8 },
      types: { T: 'bf16' },
      flags: { smallest: false, ragged: false },
    };
    const dir = await prover.build('faults', library, [[spec.name, binding]]);
    const [subject] = await readSubjects({ dir });
    const ptx = subject!.ptx.replace(piece, by);
    expect(ptx === subject!.ptx).toBe(false);
    expect(verifyVariant({ ...subject!, ptx }).passed).toBe(false);
  },
  60_000,
);
