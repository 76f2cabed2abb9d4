/** Counts, ranks and sums over tables: routing's tokens to the rows of their experts, and what that is made of. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openLibrary, type Library } from '../../src/runtime/index.js';
import { loadSpecs, parseSpec, type Binding, type KernelSpec } from '../../src/spec/index.js';
import { packagePath } from '../../src/util/package-root.js';
import { Random } from '../../src/verify/random.js';
import { Prover } from '../support/prover.js';

const PHASES = ['prefill', 'decode'] as const;
let prover: Prover;
let library: ReadonlyMap<string, KernelSpec>;

beforeAll(async () => {
  prover = await Prover.open();
  library = await loadSpecs(packagePath('specs'));
}, 300_000);

afterAll(() => prover.close());

const bound = (dims: Record<string, number>, types: Binding['types'] = {}): Binding => ({
  dims,
  types,
  flags: {},
});

test('experts: one, fewer and more than a warp, a number of them as large as a CTA and larger', async () => {
  const permute = (...shapes: (readonly [number, number, number])[]) =>
    shapes.map(
      ([experts, top_k, pad]) => ['moe_permute', bound({ experts, total: experts + 1, top_k, pad })] as const,
    );
  const counted = permute([33, 2, 1], [1024, 10, 1]);
  expect(await prover.wrong('permute', library, counted, ['prefill'])).toEqual([]);
  const alone = permute([1, 1, 1], [8, 8, 64], [128, 8, 128], [257, 3, 16]);
  expect(await prover.wrong('permute', library, [...counted, ...alone], ['decode'])).toEqual([]);
}, 300_000);

const bf16 = { T: 'bf16' } as const;

test('rows are moved with the index, quantised or not, of any length', async () => {
  const dims = { experts: 40, total: 50, top_k: 5, pad: 8 };
  const bindings = [
    ['moe_dispatch', bound({ ...dims, hidden: 96 }, { T: 'f16' })],
    ['moe_dispatch', bound({ ...dims, hidden: 1056 }, bf16)],
    ['moe_dispatch_quant_fp8', bound({ ...dims, hidden: 256 }, bf16)],
    ['moe_dispatch_quant_fp8_block', bound({ ...dims, hidden: 256 }, bf16)],
  ] as const;
  expect(await prover.wrong('dispatch', library, bindings, ['decode'])).toEqual([]);
}, 300_000);

test('rows are moved after the index, quantised or not', async () => {
  const bindings = [
    ['moe_move', bound({ top_k: 5, hidden: 264 }, bf16)],
    ['moe_move_quant_fp8', bound({ top_k: 5, hidden: 256 }, bf16)],
    ['moe_move_quant_fp8_block', bound({ top_k: 5, hidden: 256 }, bf16)],
  ] as const;
  expect(await prover.wrong('move', library, bindings)).toEqual([]);
}, 300_000);

test('a table read at several indices, sums of sums, a weight beside counts, a table without rows', async () => {
  const spec = parseSpec(
    `kernel: tallied
doc: Probes tables.
dims: { rows: dynamic, n: static, m: static, bins: static }
tensors:
  x: { shape: [rows, n], dtype: i32 }
  weight: { shape: [bins], dtype: i32 }
  above: { shape: [rows, n], dtype: i32, access: out }
  twice: { shape: [bins], dtype: i32, access: out }
  spread: { shape: [bins, m], dtype: i32, access: out }
  same: { shape: [rows, n], dtype: i32, access: out }
formula: |
  n0 = count[rows, n](bins: x)
  s = scan[bins](n0 * weight)
  t = scan[bins](s)
  above = n0[bins: x + 1] - s[bins: x - 2] + t[bins: 3]
  twice = select(n0 > 2, t, -n0)
  spread = t * i32(index(m)) + n0
  same = rank[rows, n](bins: x)
`,
    'tallied.yaml',
  );
  const sums = parseSpec(
    `kernel: sums
doc: Sums alone.
dims: { bins: static }
tensors:
  x: { shape: [bins], dtype: i32 }
  out: { shape: [bins], dtype: i32, access: out }
formula: |
  out = scan[bins](x) + x
`,
    'sums.yaml',
  );
  const specs = new Map([spec, sums].map((each) => [each.name, each]));
  const bindings = [
    ['tallied', bound({ n: 3, m: 5, bins: 40 })],
    ['tallied', bound({ n: 1, m: 1, bins: 700 })],
    ['sums', bound({ bins: 31 })],
    ['sums', bound({ bins: 2049 })],
  ] as const;
  expect(await prover.wrong('tallied', specs, bindings, PHASES)).toEqual([]);
}, 300_000);

test('rows known when compiled, counts alone, and ranks beside functions of a row, reductions and selections', async () => {
  const spec = (kernel: string, dims: string, tensors: readonly string[], formula: readonly string[]) =>
    parseSpec(
      [`kernel: ${kernel}`, 'doc: Probes tables.', `dims: ${dims}`, 'tensors:']
        .concat(
          tensors.map((each) => `  ${each}`),
          'formula: |',
          formula.map((each) => `  ${each}`),
          '',
        )
        .join('\n'),
      `${kernel}.yaml`,
    );
  const a = 'a: { shape: [rows], dtype: i32 }';
  const x = 'x: { shape: [rows, d], dtype: f32 }';
  const n = 'n: { shape: [bins], dtype: i32, access: out }';
  const at = 'at: { shape: [rows], dtype: i32, access: out }';
  const counts = ['n = count[rows](bins: a)', 'at = rank[rows](bins: a)'];
  const dims = '{ rows: dynamic, d: static, bins: static }';
  const specs = [
    spec('known', '{ rows: static, bins: static }', [a, n, at], counts),
    spec('alone', '{ rows: dynamic, bins: static }', [a, n], counts.slice(0, 1)),
    spec(
      'argmax_beside',
      dims,
      [a, x, n, at, 'y: { shape: [rows], dtype: i32, access: out }'],
      [...counts, 'y = argmax[d](x)'],
    ),
    spec(
      'largest_beside',
      dims,
      [a, x, n, at, 'y: { shape: [rows, d], dtype: f32, access: out }'],
      [...counts, 'y = max(x, max[d](x) * 0.5)'],
    ),
    spec(
      'chosen_beside',
      '{ rows: dynamic, d: static, bins: static, k: static }',
      [a, x, 's: { shape: [rows], dtype: i32 }', n, at, 'y: { shape: [rows, k], dtype: f32, access: out }'],
      [...counts, 'c = top[d -> k](x)', 'y = f32(s + 1) * x[d: c]'],
    ),
  ];
  const bindings = [
    ['known', bound({ rows: 512, bins: 7 })],
    ['known', bound({ rows: 4999, bins: 7 })],
    ['alone', bound({ bins: 9 })],
    ['argmax_beside', bound({ d: 1024, bins: 5 })],
    ['largest_beside', bound({ d: 256, bins: 5 })],
    ['chosen_beside', bound({ d: 64, bins: 5, k: 3 })],
  ] as const;
  const named = new Map(specs.map((each) => [each.name, each]));
  expect(await prover.wrong('beside', named, bindings, PHASES)).toEqual([]);
}, 300_000);

test('ragged batches: rows that end inside a vector, shorter and longer than a warp', async () => {
  const bindings = [
    ['ragged_offsets', bound({ batch: 7 })],
    ['ragged_offsets', bound({ batch: 300 })],
    ['ragged_expand', bound({ batch: 5 })],
    ['ragged_expand', bound({ batch: 130 })],
    ['slot_mapping', bound({ page: 16 })],
  ] as const;
  expect(await prover.wrong('ragged', library, bindings)).toEqual([]);
}, 300_000);

const UNSHARED = { residual: false, shared: false, gated: false };

describe('properties', () => {
  const [experts, top_k, hidden, pad, batch, page] = [12, 3, 64, 4, 5, 4];
  let folder: string;
  let kernels: Library;

  beforeAll(async () => {
    const dims = { experts, total: experts, top_k, pad };
    folder = await prover.build('chain', library, [
      ['moe_dispatch', bound({ ...dims, hidden }, { T: 'bf16' })],
      ['moe_permute', bound(dims)],
      ['moe_move', bound({ top_k, hidden }, { T: 'bf16' })],
      ['moe_combine', { dims: { top_k, hidden }, types: { T: 'bf16' }, flags: UNSHARED }],
      ['ragged_offsets', bound({ batch })],
      ['ragged_expand', bound({ batch })],
      ['slot_mapping', bound({ page })],
    ]);
    kernels = await openLibrary(folder, { device: 'sim', arch: 'sm90' });
  }, 300_000);

  afterAll(() => kernels.close());

  const choices = (tokens: number, seed: number): number[] => {
    const random = new Random(seed);
    return Array.from({ length: tokens }, () => random.permutation(experts).slice(0, top_k)).flat();
  };

  function index(tokens: number, ids: readonly number[], rows: number) {
    const i32 = (shape: number[]) => kernels.tensor('i32', shape);
    return {
      ids: kernels.tensor('i32', [tokens, top_k], { values: Int32Array.from(ids) }),
      slot: i32([tokens, top_k]),
      source: i32([rows]),
      counts: i32([experts]),
      starts: i32([experts]),
      ends: i32([experts]),
      errors: i32([2]),
    };
  }

  const first = { first: 0 };
  const choice = (kernel: string, types: Binding['types'] = {}) => ({ kernel, types, flags: {} });
  const combine = { ...choice('moe_combine', bf16), flags: UNSHARED };

  test.each([1, 11, 40])('%d tokens: slots are a permutation, counts a bincount, and all agree', (tokens) => {
    const ids = choices(tokens, tokens);
    const rows = ids.length + experts * pad;
    const tensors = index(tokens, ids, rows);
    kernels.launch(choice('moe_permute'), { ...tensors, ...first });
    const [slot, source, counts, starts, ends] = ['slot', 'source', 'counts', 'starts', 'ends'].map(
      (name) => [...tensors[name as keyof typeof tensors].read()],
    ) as [number[], number[], number[], number[], number[]];
    expect(counts).toEqual(Array.from({ length: experts }, (_, e) => ids.filter((id) => id === e).length));
    expect(starts).toEqual(ends.map((_, e) => (e === 0 ? 0 : ends[e - 1]!)));
    expect(ends.map((end, e) => end - starts[e]!)).toEqual(
      counts.map((count) => Math.ceil(count / pad) * pad),
    );
    expect(new Set(slot).size).toBe(ids.length);
    slot.forEach((row, pair) => {
      expect(source[row]).toBe(Math.floor(pair / top_k));
      expect(row).toBeGreaterThanOrEqual(starts[ids[pair]!]!);
      expect(row).toBeLessThan(starts[ids[pair]!]! + counts[ids[pair]!]!);
    });
    const used = new Set(slot);
    for (let row = 0; row < ends.at(-1)!; row++) if (!used.has(row)) expect(source[row]).toBe(-1);
    expect([...tensors.errors.read()]).toEqual([0, 0]);
  });

  const roomy = (tokens: number): number => tokens * top_k + experts * pad;
  test.each([
    ['distinct experts', choices(19, 5), 0, roomy(19)],
    ['every token to one expert', new Array<number>(19 * top_k).fill(7), 0, roomy(19)],
    ['the experts from 4 on, others elsewhere', choices(19, 6), 4, roomy(19)],
    ['a buffer of fewer rows than choices', choices(19, 7), 0, 30],
    ['a buffer of no rows', choices(3, 8), 0, 0],
  ])('dispatch, then combine: each row times the sum of its weights: %s', (_what, ids, from, rows) => {
    const tokens = ids.length / top_k;
    const random = new Random(9);
    const values = Float32Array.from(
      { length: tokens * hidden },
      () => Math.round(random.normal() * 16) / 16,
    );
    const weights = Float32Array.from({ length: ids.length }, () => random.below(8) / 8);
    const x = kernels.tensor('bf16', [tokens, hidden], { values });
    const weight = kernels.tensor('f32', [tokens, top_k], { values: weights });
    const { slots, total } = placesOf(ids, from, rows);
    const expected = values.map((value, i) => {
      const token = Math.floor(i / hidden);
      // Eighths times sixteenths are exact in f32, in any order.
      return slots
        .slice(token * top_k, (token + 1) * top_k)
        .reduce((sum, row, k) => (row < 0 ? sum : sum + value * weights[token * top_k + k]!), 0);
    });
    const scalars = { first: from };
    const dispatched = (() => {
      const tensors = index(tokens, ids, rows);
      const out = kernels.tensor('bf16', [rows, hidden]);
      kernels.launch(choice('moe_dispatch', bf16), { ...tensors, x, out, ...scalars });
      return { ...tensors, out };
    })();
    const moved = (() => {
      const tensors = index(tokens, ids, rows);
      const out = kernels.tensor('bf16', [rows, hidden]);
      kernels.launch(choice('moe_permute'), { ...tensors, ...scalars });
      kernels.launch(choice('moe_move', bf16), { x, slot: tensors.slot, out });
      return { ...tensors, out };
    })();
    const rounded = kernels.tensor('bf16', [tokens, hidden], { values: expected });
    for (const { slot, errors, out } of [dispatched, moved]) {
      expect([...slot.read()]).toEqual(slots);
      expect([...errors.read()]).toEqual([0, Math.max(total - rows, 0)]);
      const y = kernels.tensor('bf16', [tokens, hidden]);
      kernels.launch(combine, { x: out, slot, weight, out: y });
      // A sum that starts from 0 is never -0.
      expect([...y.read()]).toEqual([...rounded.read()].map((each) => each + 0));
    }
  });

  /** Slots by the definition: experts in order, each with its choices in order, runs padded; -1 where there is no row. */
  function placesOf(ids: readonly number[], from: number, rows: number) {
    const slots = ids.map(() => -1);
    let total = 0;
    for (let expert = from; expert < from + experts; expert++) {
      const own = ids.flatMap((id, i) => (id === expert ? [i] : []));
      own.forEach((choice, rank) => (slots[choice] = total + rank < rows ? total + rank : -1));
      total += Math.ceil(own.length / pad) * pad;
    }
    return { slots, total };
  }

  test('a ragged batch is laid out by kernels that start before the one that they depend on has ended', () => {
    const lengths = [3, 0, 5, 1, 0];
    const cached = [2, 0, 7, 0, 0];
    const [tokens, blocks] = [12, 3];
    const i32 = (shape: number[], values?: readonly number[]) =>
      kernels.tensor('i32', shape, values && { values: Int32Array.from(values) });
    const starts = i32([batch]);
    const ends = i32([batch]);
    kernels.launch(choice('ragged_offsets'), { lengths: i32([batch], lengths), starts, ends });
    const sequence = i32([tokens]);
    const position = i32([tokens]);
    kernels.launch(choice('ragged_expand'), {
      ...{ starts, ends, cached: i32([batch], cached), sequence, position },
    });
    const pages = Array.from({ length: (batch + 1) * blocks }, (_, i) => 100 - i);
    const slot = kernels.tensor('i64', [tokens]);
    const block_table = i32([batch + 1, blocks], pages);
    kernels.launch(choice('slot_mapping'), { sequence, position, block_table, slot });
    const owners = lengths.flatMap((length, i) => new Array<number>(length).fill(i));
    const places = lengths.flatMap((length, i) => Array.from({ length }, (_, j) => cached[i]! + j));
    const past = tokens - owners.length;
    expect([...sequence.read()]).toEqual([...owners, ...new Array(past).fill(-1)]);
    expect([...position.read()]).toEqual([...places, ...new Array(past).fill(0)]);
    expect([...slot.read()].map(Number)).toEqual([
      ...owners.map(
        (owner, i) => pages[owner * blocks + Math.floor(places[i]! / page)]! * page + (places[i]! % page),
      ),
      ...new Array(past).fill(-1),
    ]);
  });

  test('what is out of range is dropped and counted, and no token still writes its tables', () => {
    const ids = [0, 1, 2, -1, experts, 3, 2 ** 31 - 1, -(2 ** 31), 4];
    const tensors = index(3, ids, 4);
    kernels.launch(choice('moe_permute'), { ...tensors, ...first });
    // Five experts have one choice each, in runs of 4: 20 rows, of which there are 4.
    expect([...tensors.errors.read()]).toEqual([4, 16]);
    expect([...tensors.slot.read()]).toEqual(ids.map((id) => (id === 0 ? 0 : -1)));
    // Rows 4 and on are beyond the buffer: nothing is written there.
    expect([...tensors.source.read()]).toEqual([0, -1, -1, -1]);
    const none = index(0, [], 4);
    none.counts.write(new Int32Array(experts).fill(7));
    kernels.launch(choice('moe_permute'), { ...none, ...first });
    expect([...none.counts.read()]).toEqual(new Array(experts).fill(0));
  });
});
