/** Small functions that a rendered module defines when its body uses them. */

import type { Helper, Imports } from './imports.js';

const COMBINE: Readonly<Record<'reduce_sum' | 'reduce_max' | 'reduce_min', string>> = {
  reduce_sum: 'value + other',
  reduce_max: 'cute.math.max(value, other, propagate_nan=True)',
  reduce_min: 'cute.math.min(value, other, propagate_nan=True)',
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
  const f32 = imports.type('f32');
  return [
    '@cute.jit',
    `def ${helper}(value: ${f32}, threads: cutlass.Constexpr, stride: cutlass.Constexpr) -> ${f32}:`,
    '    # butterfly over groups of `threads` lanes of a warp, `stride` lanes apart',
    '    offset = threads * stride // 2',
    '    while cutlass.const_expr(offset >= stride):',
    '        other = cute.arch.shuffle_sync_bfly(value, offset=offset)',
    `        value = ${COMBINE[helper]}`,
    '        offset = offset // 2',
    '    return value',
  ].join('\n');
}
