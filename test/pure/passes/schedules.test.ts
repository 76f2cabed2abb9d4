import { describe, expect, test } from '@jest/globals';
import { renderVariant } from '../../../src/build/index.js';
import type { ScheduleOverride } from '../../../src/plan/index.js';
import { loadSpecs, parseSpec, type KernelSpec } from '../../../src/spec/index.js';
import { packagePath } from '../../../src/util/package-root.js';
import { bindingsOf, variantOf } from '../../support/variants.js';

const library = await loadSpecs(packagePath('specs'));
const SIZES = { hidden: 4096, page: 16, q_heads: 32, k_heads: 8, half: 64, top_k: 8 };

function render(
  kernel: string | KernelSpec,
  schedule?: ScheduleOverride,
  phase: 'prefill' | 'decode' = 'prefill',
) {
  const spec = typeof kernel === 'string' ? library.get(kernel)! : kernel;
  const variant = variantOf(spec, bindingsOf(spec, SIZES)[0]!, 'sm90', phase);
  return renderVariant(schedule ? { ...variant, schedule } : variant, spec, { stages: true });
}

const count = (text: string, what: string): number => text.split(what).length - 1;
const kernelText = ({ module }: ReturnType<typeof render>): string =>
  module.text.slice(module.text.indexOf('@cute.kernel'));

describe('heads walked by the same threads', () => {
  const walked = (schedule?: ScheduleOverride, phase?: 'prefill' | 'decode') =>
    render('qk_norm_rope_cache', schedule, phase).kernel.sections.map((section) =>
      section.axes.flatMap((info) => (info.walked ? [`${info.axis} ${info.extent}`] : [])).join(),
    );

  test('as many as registers allow, in prefill, because they share their token’s table', () => {
    expect(walked()).toEqual(['q_heads%4 4', 'k_heads%4 4', 'v_heads%8 8']);
    expect(walked(undefined, 'decode')).toEqual(['', '', '']);
  });

  test('or as many as a schedule says', () => {
    expect(walked({ walk: 1 })).toEqual(['', '', '']);
    expect(walked({ walk: 2 })).toEqual(['q_heads%2 2', 'k_heads%2 2', 'two%2 2']);
    expect(walked({ walk: 4, threadsPerRow: 4 })[0]).toBe('q_heads%2 2');
  });

  test('load the table once, and all heads before the first is used', () => {
    const { kernel, module } = render('qk_norm_rope_cache');
    const q = kernelText({ kernel, module } as ReturnType<typeof render>).split('# section k')[0]!;
    expect(q).toContain('r_qkv = cute.make_rmem_tensor((8, 2, 4), BFloat16)');
    expect(q).toContain('r_cos_sin = cute.make_rmem_tensor((8,), Float32)');
    expect(q).toContain('r_cos_sin[None].store(g_cos_sin[lane, None].load())');
    expect(q.indexOf('fold_sum(')).toBeGreaterThan(q.indexOf('g_qkv[lane, None, tile_two, tile_q_heads_4]'));
    expect(module.text).toContain('min_blocks_per_mp=1');
    expect(module.text).toContain('grid=((tokens * 8 + 15) // 16 +');
  });

  test('indices of a row are asked for before its elements', () => {
    const k = kernelText(render('qk_norm_rope_cache')).split('# section k')[1]!;
    expect(k.indexOf('slot = g_slot[0]')).toBeGreaterThan(0);
    expect(k.indexOf('slot = g_slot[0]')).toBeLessThan(k.indexOf('r_qkv_1 ='));
  });

  test('rows that share nothing are not walked of themselves', () => {
    for (const [name, spec] of library) {
      if (['qk_norm_rope_cache', 'moe_move'].includes(name)) continue;
      const { kernel } = render(spec);
      expect([name, kernel.sections.some(({ axes }) => axes.some(({ walked: is }) => is))]).toEqual([
        name,
        false,
      ]);
    }
  });
});

describe('a row that is written to several places', () => {
  const move = (hidden: number, top_k: number, schedule?: ScheduleOverride): string => {
    const spec = library.get('moe_move')!;
    const binding = { dims: { hidden, top_k }, types: { T: 'bf16' as const }, flags: {} };
    const variant = { ...variantOf(spec, binding, 'sm90', 'prefill', false), ...(schedule && { schedule }) };
    return kernelText(renderVariant(variant, spec, {}) as ReturnType<typeof render>);
  };

  test('is read once, and each place has its own guard', () => {
    const text = move(2048, 8);
    expect(count(text, '= cute.make_tensor(x_ptr')).toBe(1);
    expect(text).toContain('grid=(tokens, 1, 1), block=(256, 1, 1)');
    expect(text).toMatch(
      /for tile in cutlass.range_constexpr\(8\):\n.*\n +g_out = .*r_slot\[tile\].*\n +if Int64\(r_slot\[tile\]\) >= 0.*\n +g_out\[thread, None\]\.store/,
    );
    expect(move(2048, 8, { walk: 4 })).toContain('grid=(tokens * 2, 1, 1)');
  });

  test('but not where it is reduced to one number a place', () => {
    const spec = parseSpec(
      `kernel: both
doc: Probes places of whole rows and of their largest elements.
dims: { t: dynamic, k: static, d: static, rows: dynamic }
tensors:
  x: { shape: [t, k, d], dtype: f32 }
  w: { shape: [t, d], dtype: f32 }
  slot: { shape: [t, k], dtype: i32 }
  y: { shape: [t, k, d], dtype: f32, access: out }
  m: { shape: [rows, k], dtype: f32, access: out }
formula: |
  v = x + w
  y = v
  m[rows: slot] = max[d](v)
`,
      'both.yaml',
    );
    const variant = variantOf(
      spec,
      { dims: { k: 4, d: 128 }, types: {}, flags: {} },
      'sm90',
      'prefill',
      false,
    );
    const { kernel } = renderVariant(variant, spec, {});
    expect(kernel.sections.some(({ axes }) => axes.some(({ walked }) => walked))).toBe(false);
  });

  test('once a place where its vectors are no power of two and no whole warps', () => {
    expect(move(264, 5)).toContain('tokens * 5');
    expect(move(96, 5)).toContain('tokens * 5');
    expect(move(256, 5)).toContain('range_constexpr(5)');
  });
});

describe('reductions that end together', () => {
  test('have one barrier: the scale of a row leaves the largest magnitude', () => {
    const text = kernelText(render('add_rms_norm_quant_fp8'));
    expect(count(text, 'sync_threads')).toBe(1);
    expect(text).toMatch(/if thread % 32 == 0:\n +s_sum\[.*\n +s_max_\[/);
    expect(count(kernelText(render('rms_norm_quant_fp8')), 'sync_threads')).toBe(1);
  });

  const scaled = (formula: string): string =>
    kernelText(
      render(
        parseSpec(
          `
kernel: scaled
doc: A maximum of scaled elements.
tolerance: { ulp: 8, reason: the order of the sum }
dims: { tokens: dynamic, hidden: static }
tensors:
  x: { shape: [tokens, hidden], dtype: f32 }
  out: { shape: [tokens], dtype: f32, access: out }
formula: |
  s = rsqrt(sum[hidden](x * x))
  out = ${formula}
`,
          's.yaml',
        ),
      ),
    );

  test('where the maximum is one of magnitudes of products', () => {
    expect(count(scaled('max[hidden](abs(x * s))'), 'sync_threads')).toBe(1);
    expect(count(scaled('max[hidden](abs(s * x * x))'), 'sync_threads')).toBe(1);
    // The sign of a scale could turn a maximum into a minimum; a sum does not scale.
    expect(count(scaled('max[hidden](x * s)'), 'sync_threads')).toBe(2);
    expect(count(scaled('max[hidden](abs(x + s))'), 'sync_threads')).toBe(2);
  });
});

describe('gathered rows', () => {
  test('are in flight together, without a condition, where the gathered dimension is not empty', () => {
    const text = kernelText(render('moe_combine'));
    expect(text).toMatch(/top_k_rest = .*rows > 0, Int32\(8\), Int32\(0\)/);
    expect(text).toContain('in cutlass.range(0, top_k_rest, 8):');
    expect(count(text, '& index_mask(slot')).toBe(8);
    expect(count(text, 'masked(Int32(index_mask(slot')).toBe(8);
    const [fast, careful] = text.split('in cutlass.range(top_k_rest, 8, 1') as [string, string];
    expect(fast).not.toContain('if Int64(');
    expect(careful).toContain('if Int64(');
    // Indices, then rows, then sums.
    expect(fast.lastIndexOf('= g_slot')).toBeLessThan(fast.indexOf('x = g_x['));
    expect(fast.lastIndexOf('= g_x_7[')).toBeLessThan(fast.indexOf('r_y[None].store('));
  });

  test('as many as a schedule says', () => {
    expect(kernelText(render('moe_combine', { steps: 4 }))).toContain('range(0, top_k_rest, 4):');
    expect(kernelText(render('moe_combine', { steps: 1 }))).not.toContain('top_k_rest');
    expect(render('rms_norm', { steps: 4 }).kernel.schedule!.steps).toBeUndefined();
  });
});

describe('cache hints', () => {
  test('are for what a row alone touches', () => {
    const text = kernelText(render('add_rms_norm', { streams: 'all' }));
    expect(count(text, 'load_hinted(g_x[')).toBe(1);
    expect(count(text, 'load_hinted(g_residual[')).toBe(1);
    expect(count(text, 'store_hinted(g_residual[')).toBe(1);
    expect(count(text, 'store_hinted(g_out[')).toBe(1);
    expect(text).toContain('g_weight[thread, None, tile].load()');
    const gather = kernelText(render('embedding', { streams: 'all' }));
    expect([count(gather, 'load_hinted('), count(gather, 'store_hinted(')]).toEqual([0, 1]);
  });

  test('of loads, of stores, past the L1, or none', () => {
    const hints = (schedule: ScheduleOverride) => {
      const text = kernelText(render('rms_norm', schedule));
      return ['EVICT_FIRST', 'NO_ALLOCATE'].map((hint) => count(text, hint));
    };
    expect(hints({})).toEqual([0, 0]);
    expect(hints({ streams: 'loads' })).toEqual([1, 0]);
    expect(hints({ streams: 'stores' })).toEqual([1, 0]);
    expect(hints({ streams: 'all' })).toEqual([2, 0]);
    expect(hints({ streams: 'no-allocate' })).toEqual([1, 1]);
  });
});

describe('before the wait for the previous kernel', () => {
  const lines = (
    kernel: string,
    ahead?: ScheduleOverride['ahead'],
    phase: 'decode' | 'prefill' = 'decode',
  ) => {
    const spec = library.get(kernel)!;
    const variant = variantOf(spec, bindingsOf(spec, SIZES)[0]!, 'sm90', phase, true);
    const { text } = renderVariant(ahead ? { ...variant, schedule: { ahead } } : variant, spec).module;
    const [before, after] = text.slice(text.indexOf('@cute.kernel')).split('griddepcontrol_wait()');
    return { before: before!, after: after! };
  };

  test.each([
    ['many rows', undefined, 'prefill'],
    ['few, of a schedule that says so', 'none', 'decode'],
  ] as const)('weights alone are touched: %s', (_, ahead, phase) => {
    const { before, after } = lines('add_rms_norm', ahead, phase);
    expect(before).toMatch(/g_weight\[.*\.load\(\)/);
    expect(before).not.toMatch(/prefetch|launch_dependents|g_residual/);
    expect(after).toContain('griddepcontrol_launch_dependents()');
  });

  test('of few rows the inputs are asked for, and the next kernel may start', () => {
    expect(lines('add_rms_norm')).toEqual(lines('add_rms_norm', 'both'));
  });

  test('what counts, selects or takes a whole cluster waits first', () => {
    for (const kernel of ['moe_route', 'moe_permute']) expect(lines(kernel)).toEqual(lines(kernel, 'none'));
  });

  test('inputs are asked for and not loaded', () => {
    const { before, after } = lines('add_rms_norm', 'prefetch');
    expect(before).toContain('prefetch_l2(g_x[thread, None])');
    expect(before).toContain('prefetch_l2(g_residual[thread, None])');
    expect(before).not.toMatch(/g_x\[.*load|g_residual\[.*load|launch_dependents/);
    expect(after).toContain('g_x[thread, None].load()');
    expect(after).not.toContain('prefetch');
  });

  test('but not what an index in memory chooses', () => {
    const { before } = lines('qk_norm_rope_cache', 'prefetch');
    expect(before).toContain('prefetch_l2(g_qkv[');
    expect(before).not.toMatch(/prefetch_l2\(g_cos_sin|g_position\[/);
  });

  test('the next kernel may start', () => {
    expect(lines('add_rms_norm', 'signal').before).toContain('griddepcontrol_launch_dependents()');
    expect(lines('add_rms_norm', 'signal').before).not.toContain('prefetch');
    expect(lines('add_rms_norm', 'both').before).toMatch(/launch_dependents\(\)[^]*prefetch_l2/);
    expect(lines('add_rms_norm', 'both').after).not.toContain('launch_dependents()');
  });
});

test('registers for loads are asked for where a schedule says so', () => {
  expect(render('rms_norm').module.text).not.toContain('min_blocks_per_mp');
  expect(render('rms_norm', { minBlocks: 1 }).module.text).toContain('min_blocks_per_mp=1');
  expect(render('moe_combine', { minBlocks: 0 }).module.text).not.toContain('min_blocks_per_mp');
});

test.each([
  [{ threads: 256 }, 224],
  [{ threads: 512 }, 448],
  [{ threadsPerRow: 128, threads: 256 }, 224],
])('rows of several lane axes get threads that all of them share: %j', (schedule, threads) => {
  const spec = library.get('add_rms_norm_quant_fp8_block')!;
  const [binding] = bindingsOf(spec, { hidden: 7168 });
  const variant = variantOf(spec, binding!, 'sm90', 'prefill');
  const { kernel } = renderVariant({ ...variant, schedule }, spec);
  expect(kernel.schedule!.threads).toBe(threads);
});
