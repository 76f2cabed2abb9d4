import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ARCHITECTURES } from '../../src/device/index.js';
import { openLibrary, type Library } from '../../src/runtime/index.js';
import { loadSpec, parseSpec, type Binding, type KernelSpec } from '../../src/spec/index.js';
import { packagePath } from '../../src/util/package-root.js';
import { Prover } from '../support/prover.js';
import { variantOf } from '../support/variants.js';

let prover: Prover;

beforeAll(async () => {
  prover = await Prover.open();
}, 300_000);

afterAll(() => prover.close());

/** What verification finds wrong with one kernel for several sizes. */
const wrong = (
  spec: KernelSpec,
  sizes: readonly Readonly<Record<string, number>>[],
  phases: readonly ('prefill' | 'decode')[] = ['prefill', 'decode'],
) =>
  prover.wrong(
    spec.name,
    new Map([[spec.name, spec]]),
    sizes.map((dims) => [spec.name, { dims, types: {}, flags: {} }] as const),
    phases,
  );

test('leading elements of each block and leading blocks, of which other rows take other numbers', async () => {
  const spec = parseSpec(
    `kernel: leading
doc: Marks what leads in each block, and the blocks that lead.
tolerance: { ulp: 64, reason: sums of both signs cancel }
dims: { rows: dynamic, n: static, block: static }
tensors:
  x: { shape: [rows, n], dtype: f32 }
  least: { shape: [n], dtype: f32 }
  some: { shape: [rows], dtype: i32, usual: [-1, 7] }
  marks: { shape: [rows, n], dtype: i32, access: out }
  all: { shape: [rows], dtype: f32, access: out }
formula: |
  first = largest[n by block](x, some)
  best = max[n by block](select(first, least, x))
  open = largest[n/block](best, some)
  marks = select(first, 2, 0) + select(open, 1, 0)
  all = max[n](select(open, x, least))
`,
    'leading.yaml',
  );
  expect(
    await wrong(spec, [
      { n: 128, block: 16 },
      { n: 24, block: 6 },
      { n: 70, block: 10 },
      { n: 300, block: 3 },
      { n: 64, block: 64 },
    ]),
  ).toEqual([]);
}, 300_000);

test('tensors of the blocks, read and written beside those of the row', async () => {
  const spec = parseSpec(
    `kernel: outer
doc: The best of each block, and which blocks lead.
tolerance: { ulp: 65536, reason: terms of both signs cancel }
dims: { rows: dynamic, n: static }
tensors:
  x: { shape: [rows, n], dtype: f32 }
  bias: { shape: [n/6], dtype: f32 }
  extra: { shape: [rows, n/6], dtype: f32 }
  best: { shape: [rows, n/6], dtype: f32, access: out }
  open: { shape: [rows, n/6], dtype: i32, access: out }
  marks: { shape: [rows, n], dtype: i32, access: out }
formula: |
  b = max[n by 6](x) + bias + extra
  best = b
  leads = largest[n/6](b, 3)
  open = select(leads, 1, 0)
  marks = select(leads, 1, 0)
`,
    'outer.yaml',
  );
  expect(await wrong(spec, [{ n: 24 }, { n: 222 }], ['prefill'])).toEqual([]);
}, 300_000);

test('routing from some groups on every architecture', async () => {
  const spec = await loadSpec(packagePath('specs/moe_route_grouped.yaml'));
  const binding: Binding = {
    dims: { experts: 48, groups: 8, kept: 3, top_k: 4 },
    types: { L: 'bf16' },
    flags: {},
  };
  const variants = ARCHITECTURES.map(({ name, hasDependentLaunch }) =>
    variantOf(spec, binding, name, 'decode', hasDependentLaunch),
  );
  expect(await prover.wrongVariants('everywhere', new Map([[spec.name, spec]]), variants)).toEqual([]);
}, 300_000);

test('a selection beside blocks: reductions and writes of the row, and of what is selected', async () => {
  const spec = parseSpec(
    `kernel: beside
doc: Selects from what leads in its block, beside values of the row.
tolerance: { ulp: 65536, reason: terms of both signs cancel }
dims: { rows: dynamic, heads: static, n: static, block: static, k: static }
tensors:
  x: { shape: [rows, heads, n], dtype: bf16, strides: [dynamic, dynamic, 1] }
  w: { shape: [n], dtype: f32 }
  p: { shape: [rows, heads, n], dtype: f32, access: out }
  at: { shape: [rows, heads, k], dtype: i32, access: out }
  z: { shape: [rows, heads, k], dtype: f32, access: out }
formula: |
  h = f32(x) * 2.0 + w
  p = h - max[n by block](h)
  low = bottom[n -> k](h, largest[n by block](h, 1) || h > mean[n](h))
  at = low
  z = h[n: low] - max[n](h) + f32(index(heads))
`,
    'beside.yaml',
  );
  expect(
    await wrong(spec, [
      { heads: 3, n: 96, block: 8, k: 11 },
      { heads: 2, n: 36, block: 12, k: 36 },
      { heads: 1, n: 330, block: 11, k: 2 },
    ]),
  ).toEqual([]);
}, 300_000);

/** NaN above every number; of equal ones the lower position first. */
const ranked = (values: readonly number[]): readonly number[] =>
  values
    .map((value, at) => [Number.isNaN(value) ? Infinity : value, Number.isNaN(value) ? 0 : 1, at] as const)
    .sort((a, b) => (a[0] === b[0] ? a[1] - b[1] || a[2] - b[2] : b[0] - a[0]))
    .map(([, , at]) => at);

/** Experts of a row, from the public definition. */
function routed(biased: readonly number[], groups: number, kept: number, topK: number): readonly number[] {
  const length = biased.length / groups;
  const scores = Array.from({ length: groups }, (_, g) => {
    const own = biased.slice(g * length, (g + 1) * length);
    const [a, b] = ranked(own);
    return own[a!]! + own[b!]!;
  });
  const open = new Set(ranked(scores).slice(0, kept));
  const isOpen = (expert: number) => open.has(Math.floor(expert / length));
  const closed = biased.flatMap((_, expert) => (isOpen(expert) ? [] : [expert]));
  return [...ranked(biased).filter(isOpen), ...closed].slice(0, topK);
}

test.each([
  ['bf16', 256, 8, 4, 8],
  ['f32', 256, 8, 4, 8],
  ['f16', 24, 4, 2, 12],
  ['f32', 30, 3, 3, 30],
  ['bf16', 32, 16, 5, 12],
  ['f32', 8, 1, 1, 8],
] as const)(
  'routing of %s from %i experts in %i groups: ties, NaN and infinities',
  async (L, experts, groups, kept, topK) => {
    const spec = await loadSpec(packagePath('specs/moe_route_grouped.yaml'));
    const binding = { dims: { experts, groups, kept, top_k: topK }, types: { L }, flags: {} };
    const name = `ties-${L}-${experts}`;
    const folder = await prover.buildVariants(name, new Map([[spec.name, spec]]), [
      variantOf(spec, binding, 'sm90', 'prefill'),
    ]);
    using kernels: Library = await openLibrary(folder, { device: 'sim', arch: 'sm90' });
    const tokens = 40;
    let seed = 1;
    const pick = <T>(list: readonly T[]): T => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return list[(seed % 65537) % list.length]!;
    };
    // Scores are 0, 1/2 and 1 exactly: many are equal, also after the bias. A NaN is in few rows.
    const logits = Float32Array.from({ length: tokens * experts }, (_, i) =>
      i % (3 * experts) === 7 ? NaN : pick(i < 20 * experts ? [0, 0, 0, -Infinity] : [0, 0, Infinity]),
    );
    const bias = Float32Array.from({ length: experts }, () => pick([0, 0.25, -0.25, 0, -Infinity]));
    const ids = kernels.tensor('i32', [tokens, topK]);
    const weights = kernels.tensor('f32', [tokens, topK]);
    kernels.launchVariant(kernels.variants[0]!.id, {
      logits: kernels.tensor(L, [tokens, experts], { values: logits }),
      bias: kernels.tensor('f32', [experts], { values: bias }),
      ids,
      weights,
      scale: 1,
    });
    const found = [...ids.read()].map(Number);
    const score = (logit: number) => 1 / (1 + Math.exp(-logit));
    for (let token = 0; token < tokens; token++) {
      const row = [...logits].slice(token * experts, (token + 1) * experts);
      const biased = row.map((logit, expert) => score(logit) + bias[expert]!);
      expect([token, ...found.slice(token * topK, (token + 1) * topK)]).toEqual([
        token,
        ...routed(biased, groups, kept, topK),
      ]);
    }
  },
  60_000,
);
