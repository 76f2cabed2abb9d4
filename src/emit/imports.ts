/** What a rendered module imports and which helper functions it defines: collected by use, rendered sorted. */

import type { Dtype } from '../spec/index.js';

/** The DSL's names of the dtypes; a bool is one byte in memory. */
export const DSL_TYPES: Readonly<Record<Dtype, string>> = {
  f32: 'Float32',
  bf16: 'BFloat16',
  f16: 'Float16',
  e4m3: 'Float8E4M3FN',
  e5m2: 'Float8E5M2',
  i8: 'Int8',
  i32: 'Int32',
  i64: 'Int64',
  u8: 'Uint8',
  bool: 'Uint8',
};

export type Helper =
  | 'order_key'
  | 'order_keys'
  | 'random_bits'
  | 'gap_bin'
  | 'gap_key'
  | 'gather_list'
  | 'key_number'
  | 'row_total'
  | 'search_bins'
  | 'share_of'
  | 'shift_bits'
  | 'placed_key'
  | 'reduce_sum'
  | 'reduce_max'
  | 'reduce_min'
  | 'largest_of'
  | 'least_of'
  | 'fold_sum'
  | 'fold_max'
  | 'fold_min'
  | 'iota'
  | 'same_lanes'
  | 'count_below'
  | 'warp_scan'
  | 'refined_rcp'
  | 'refined_rsqrt'
  | 'index_mask'
  | 'masked'
  | 'prefetch_l2'
  | 'load_hinted'
  | 'store_hinted';

export class Imports {
  private readonly symbols = new Set<string>();
  private readonly helpers = new Set<Helper>();

  /** A symbol of the `cutlass` package. */
  use(symbol: string): string {
    this.symbols.add(symbol);
    return symbol;
  }

  type(dtype: Dtype): string {
    return this.use(DSL_TYPES[dtype]);
  }

  helper(name: Helper): Helper {
    this.helpers.add(name);
    return name;
  }

  get sortedSymbols(): readonly string[] {
    return [...this.symbols].sort();
  }

  get usedHelpers(): readonly Helper[] {
    return [...this.helpers].sort();
  }
}
