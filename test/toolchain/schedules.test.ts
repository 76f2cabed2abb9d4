/** What a tuning run may choose computes the same: schedules compiled and proven, and gathers at the edges of their dimension. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { PlannedVariant, ScheduleOverride } from '../../src/plan/index.js';
import { openLibrary } from '../../src/runtime/index.js';
import { loadSpecs, type KernelSpec } from '../../src/spec/index.js';
import { packagePath } from '../../src/util/package-root.js';
import { Prover } from '../support/prover.js';
import { bindingsOf, variantOf } from '../support/variants.js';

const SIZES = { hidden: 512, page: 4, q_heads: 8, k_heads: 4, half: 32, top_k: 6 };
let prover: Prover;
let library: ReadonlyMap<string, KernelSpec>;

beforeAll(async () => {
  prover = await Prover.open();
  library = await loadSpecs(packagePath('specs'));
}, 300_000);

afterAll(() => prover.close());

const SCHEDULES: Readonly<Record<string, readonly ScheduleOverride[]>> = {
  qk_norm_rope_cache: [
    {},
    { walk: 2, streams: 'all' },
    { walk: 4, threadsPerRow: 2, minBlocks: 0 },
    { walk: 1, ahead: 'both' },
  ],
  moe_combine: [{}, { steps: 4 }, { steps: 2, threads: 128 }, { steps: 1, streams: 'no-allocate' }],
  moe_combine_rms_norm: [{}, { ahead: 'both', streams: 'stores' }],
  add_rms_norm_quant_fp8: [{}, { streams: 'loads', ahead: 'prefetch' }, { ctasPerSm: 1, ahead: 'signal' }],
  rms_norm_quant_fp8_block: [{}, { threads: 128, streams: 'no-allocate' }],
};

test('schedules that a tuning run may choose', async () => {
  const variants = Object.entries(SCHEDULES).flatMap(([kernel, schedules]) => {
    const spec = library.get(kernel)!;
    const [binding] = bindingsOf(spec, SIZES);
    return schedules.map((schedule, n): PlannedVariant => {
      const variant = variantOf(spec, binding!, 'sm90', n % 2 === 0 ? 'prefill' : 'decode', true);
      return { ...variant, id: `${variant.id}.${n}`, schedule };
    });
  });
  expect(await prover.wrongVariants('schedules', library, variants)).toEqual([]);
}, 600_000);

test('rows gathered without a condition: none there, indices far outside, more and fewer than go together', async () => {
  const hidden = 64;
  const tokens = 3;
  const flags = { residual: false, shared: false, gated: false };
  const bindings = [8, 11].map(
    (top_k) => ['moe_combine', { dims: { top_k, hidden }, types: { T: 'f32' }, flags }] as const,
  );
  const dir = await prover.build('edges', library, bindings);
  using kernels = await openLibrary(dir, { device: 'sim', arch: 'sm90' });
  for (const k of [8, 11]) {
    const slots = Int32Array.from({ length: tokens * k }, (_, i) => (i * 7) % 11);
    slots.set([-1, 2 ** 31 - 1, -(2 ** 31), 9, 8, 0], 2);
    for (const rows of [0, 1, 9]) {
      const x = Float32Array.from({ length: rows * hidden }, (_, i) => 1 + Math.floor(i / hidden));
      const weights = Float32Array.from({ length: tokens * k }, (_, i) => i + 1);
      using x_ = kernels.tensor('f32', [rows, hidden], { values: x });
      using slot = kernels.tensor('i32', [tokens, k], { values: slots });
      using weight = kernels.tensor('f32', [tokens, k], { values: weights });
      using out = kernels.tensor('f32', [tokens, hidden]);
      const { id } = kernels.variants.find((each) => each.arch === 'sm90' && each.dims['top_k'] === k)!;
      kernels.launchVariant(id, { x: x_, slot, weight, out });
      const expected = Array.from({ length: tokens }, (_, t) =>
        [...slots.slice(t * k, (t + 1) * k)].reduce(
          (sum, row, j) => sum + (row >= 0 && row < rows ? (t * k + j + 1) * (row + 1) : 0),
          0,
        ),
      );
      expect([k, rows, ...Array.from(out.read())]).toEqual([
        k,
        rows,
        ...expected.flatMap((sum) => Array.from({ length: hidden }, () => sum)),
      ]);
    }
  }
}, 300_000);
