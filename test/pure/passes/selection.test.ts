import { describe, expect, test } from '@jest/globals';
import { renderVariant } from '../../../src/build/index.js';
import { ARCHITECTURES } from '../../../src/device/index.js';
import { loadSpec, parseSpec, type Binding, type KernelSpec } from '../../../src/spec/index.js';
import { packagePath } from '../../../src/util/package-root.js';
import { raised } from '../../support/raised.js';
import { bindingsOf, variantOf } from '../../support/variants.js';

const route = await loadSpec(packagePath('specs/moe_route.yaml'));
const topk = await loadSpec(packagePath('specs/topk.yaml'));

const render = (spec: KernelSpec, binding: Binding, arch = 'sm90', phase: 'prefill' | 'decode' = 'prefill') =>
  renderVariant(variantOf(spec, binding, arch, phase, false), spec, { stages: true });

const routed = (L: 'bf16' | 'f32', biased = false, experts = 128, topK = 8): Binding => ({
  dims: { experts, top_k: topK },
  types: { L },
  flags: { softmax: true, biased, renormalise: true },
});

const probe = (formula: readonly string[], outputs: readonly string[]): KernelSpec =>
  parseSpec(
    `kernel: probe
doc: Probes selections.
dims: { rows: dynamic, n: static, m: static, k: static, j: static }
tensors:
  x: { shape: [rows, n], dtype: f32 }
  y: { shape: [rows, m, n], dtype: f32 }
${outputs.map((output) => `  ${output}`).join('\n')}
formula: |
${formula.map((line) => `  ${line}`).join('\n')}
`,
    'probe.yaml',
  );

describe('a section with a selection', () => {
  test('becomes two parts: over the row, then over what is selected', () => {
    const { stages } = render(route, routed('bf16'));
    const split = stages.find(({ pass }) => pass === 'split-selections')!.text;
    expect(split).toContain('carries');
    expect(split.match(/^section/gm)).toHaveLength(2);
    // The second part computes nothing over all experts again.
    const [, first, second] = split.split(/^section.*$/m);
    expect(first).toMatch(/axes .*experts=128/);
    expect(second).toMatch(/axes .*top_k=8/);
    expect(second).not.toMatch(/experts/);
    expect(second!.match(/= reduce/g)).toHaveLength(1);
  });

  test('gives a warp to each row, on every architecture and in both phases', () => {
    for (const { name } of ARCHITECTURES) {
      for (const [phase, rows] of [
        ['prefill', 4],
        ['decode', 1],
      ] as const) {
        const { kernel } = render(route, routed('bf16'), name, phase);
        expect(kernel.sections[0]!.schedule).toEqual({ threadsPerRow: 32, rowsPerCta: rows, vector: 4 });
        expect(kernel.sections[0]!.then!.schedule).toEqual({
          threadsPerRow: 32,
          rowsPerCta: rows,
          vector: 1,
        });
      }
    }
  });

  test('puts positions into the keys of values that bf16 holds, and searches for them otherwise', () => {
    const reductions = (binding: Binding) =>
      render(route, binding).module.text.match(/warp_redux_sync\(/g)?.length;
    expect(render(route, routed('bf16')).module.text).toContain('placed_key(');
    expect(reductions(routed('bf16'))).toBe(1);
    for (const binding of [routed('f32'), routed('bf16', true)]) {
      expect(render(route, binding).module.text).not.toContain('placed_key(');
      expect(reductions(binding)).toBe(2);
    }
  });

  test('writes out few rounds, and walks many in a loop', () => {
    const text = (k: number) => render(topk, { ...bindingsOf(topk)[0]!, dims: { cols: 128, k } }).module.text;
    expect(text(8)).toContain('for round in cutlass.range_constexpr(8)');
    expect(text(40)).toContain('for round in cutlass.range(0, 32, 1)');
    expect(text(40)).toContain('for round_1 in cutlass.range_constexpr(8)');
  });

  test.each([
    ['in rounds', 1024, 64, /for round/, /for merge|search_bins/],
    ['in rounds of a longer row of bf16', 4096, 32, /for round/, /for merge|search_bins/],
    ['from what a cut leaves where rounds take longer', 4096, 33, /search_bins/, /for round/],
    ['by sorting a short row', 100, 65, /for merge/, /for round|search_bins/],
    ['by sorting a longer one of which much is wanted', 8192, 4000, /for merge/, /for round|search_bins/],
    ['by sorting what a cut leaves of it', 8192, 2048, /search_bins[^]*for merge/, /for round/],
  ] as const)('takes elements %s', (_how, cols, k, expected, other) => {
    const { text } = render(topk, { ...bindingsOf(topk)[0]!, dims: { cols, k } }).module;
    const body = text.slice(text.indexOf('@cute.kernel'));
    expect(body).toMatch(expected);
    expect(body).not.toMatch(other);
  });

  test('takes rounds of a row of f32 only where a warp holds keys and positions apart', () => {
    const text = (cols: number) =>
      render(topk, { dims: { cols, k: 8 }, types: { T: 'f32' }, flags: { smallest: false, ragged: false } })
        .module.text;
    expect(text(1024)).toContain('for round');
    expect(text(1025)).not.toContain('for round');
  });

  test('of too many elements of a long row is refused', () => {
    const error = raised(() => render(topk, { ...bindingsOf(topk)[0]!, dims: { cols: 8193, k: 2049 } }));
    expect(error.code).toBe('FORMULA_UNSUPPORTED');
    expect([error.actual, error.expected]).toEqual([
      expect.stringContaining('2049 elements from a row of 8193'),
      expect.stringContaining('2048'),
    ]);
  });

  test('of more elements than positions have bits for is refused where the formula selects', () => {
    expect(() => render(route, routed('f32', false, 1024))).not.toThrow();
    const error = raised(() => render(route, routed('f32', false, 2 ** 22 + 1)));
    expect(error.code).toBe('FORMULA_UNSUPPORTED');
    expect(error.actual).toContain('4194305 elements');
    expect(error.place?.text).toContain('top[experts -> top_k]');
  });

  test('may select from what was selected', () => {
    const spec = parseSpec(
      `kernel: probe
doc: Probes a selection from a selection.
dims: { rows: dynamic, n: static, k: static, j: static }
tensors:
  x: { shape: [rows, n], dtype: f32 }
  at: { shape: [rows, j], dtype: i32, access: out }
formula: |
  a = top[n -> k](x)
  at = bottom[k -> j](x[n: a])
`,
      'probe.yaml',
    );
    const { kernel } = render(spec, { dims: { n: 64, k: 40, j: 3 }, types: {}, flags: {} });
    expect(kernel.sections[0]!.then!.then!.schedule!.threadsPerRow).toBe(32);
  });

  test.each([
    [
      'beside all it was selected from',
      ['a = top[n -> k](x)', 'out = x + f32(a)', 'at = a + top[m -> j](sum[n](y))'],
      [
        'out: { shape: [rows, k, n], dtype: f32, access: out }',
        'at: { shape: [rows, k, j], dtype: i32, access: out }',
      ],
      'selections from',
    ],
    [
      'as a whole row',
      ['a = top[n -> k](x)', 'out = x + f32(a) + 0.0 * sum[m](y) + f32(size(j))'],
      ['out: { shape: [rows, k, n], dtype: f32, access: out }'],
      'values over n beside what is selected from it',
    ],
    [
      'in another order than it was selected',
      ['a = top[n -> k](x)', 'at = a[k: 3 - k] + i32.rz(sum[m](sum[n](y))) + size(j)'],
      ['at: { shape: [rows, k], dtype: i32, access: out }'],
      'a selection read at another position along k',
    ],
  ])('is refused %s', (_what, formula, outputs, actual) => {
    const spec = probe(formula, outputs);
    const error = raised(() => render(spec, { dims: { n: 64, m: 4, k: 4, j: 4 }, types: {}, flags: {} }));
    expect([error.code, error.actual]).toEqual(['FORMULA_UNSUPPORTED', expect.stringContaining(actual)]);
    expect(error.place?.file).toBe('probe.yaml');
  });
});
