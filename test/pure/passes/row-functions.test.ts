import { describe, expect, test } from '@jest/globals';
import { renderVariant } from '../../../src/build/index.js';
import { ARCHITECTURES } from '../../../src/device/index.js';
import { loadSpec, parseSpec, type Binding } from '../../../src/spec/index.js';
import { packagePath } from '../../../src/util/package-root.js';
import { raised } from '../../support/raised.js';
import { variantOf } from '../../support/variants.js';

const greedy = await loadSpec(packagePath('specs/greedy.yaml'));
const drawn = await loadSpec(packagePath('specs/sample_temperature.yaml'));
const filtered = await loadSpec(packagePath('specs/sample_top_k_top_p.yaml'));

const plain = { penalised: false, biased: false, masked: false };
const row = (vocab: number, L: 'f32' | 'bf16' = 'f32'): Binding => ({
  dims: { vocab },
  types: { L },
  flags: {},
});
const settings = (vocab: number): Binding => ({
  dims: { vocab },
  types: { L: 'f32' },
  flags: plain,
});
const schedule = (spec: typeof greedy, binding: Binding, arch = 'sm90') => {
  const { kernel } = renderVariant(variantOf(spec, binding, arch, 'decode', false), spec);
  return { ...kernel.schedule!, lanes: kernel.sections[0]!.lanes!, kernel };
};

describe('a function of a whole row', () => {
  test('is a cluster of CTAs where there are clusters, else one CTA', () => {
    for (const { name, hasClusters } of ARCHITECTURES) {
      expect(schedule(greedy, row(151936), name).cluster).toBe(hasClusters ? 8 : 1);
      expect(schedule(drawn, settings(151936), name).cluster).toBe(hasClusters ? 8 : 1);
      expect(schedule(filtered, settings(151936), name).cluster).toBe(hasClusters ? 8 : 1);
    }
    expect(schedule(greedy, row(1000)).cluster).toBe(1);
  });

  test('gives each CTA as many tiles, and covers the row', () => {
    for (const vocab of [1, 33, 1000, 4100, 50257, 151936, 262144]) {
      const { lanes, cluster } = schedule(greedy, row(vocab));
      const tiles = lanes.tiles[0]?.extent ?? 1;
      expect(tiles * cluster * lanes.threads * lanes.vector).toBeGreaterThanOrEqual(vocab);
      expect(vocab % lanes.vector).toBe(0);
    }
  });

  const textOf = (spec: typeof greedy, binding: Binding): string =>
    renderVariant(variantOf(spec, binding, 'sm90', 'decode', false), spec, { stages: true }).stages.at(-1)!
      .text;

  test('reads a row once where one pass is enough, with loads that have no condition', () => {
    const text = textOf(greedy, row(151936));
    expect(text.match(/^ {2}loop tile/gm)).toHaveLength(1);
    expect(text).toContain('tile_or_first');
    expect(text).not.toMatch(/if .* < 151936/);
  });

  test('guards the end of a row where no whole tile is there to read twice', () => {
    const text = textOf(greedy, row(33));
    expect(text).not.toContain('tile_or_first');
    expect(text).toMatch(/ < 33/);
  });

  test('waits for its cluster where the CTAs meet first, behind its loads', () => {
    const text = textOf(greedy, row(151936));
    const [arrive, loop, wait] = ['cluster-barrier (arrive)', 'loop tile', 'cluster-barrier (wait)'].map(
      (what) => text.indexOf(what),
    ) as [number, number, number];
    expect(arrive).toBeGreaterThan(0);
    expect(loop).toBeGreaterThan(arrive);
    expect(wait).toBeGreaterThan(loop);
  });

  test('walks what the cuts leave in place of the row, where a condition leaves out the rest', () => {
    const formula = (operand: string): string => `kernel: probe
doc: Probes what comes after a cut.
dims: { rows: dynamic, n: static }
tensors:
  x: { shape: [rows, n], dtype: f32 }
  at: { shape: [rows], dtype: i32, access: out }
formula: |
  h = max(x, -inf)
  kept = largest[n](h, 50)
  at = argmax[n](${operand})
`;
    const walks = (operand: string): number => {
      const text = textOf(parseSpec(formula(operand), 'probe.yaml'), {
        dims: { n: 20000 },
        types: {},
        flags: {},
      });
      return text.match(/loop entry.* survivors/g)?.length ?? 0;
    };
    expect(walks('select(kept, max(h * h, -inf), -inf)')).toBe(1);
    expect(walks('select(kept && h > 0.0, max(h * h, -inf), -inf)')).toBe(1);
    expect(walks('select(kept || h > 0.0, max(h * h, -inf), -inf)')).toBe(0);
    expect(walks('select(!kept, max(h * h, -inf), -inf)')).toBe(0);
    expect(walks('select(kept, max(h * h, -inf), 0.0)')).toBe(0);
  });

  test('takes few elements apart at once where each of them branches', () => {
    const binding: Binding = { ...settings(256), types: { L: 'bf16' } };
    expect(schedule(filtered, binding, 'sm100').lanes.vector).toBe(8);
    expect(schedule(greedy, row(256, 'bf16'), 'sm100').lanes.vector).toBe(16);
  });

  test.each([['a row that is too long', 2 ** 22 + 4, 'a row of 4194308 elements']])(
    'refuses %s',
    (_what, vocab, actual) => {
      expect(raised(() => schedule(filtered, settings(vocab))).actual).toContain(actual);
    },
  );

  test('refuses rows along two dimensions', () => {
    const spec = parseSpec(
      `kernel: probe
doc: Probes rows of two dimensions.
dims: { rows: dynamic, a: static, b: static }
tensors:
  x: { shape: [rows, a, b], dtype: f32 }
  at: { shape: [rows], dtype: i32, access: out }
formula: |
  at = argmax[b](max[a](x))
`,
      'probe.yaml',
    );
    const error = raised(() => schedule(spec, { dims: { a: 4, b: 8 }, types: {}, flags: {} }));
    expect(error.code).toBe('FORMULA_UNSUPPORTED');
  });
});
