/** Small functions that a rendered module defines when its body uses them. */

import type { Helper, Imports } from './imports.js';
import {
  gapBin,
  gapKey,
  gatherList,
  keyNumber,
  randomBits,
  rowTotal,
  searchBins,
  shareOf,
} from './sampling-helpers.js';

/**
 * One Newton step after an approximate instruction: what is a scalar of a row costs nothing to have right, and is as good
 * as correctly rounded then on every device.
 */
const REFINED: Readonly<
  Partial<Record<Helper, { readonly why: string; readonly start: string; readonly better: string }>>
> = {
  refined_rcp: {
    why: 'rcp.approx is up to 1 unit of the last place off',
    start: 'cute.math.rcp(x, approx=True)',
    better: 'cute.math.fma(y, cute.math.fma(-x, y, Float32(1.0)), y)',
  },
  refined_rsqrt: {
    why: 'rsqrt.approx is up to 2 units of the last place off',
    start: 'cute.math.rsqrt(x)',
    better: 'cute.math.fma(0.5 * y, cute.math.fma(-(x * y), y, Float32(1.0)), y)',
  },
};

const COMBINE: Readonly<Partial<Record<Helper, string>>> = {
  reduce_sum: 'value + other',
  reduce_max: 'cute.math.max(value, other, propagate_nan=True)',
  reduce_min: 'cute.math.min(value, other, propagate_nan=True)',
  largest_of: 'cute.math.max(value, other)',
  least_of: 'cute.math.min(value, other)',
};

const FOLD: Readonly<Partial<Record<Helper, string>>> = {
  fold_sum: 'parts[i] + parts[i + half]',
  fold_max: 'cute.math.max(parts[i], parts[i + half], propagate_nan=True)',
  fold_min: 'cute.math.min(parts[i], parts[i + half], propagate_nan=True)',
};

export function helperSource(helper: Helper, imports: Imports): string {
  if (helper === 'iota') {
    return [
      '@cute.jit',
      'def iota(count: cutlass.Constexpr, dtype: cutlass.Constexpr):',
      '    # 0, 1, ... count - 1',
      '    positions = cute.make_rmem_tensor((count,), dtype)',
      '    for i in cutlass.range_constexpr(count):',
      '        positions[i] = dtype(i)',
      '    return positions.load()',
    ].join('\n');
  }
  if (helper === 'load_hinted') {
    return [
      '@cute.jit',
      'def load_hinted(view: cute.Tensor, priority: cutlass.Constexpr):',
      '    values = cute.make_rmem_tensor_like(view)',
      '    cute.autovec_copy(view, values, l1c_evict_priority=priority)',
      '    return values.load()',
    ].join('\n');
  }
  if (helper === 'prefetch_l2') {
    return [
      '@cute.jit',
      'def prefetch_l2(view: cute.Tensor):',
      '    cute.arch.prefetch(view.iterator.llvm_ptr, cache_level="L2")',
    ].join('\n');
  }
  if (helper === 'index_mask') {
    return [
      '@cute.jit',
      'def index_mask(index, extent, bits: cutlass.Constexpr):',
      '    # all ones where 0 <= index < extent, else 0; arithmetic, as conditions would keep loads apart',
      '    return ((index - extent) & ~index) >> (bits - 1)',
    ].join('\n');
  }
  if (helper === 'masked') {
    const i32 = imports.type('i32');
    return [
      '@cute.jit',
      `def masked(mask: ${i32}, values: cute.TensorSSA):`,
      '    kept = cute.make_rmem_tensor(values.shape, values.dtype)',
      '    kept.store(values)',
      `    words = cute.recast_tensor(kept, ${i32})`,
      '    for i in cutlass.range_constexpr(cute.size(words)):',
      '        words[i] = words[i] & mask',
      '    return kept.load()',
    ].join('\n');
  }
  if (helper === 'store_hinted') {
    return [
      '@cute.jit',
      'def store_hinted(view: cute.Tensor, value: cute.TensorSSA, priority: cutlass.Constexpr):',
      '    values = cute.make_rmem_tensor_like(view)',
      '    values.store(value)',
      '    cute.autovec_copy(values, view, l1c_evict_priority=priority)',
    ].join('\n');
  }
  const f32 = imports.type('f32');
  if (helper === 'order_key') {
    const i32 = imports.type('i32');
    return [
      '@cute.jit',
      `def order_key(value: ${f32}, ascending: cutlass.Constexpr) -> ${i32}:`,
      '    # an integer of the same order: NaN above every number, -0 as 0',
      `    bits = (value + ${f32}(0.0)).bitcast(${i32})`,
      '    key = bits ^ ((bits >> 31) & 0x7FFFFFFF)',
      `    key = ${i32}(cutlass.select_(value == value, key, ${i32}(0x7FC00000)))`,
      '    if cutlass.const_expr(ascending):',
      '        key = key ^ -1',
      '    return key',
    ].join('\n');
  }
  if (helper === 'placed_key') {
    const i32 = imports.type('i32');
    return [
      '@cute.jit',
      `def placed_key(value: ${f32}, position: ${i32}, ascending: cutlass.Constexpr) -> ${i32}:`,
      '    # the high half of the key of a value that bf16 holds; below it the position, lower ones larger',
      '    return (order_key(value, ascending) & -65536) | (65535 - position)',
    ].join('\n');
  }
  if (helper === 'same_lanes') {
    const i32 = imports.type('i32');
    return [
      '@cute.jit',
      `def same_lanes(value: ${i32}) -> ${i32}:`,
      '    # mask of the lanes of the warp with the same value',
      `    return ${i32}(cute.arch.match_sync(-1, value))`,
    ].join('\n');
  }
  if (helper === 'count_below') {
    const i32 = imports.type('i32');
    return [
      '@cute.jit',
      `def count_below(lanes: ${i32}) -> ${i32}:`,
      '    # how many lanes of a mask come before this one',
      `    return cute.arch.popc(lanes & ((${i32}(1) << cute.arch.lane_idx()) - 1))`,
    ].join('\n');
  }
  if (helper === 'warp_scan') {
    const i32 = imports.type('i32');
    return [
      '@cute.jit',
      `def warp_scan(value: ${i32}) -> ${i32}:`,
      '    # sum over the lanes of the warp up to this one',
      '    for i in cutlass.range_constexpr(5):',
      '        other = cute.arch.shuffle_sync_up(value, offset=1 << i)',
      '        if cute.arch.lane_idx() >= (1 << i):',
      '            value = value + other',
      '    return value',
    ].join('\n');
  }
  const fold = FOLD[helper];
  if (fold !== undefined) {
    return [
      '@cute.jit',
      `def ${helper}(values: cute.TensorSSA, count: cutlass.Constexpr):`,
      '    # the second half on the first, again and again: a tree has fewer steps in a row than a chain',
      '    parts = cute.make_rmem_tensor((count,), values.dtype)',
      '    parts.store(values)',
      '    while cutlass.const_expr(count > 1):',
      '        half = (count + 1) // 2',
      '        for i in cutlass.range_constexpr(count - half):',
      `            parts[i] = ${fold}`,
      '        count = half',
      '    return parts[0]',
    ].join('\n');
  }
  if (helper === 'random_bits') return randomBits(imports);
  if (helper === 'key_number') return keyNumber(imports);
  if (helper === 'gap_bin') return gapBin(imports);
  if (helper === 'gap_key') return gapKey(imports);
  if (helper === 'gather_list') return gatherList(imports);
  if (helper === 'row_total') return rowTotal(imports);
  if (helper === 'search_bins') return searchBins(imports);
  if (helper === 'share_of') return shareOf(imports);
  if (helper === 'order_keys') {
    return [
      '@cute.jit',
      'def order_keys(values, ascending: cutlass.Constexpr, count: cutlass.Constexpr):',
      `    elements = cute.make_rmem_tensor((count,), ${f32})`,
      '    elements.store(values)',
      `    keys = cute.make_rmem_tensor((count,), ${imports.type('i32')})`,
      '    for i in cutlass.range_constexpr(count):',
      '        keys[i] = order_key(elements[i], ascending)',
      '    return keys.load()',
    ].join('\n');
  }
  if (helper === 'shift_bits') {
    return [
      '@cute.jit',
      'def shift_bits(values, counts, dtype: cutlass.Constexpr, left: cutlass.Constexpr, size: cutlass.Constexpr):',
      '    elements = cute.make_rmem_tensor((size,), dtype)',
      '    steps = cute.make_rmem_tensor((size,), dtype)',
      '    elements.store(values)',
      '    steps.store(counts)',
      '    for i in cutlass.range_constexpr(size):',
      '        elements[i] = elements[i] << steps[i] if cutlass.const_expr(left) else elements[i] >> steps[i]',
      '    return elements.load()',
    ].join('\n');
  }
  const refined = REFINED[helper];
  if (refined) {
    return [
      '@cute.jit',
      `def ${helper}(x: ${f32}) -> ${f32}:`,
      `    # ${refined.why}`,
      `    y = ${refined.start}`,
      `    better = ${refined.better}`,
      '    # 0 and infinity have no better one',
      '    return better if better == better else y',
    ].join('\n');
  }
  const type = helper === 'largest_of' || helper === 'least_of' ? imports.type('i32') : f32;
  return [
    '@cute.jit',
    `def ${helper}(value: ${type}, threads: cutlass.Constexpr, stride: cutlass.Constexpr) -> ${type}:`,
    '    # butterfly over groups of `threads` lanes of a warp, `stride` lanes apart',
    '    offset = threads * stride // 2',
    '    while cutlass.const_expr(offset >= stride):',
    '        other = cute.arch.shuffle_sync_bfly(value, offset=offset)',
    `        value = ${COMBINE[helper]}`,
    '        offset = offset // 2',
    '    return value',
  ].join('\n');
}
