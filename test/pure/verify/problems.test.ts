import { describe, expect, test } from '@jest/globals';
import { expr } from '../../../src/device/index.js';
import { loadSpec, parseSpec, type BoundKernel } from '../../../src/spec/index.js';
import { packagePath } from '../../../src/util/package-root.js';
import { rowDimension } from '../../../src/verify/batch-invariance.js';
import { problemsOf, type NamedProblem } from '../../../src/verify/index.js';
import { tilesOf } from '../../../src/verify/problems.js';
import { rolesOf } from '../../../src/verify/roles.js';
import { COLUMN_SCATTER, EMBEDDING_BAG } from '../../support/sample-specs.js';
import { planned, twice } from './subjects.js';

const T = { T: 'bf16' } as const;

const embedding = planned(
  await loadSpec(packagePath('specs/embedding.yaml')),
  { dims: { hidden: 8 }, types: { ...T, I: 'i64' }, flags: {} },
  'tokens',
);
const cache = planned(
  await loadSpec(packagePath('specs/qk_norm_rope_cache.yaml')),
  {
    dims: { page: 16, q_heads: 2, k_heads: 1, half: 4 },
    types: { ...T, C: 'bf16', R: 'f32' },
    flags: { norm: true, quantised: false },
  },
  'tokens',
);
const pool = planned(
  await loadSpec(packagePath('specs/mean_pool_l2.yaml')),
  { dims: { hidden: 8 }, types: { ...T, O: 'f32' }, flags: {} },
  'sequences',
);
const bag = planned(
  parseSpec(EMBEDDING_BAG, 'own.yaml'),
  { dims: { hidden: 8 }, types: T, flags: {} },
  'bags',
);
const scatter = planned(
  parseSpec(COLUMN_SCATTER, 'own.yaml'),
  { dims: { cols: 8, target: 20 }, types: T, flags: {} },
  'rows',
);

const MIXTURE = `
kernel: mixture
doc: Rows of a table, each times a factor, times a gate and a gain.
dims: { tokens: dynamic, rows: dynamic, top_k: 5, hidden: 8 }
types: { T: [bf16] }
tensors:
  x: { shape: [rows, hidden], dtype: T }
  slot: { shape: [tokens, top_k], dtype: i32 }
  weight: { shape: [tokens, top_k], dtype: f32 }
  gate: { shape: [tokens], dtype: T }
  gain: { shape: [hidden], dtype: T }
  out: { shape: [tokens, hidden], dtype: f32, access: out }
formula: |
  y = sum[top_k](select(slot >= 0, weight * f32(x[rows: slot]), 0.0))
  out = y * f32(gate) * f32(gain)
`;
const mixture = planned(parseSpec(MIXTURE, 'own.yaml'), { dims: {}, types: T, flags: {} }, 'tokens');

const all = [embedding, cache, pool, bag, scatter, twice];
const values = ({ problem }: NamedProblem, tensor: string): readonly number[] => [
  ...problem.inputs.get(tensor)!,
];

describe('what integer tensors are for is read off the formula:', () => {
  test('gathers, with the dimension that only they reach', () => {
    const { indices, targets, offsets } = rolesOf(embedding.bound);
    expect([...indices]).toEqual([['ids', [{ kind: 'gather', target: 'table', dims: ['vocab'] }]]]);
    expect([...targets]).toEqual(['vocab']);
    expect(offsets.size).toBe(0);
  });

  test('scatters over two dimensions at once, through arithmetic, and gathers beside them', () => {
    const { indices, targets } = rolesOf(cache.bound);
    const uses = (tensor: string) =>
      new Set(indices.get(tensor)?.map(({ kind, target }) => `${kind} ${target}`));
    expect(uses('slot')).toEqual(new Set(['scatter k_cache', 'scatter v_cache']));
    expect(indices.get('slot')?.[0]?.dims).toEqual(['pages', 'page']);
    expect(uses('position')).toEqual(new Set(['gather cos_sin']));
    expect([...targets].sort()).toEqual(['page', 'pages', 'positions']);
  });

  test('offsets of ranges', () => {
    expect([...rolesOf(pool.bound).offsets]).toEqual([['offsets', { dim: 'tokens', rows: 'sequences' }]]);
    expect([...rolesOf(bag.bound).offsets.keys()]).toEqual(['offsets']);
    expect([...rolesOf(bag.bound).indices.keys()]).toEqual(['ids']);
  });
});

describe('problems', () => {
  test.each(all.map((each) => [each.variant.kernel, each] as const))(
    '%s: the same every time, no rows and one among them, each input whole and in its dtype',
    (_name, { bound, variant }) => {
      const problems = problemsOf(bound, variant);
      expect(problemsOf(bound, variant)).toEqual(problems);
      expect(new Set(problems.map(({ name }) => name)).size).toBe(problems.length);
      expect(problems.some(({ name }) => name.endsWith('extreme'))).toBe(true);
      for (const { problem } of problems) {
        for (const { name, access, modes, dtype } of bound.tensors) {
          const size = modes.reduce((n, mode) => n * (problem.extents[mode.dim]! + mode.extra), 1);
          const data = problem.inputs.get(name);
          expect(data?.length).toBe(access === 'out' ? undefined : size);
          if (dtype.startsWith('i')) expect(data?.every(Number.isSafeInteger)).toBe(true);
        }
      }
    },
  );

  test('rows around a tile, which is read off the launch rule', () => {
    const { bound, variant } = embedding;
    expect(tilesOf(variant, ['tokens'])).toEqual([4]);
    const rows = problemsOf(bound, variant).map(({ problem }) => problem.extents['tokens']);
    for (const count of [0, 1, 2, 3, 4, 5, 9, 17]) expect(rows).toContain(count);
  });

  test('and around those that the CTAs of a cluster take together', () => {
    const { bound, variant } = embedding;
    const [grid] = variant.launch.grid;
    const launch = {
      ...variant.launch,
      grid: [expr.mul(grid, expr.const(2)), expr.const(1), expr.const(1)] as const,
      cluster: [2, 1, 1] as const,
    };
    expect(tilesOf({ ...variant, launch }, ['tokens'])).toEqual([2, 4]);
    const rows = problemsOf(bound, { ...variant, launch }).map(({ problem }) => problem.extents['tokens']);
    for (const count of [1, 2, 3, 4, 5]) expect(rows).toContain(count);
  });

  test('a launch that depends on the number of SMs is also made on one', () => {
    const { bound, variant } = twice;
    const [grid] = variant.launch.grid;
    const persistent = {
      ...variant,
      launch: {
        ...variant.launch,
        grid: [expr.binary('min', grid, expr.smCount()), expr.const(1), expr.const(1)] as const,
      },
    };
    const of = (entry: typeof variant) =>
      problemsOf(bound, entry).map(({ multiprocessors }) => multiprocessors);
    expect(of(variant)).not.toContain(1);
    expect(of(persistent)).toContain(1);
    expect(tilesOf(persistent, ['tokens'])).toEqual([2]);
  });

  test('gather indices reach the first and the last place, repeat, and leave the table', () => {
    const largest = problemsOf(embedding.bound, embedding.variant).find(({ name }) =>
      name.startsWith('tokens=17'),
    )!;
    const ids = values(largest, 'ids');
    const { vocab } = largest.problem.extents;
    expect(ids).toEqual(expect.arrayContaining([0, vocab! - 1, -1, vocab]));
    expect(ids.filter((id) => id === vocab! - 1).length).toBeGreaterThan(1);
    expect(ids.some((id) => id > 2 ** 32)).toBe(true);
  });

  test('no two rows are scattered to one place, some to none, and there is room for all', () => {
    const problems = problemsOf(cache.bound, cache.variant);
    for (const each of problems) {
      const slots = values(each, 'slot');
      const inside = slots.filter((slot) => slot >= 0 && slot < each.problem.extents['pages']! * 16);
      expect(new Set(inside).size).toBe(inside.length);
      if (slots.length > 8) expect(inside.length).toBeLessThan(slots.length);
      expect(inside.length).toBeGreaterThanOrEqual(Math.floor(slots.length / 2));
    }
  });

  test('rows that the written tensor keeps apart may share a place', () => {
    const { problem } = problemsOf(scatter.bound, scatter.variant).find(({ name }) =>
      name.startsWith('rows=17'),
    )!;
    const place = problem.inputs.get('place')!;
    for (let row = 0; row < 17; row++) {
      const inside = [...place.subarray(row * 8, row * 8 + 8)].filter((at) => at >= 0 && at < 20);
      expect(new Set(inside).size).toBe(inside.length);
    }
  });

  test.each([
    ['mean_pool_l2', pool, 'sequences'],
    ['embedding_bag', bag, 'bags'],
  ] as const)(
    'offsets of %s rise from 0 to the number of rows, over an empty range and one of one',
    (_name, each, rows) => {
      for (const named of problemsOf(each.bound, each.variant)) {
        const offsets = values(named, 'offsets');
        const lengths = offsets.slice(1).map((end, i) => end - offsets[i]!);
        expect(offsets[0]).toBe(0);
        expect(lengths.every((length) => length >= 0)).toBe(true);
        if (lengths.length > 0) expect(offsets.at(-1)).toBe(named.problem.extents['tokens']);
        if (named.problem.extents[rows]! > 3 && named.name.includes('normal'))
          expect(lengths).toEqual(expect.arrayContaining([0, 1]));
      }
    },
  );

  test('extremes: each has a row of its own, and other tensors have others in the second round', () => {
    const { problem } = problemsOf(cache.bound, cache.variant).find(({ name }) => name.endsWith('extreme'))!;
    const qkv = problem.inputs.get('qkv')!;
    const length = qkv.length / problem.extents['tokens']!;
    const row = (at: number): readonly number[] => [...qkv.subarray(at * length, (at + 1) * length)];
    expect(row(0).every((x) => x === 0)).toBe(true);
    expect(row(1).some((x) => Object.is(x, -0))).toBe(true);
    expect(row(2)).toContain(3.3895313892515355e38);
    expect(row(3)).toContain(2 ** -133);
    expect(row(4)).toContain(Infinity);
    expect(row(5)).toContain(-Infinity);
    expect(row(6).some(Number.isNaN)).toBe(true);
    expect(new Set(row(7)).size).toBe(1);
    expect(Math.max(...row(10))).toBeLessThan(-199);
    expect(Math.max(...row(13).map(Math.abs))).toBeLessThan(1e-11);
  });
});

test('poisoned rows have one NaN each, at every place of a vector', () => {
  const { problem } = problemsOf(cache.bound, cache.variant).find(({ name }) => name.endsWith('poisoned'))!;
  const qkv = problem.inputs.get('qkv')!;
  const length = qkv.length / problem.extents['tokens']!;
  const places = [...qkv.keys()].filter((i) => Number.isNaN(qkv[i]!));
  expect(places.map((i) => Math.floor(i / length))).toEqual([...Array(problem.extents['tokens']!).keys()]);
  expect(new Set(places.map((i) => (i % length) % 8)).size).toBe(8);
});

describe('a sum of rows that are gathered, with factors, a gate and a gain:', () => {
  const problems = new Map(
    problemsOf(mixture.bound, mixture.variant).map(({ name, problem }) => [name, problem]),
  );
  const poisoned = problems.get('tokens=64, poisoned')!.inputs;

  test('beside the NaN of a factor an index is exactly -1 at each place of a row, and in others it is not', () => {
    const slot = [...poisoned.get('slot')!];
    const places = [...poisoned.get('weight')!.keys()].filter((i) =>
      Number.isNaN(poisoned.get('weight')![i]!),
    );
    expect(places).toHaveLength(64);
    expect(new Set(places.filter((i) => slot[i] === -1).map((i) => i % 5)).size).toBe(5);
    expect(new Set(places.filter((i) => slot[i]! >= 0).map((i) => i % 5)).size).toBe(5);
  });

  test('one number a row is NaN in one row of eight, and the weights are small', () => {
    const gate = [...poisoned.get('gate')!];
    expect(gate.flatMap((value, row) => (Number.isNaN(value) ? [row] : []))).toEqual(
      Array.from({ length: 8 }, (_, n) => 8 * n),
    );
    expect(Math.max(...poisoned.get('gain')!.map(Math.abs))).toBeLessThan(0.5);
  });

  test('in the problem of peaks indices are few and in range', () => {
    expect(new Set(problems.get('tokens=64, peaked')!.inputs.get('slot'))).toEqual(new Set([0, 1, 2, 3]));
  });

  test('a NaN in a weight comes each time with other values beside it', () => {
    const gains = [0, 1].map((slot) => problems.get(`tokens=1, weights ${slot}`)!.inputs.get('gain')!);
    expect(gains[0]!.filter((value) => gains[1]!.includes(value)).length).toBeLessThan(4);
  });
});

test('rows are independent where no reduction runs over them', () => {
  const dimension = ({ bound }: { readonly bound: BoundKernel }): string | undefined => rowDimension(bound);
  expect(dimension(twice)).toBe('tokens');
  expect(dimension(embedding)).toBe('tokens');
  expect(dimension(cache)).toBe('tokens');
  expect(dimension(pool)).toBe('sequences');
});

test('two rows of three hold what is usual, but for extremes', () => {
  const text = `
kernel: usual
doc: Adds a number of each row and one of all.
dims: { tokens: dynamic, cols: 4 }
tensors:
  x: { shape: [tokens, cols], dtype: f32 }
  heat: { shape: [tokens], dtype: f32, usual: [0.5, 1.5] }
  times: { shape: [tokens, cols], dtype: i32, usual: [-2, 3] }
  all: { shape: [cols], dtype: f32, usual: [7, 8] }
  out: { shape: [tokens, cols], dtype: f32, access: out }
formula: |
  out = x + heat * f32(times) + all
`;
  const spec = parseSpec(text, 'usual.yaml');
  const { bound, variant } = planned(spec, { dims: {}, types: {}, flags: {} }, 'tokens');
  const problems = problemsOf(bound, variant);
  for (const { name, problem } of problems) {
    const inside = (tensor: string, least: number, largest: number): readonly boolean[] =>
      [...problem.inputs.get(tensor)!].map((value) => value >= least && value <= largest);
    if (name.endsWith('extreme')) expect(inside('heat', 0.5, 1.5)).toContain(false);
    else expect(inside('heat', 0.5, 1.5).filter((_, row) => row % 3 !== 2)).not.toContain(false);
    expect(inside('times', -2, 3).filter((_, i) => Math.floor(i / 4) % 3 !== 2)).not.toContain(false);
  }
  const normal = problems.find(({ name }) => name.endsWith('17, normal'))!.problem.inputs;
  expect([...normal.get('heat')!].some((value) => value < 0.5 || value > 1.5)).toBe(true);
  expect(new Set([...normal.get('times')!].filter((value) => value >= -2 && value <= 3))).toEqual(
    new Set([-2, -1, 0, 1, 2, 3]),
  );
  expect([...normal.get('all')!].every((value) => value >= 7 && value <= 8)).toBe(true);
});
