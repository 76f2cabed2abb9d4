/** Elements that rows choose, updated in place: each row reads and writes its own, whatever else it does. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openLibrary } from '../../src/runtime/index.js';
import { loadSpec, parseSpec, type KernelSpec } from '../../src/spec/index.js';
import { packagePath } from '../../src/util/package-root.js';
import { Prover } from '../support/prover.js';
import { bindingsOf, variantOf } from '../support/variants.js';

let prover: Prover;
beforeAll(async () => {
  prover = await Prover.open();
}, 300_000);
afterAll(() => prover.close());

const probe = (
  name: string,
  dims: string,
  tensors: readonly string[],
  formula: readonly string[],
): KernelSpec =>
  parseSpec(
    `kernel: ${name}
doc: Probes an update in place.
dims: ${dims}
tensors:
${tensors.map((tensor) => `  ${tensor}`).join('\n')}
formula: |
${formula.map((line) => `  ${line}`).join('\n')}
`,
    `${name}.yaml`,
  );

const ROWS = '{ rows: dynamic, vocab: 70, h: 33 }';
const N = 'n: { shape: [rows, vocab], dtype: i32, access: inout }';
const TOKEN = 'token: { shape: [rows], dtype: i32 }';
const X = 'x: { shape: [rows, h], dtype: f32 }';

const specs = new Map(
  [
    await loadSpec(packagePath('specs/count_tokens.yaml')),
    probe(
      'where_it_is',
      '{ rows: dynamic, vocab: 70 }',
      [TOKEN, N],
      ['m = n[vocab: token]', 'n[vocab: token] = m + 1 where m > 0'],
    ),
    probe(
      'beside_a_reduction',
      ROWS,
      [TOKEN, N, X, 'most: { shape: [rows], dtype: f32, access: out }'],
      [
        'm = max[h](x)',
        'most = m + f32(n[vocab: token])',
        'n[vocab: token] = n[vocab: token] + select(m > 1.0, 2, 1)',
      ],
    ),
    probe(
      'along_lanes',
      '{ rows: dynamic, vocab: 7, h: 96 }',
      [
        'at: { shape: [rows, h], dtype: i32 }',
        'n: { shape: [rows, vocab, h], dtype: f32, access: inout }',
        X,
      ],
      ['n[vocab: at] = n[vocab: at] * 0.5 + x'],
    ),
  ].map((spec) => [spec.name, spec]),
);

test('each row updates the element that it chooses', async () => {
  const variants = [...specs.values()].flatMap((spec) =>
    (['prefill', 'decode'] as const).map((phase) =>
      variantOf(spec, bindingsOf(spec, { vocab: 131 })[0]!, phase === 'prefill' ? 'sm100' : 'sm90', phase),
    ),
  );
  expect(await prover.wrongVariants('in-place', specs, variants)).toEqual([]);
}, 300_000);

test('tokens are counted once each, those of the prompt keep their mark, and others are dropped', async () => {
  const spec = specs.get('count_tokens')!;
  const vocab = 5;
  const dir = await prover.buildVariants('count', specs, [
    variantOf(spec, { dims: { vocab }, types: {}, flags: {} }, 'sm90', 'decode'),
  ]);
  const kernels = await openLibrary(dir, { device: 'sim', arch: 'sm90' });
  const prompt = -(2 ** 31);
  const counts = kernels.tensor('i32', [5, vocab], { values: new Int32Array(5 * vocab).fill(prompt, 0, 7) });
  const token = kernels.tensor('i32', [5], { values: Int32Array.of(2, 4, 0, -1, vocab) });
  for (let step = 0; step < 2; step++) kernels.launchVariant(kernels.variants[0]!.id, { counts, token });
  const wanted = new Int32Array(5 * vocab).fill(prompt, 0, 7);
  for (const at of [2, vocab + 4, 2 * vocab]) wanted[at]! += 2;
  expect([...counts.read()].map(Number)).toEqual([...wanted]);
  kernels.close();
}, 60_000);
