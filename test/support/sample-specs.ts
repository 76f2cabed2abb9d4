/** Kernels that the library does not have, from ten-odd lines each. */

export const GATED_NORM = `
kernel: my_gated_norm
doc: RMSNorm times a sigmoid gate.
tolerance: { ulp: 4, reason: the order of the sum }
dims: { tokens: dynamic, hidden: static }
types: { T: [bf16, f16] }
params: { eps: f32 }
tensors:
  x: { shape: [tokens, hidden], dtype: T }
  gate: { shape: [tokens, hidden], dtype: T }
  weight: { shape: [hidden], dtype: f32 }
  out: { shape: [tokens, hidden], dtype: T, access: out }
formula: |
  h = f32(x)
  out = T(h * rsqrt(mean[hidden](h * h) + eps) * weight * sigmoid(f32(gate)))
`;

export const SOFT_CAP = `
kernel: soft_cap
doc: Caps logits smoothly.
tolerance: { ulp: 4, reason: the hyperbolic tangent of the hardware library }
dims: { rows: dynamic, cols: static }
types: { T: [bf16, f32] }
params: { cap: f32 }
tensors:
  x: { shape: [rows, cols], dtype: T }
  out: { shape: [rows, cols], dtype: f32, access: out }
formula: |
  out = tanh(f32(x) / cap) * cap
`;

export const MASKED_SOFTMAX = `
kernel: masked_softmax
doc: Softmax of the elements that a mask lets through.
tolerance: { ulp: 32, reason: the rounding of an exponential's argument }
dims: { rows: dynamic, cols: static }
types: { T: [bf16, f32] }
tensors:
  x: { shape: [rows, cols], dtype: T }
  mask: { shape: [rows, cols], dtype: bool }
  out: { shape: [rows, cols], dtype: T, access: out }
formula: |
  h = select(mask, f32(x), -1.0e30)
  e = exp(h - max[cols](h))
  out = T(e / sum[cols](e))
`;

export const INT8_ROWS = `
kernel: int8_rows
doc: Symmetric int8 quantisation of rows, with a scale each.
tolerance: { ulp: 2, reason: a product with a rounded reciprocal }
dims: { tokens: dynamic, hidden: static }
types: { T: [bf16, f16, f32] }
tensors:
  x: { shape: [tokens, hidden], dtype: T, strides: [dynamic, 1] }
  q: { shape: [tokens, hidden], dtype: i8, access: out }
  scale: { shape: [tokens], dtype: f32, access: out }
formula: |
  h = f32(x)
  s = max(max[hidden](abs(h)) / 127.0, 1.0e-9)
  scale = s
  q = i8.rn.sat(h / s)
`;

export const INTERLEAVED_ROPE = `
kernel: interleaved_rope
doc: Rotary embedding of neighbouring pairs.
tolerance: { ulp: 65536, reason: the two terms of a rotation may cancel }
dims: { tokens: dynamic, heads: static, half: static, two: 2 }
types: { T: [bf16] }
tensors:
  x: { shape: [tokens, heads, two*half], dtype: T }
  cosines: { shape: [tokens, half], dtype: f32 }
  sines: { shape: [tokens, half], dtype: f32 }
  out: { shape: [tokens, heads, two*half], dtype: T, access: out }
formula: |
  h = f32(x)
  out = T(h * cosines + select(index(two) == 0, -h[two: 1 - two], h[two: 1 - two]) * sines)
`;

export const RAGGED_MAX = `
kernel: ragged_max
doc: Largest element of each sequence, by column.
dims: { tokens: dynamic, sequences: dynamic, hidden: static }
types: { T: [bf16] }
tensors:
  x: { shape: [tokens, hidden], dtype: T }
  offsets: { shape: [sequences+1], dtype: i64 }
  out: { shape: [sequences, hidden], dtype: f32, access: out }
formula: |
  out = max[tokens in offsets](f32(x))
`;

export const DYNAMIC_SOFTMAX = `
kernel: dynamic_softmax
doc: Softmax of rows whose length is known only at launch.
tolerance: { ulp: 32, reason: the rounding of an exponential's argument }
dims: { rows: dynamic, cols: dynamic }
types: { T: [bf16, f32] }
tensors:
  x: { shape: [rows, cols], dtype: T }
  out: { shape: [rows, cols], dtype: T, access: out }
formula: |
  h = f32(x)
  e = exp(h - max[cols](h))
  out = T(e / sum[cols](e))
`;

export const COLUMN_MEAN = `
kernel: column_mean
doc: Mean of each column of a group, and of the whole group.
tolerance: { ulp: 65536, reason: terms of both signs cancel }
dims: { groups: dynamic, rows: dynamic, cols: static }
types: { T: [bf16, f32] }
tensors:
  x: { shape: [groups, rows, cols], dtype: T }
  out: { shape: [groups, cols], dtype: f32, access: out }
  whole: { shape: [groups], dtype: f32, access: out }
formula: |
  h = f32(x)
  out = mean[rows](h)
  whole = mean[rows](mean[cols](h))
`;

export const STRIDED_NORM = `
kernel: strided_norm
doc: RMSNorm of rows that lie apart, of a length that no vector divides.
tolerance: { ulp: 4, reason: the order of the sum }
dims: { tokens: dynamic, hidden: static }
types: { T: [bf16, f16] }
params: { eps: f32 }
tensors:
  x: { shape: [tokens, hidden], dtype: T, strides: [dynamic, 1] }
  weight: { shape: [hidden], dtype: T }
  out: { shape: [tokens, hidden], dtype: T, strides: [dynamic, 1], access: out }
formula: |
  h = f32(x)
  out = T(h * rsqrt(mean[hidden](h * h) + eps) * f32(weight))
`;

export const COLUMN_GATHER = `
kernel: column_gather
doc: Columns in another order, those of no place and those below a threshold left out.
dims: { rows: dynamic, cols: static, source: static }
types: { T: [bf16, f32] }
params: { least: f32 }
tensors:
  x: { shape: [rows, source], dtype: T }
  order: { shape: [cols], dtype: i32 }
  out: { shape: [rows, cols], dtype: T, access: inout }
formula: |
  h = f32(x[source: order])
  out = T(h) where h >= least
`;

export const COLUMN_SCATTER = `
kernel: column_scatter
doc: Each element to a column of its own.
dims: { rows: dynamic, cols: static, target: static }
types: { T: [bf16, f32] }
tensors:
  x: { shape: [rows, cols], dtype: T }
  place: { shape: [rows, cols], dtype: i64 }
  out: { shape: [rows, target], dtype: T, access: inout }
formula: |
  out[target: place] = x
`;

export const REVERSED = `
kernel: reversed
doc: Rows from back to front, alone and mixed with the row itself.
tolerance: { ulp: 65536, reason: terms of both signs cancel }
dims: { rows: dynamic, cols: 250 }
types: { T: [bf16, f32] }
tensors:
  x: { shape: [rows, cols], dtype: T }
  out: { shape: [rows, cols], dtype: T, access: out }
  mixed: { shape: [rows, cols], dtype: T, access: out }
formula: |
  h = tanh(f32(x))
  out = T(h[cols: 249 - cols])
  mixed = T(h[cols: 249 - cols] / (sum[cols](h * h) + 1.0) + h)
`;

export const EMBEDDING_BAG = `
kernel: embedding_bag
doc: Sum of the table rows that each bag names.
tolerance: { ulp: 65536, reason: terms of both signs cancel }
dims: { tokens: dynamic, bags: dynamic, vocab: dynamic, hidden: static }
types: { T: [bf16, f32] }
tensors:
  ids: { shape: [tokens], dtype: i32 }
  offsets: { shape: [bags+1], dtype: i32 }
  table: { shape: [vocab, hidden], dtype: T }
  out: { shape: [bags, hidden], dtype: T, access: out }
formula: |
  out = T(sum[tokens in offsets](f32(table[vocab: ids])))
`;

export const CUT_GATHER = `
kernel: cut_gather
doc: Copies the first heads of a row, and one of the others by its number.
dims: { tokens: dynamic, ah: 3, bh: 5, head: static, heads: { sections: { a: ah, b: bh } } }
types: { T: [bf16, f32] }
tensors:
  ids: { shape: [tokens], dtype: i32 }
  x: { shape: [tokens, heads, head], dtype: T }
  first: { shape: [tokens, ah, head], dtype: T, access: out }
  one: { shape: [tokens, head], dtype: T, access: out }
formula:
  a: |
    first = x
  b: |
    one = x[bh: ids]
`;

export const WEIGHTED_NORM = `
kernel: weighted_norm
doc: The weighted sum of the rows of a page, normalised.
tolerance: { ulp: 65536, reason: terms of both signs may cancel }
dims: { tokens: dynamic, page: static, hidden: static }
types: { T: [bf16, f32] }
params: { eps: f32 }
tensors:
  x: { shape: [tokens, page, hidden], dtype: T }
  weight: { shape: [tokens, page], dtype: f32 }
  out: { shape: [tokens, hidden], dtype: T, access: out }
formula: |
  y = sum[page](weight * f32(x))
  out = T(y * rsqrt(mean[hidden](y * y) + eps))
`;

export const GATHERED_SUM = `
kernel: gathered_sum
doc: The weighted sum of rows of a table, whose numbers a page holds.
tolerance: { ulp: 65536, reason: terms of both signs may cancel }
dims: { tokens: dynamic, vocab: dynamic, page: static, hidden: static }
types: { T: [bf16, f32] }
tensors:
  table: { shape: [vocab, hidden], dtype: T }
  ids: { shape: [tokens, page], dtype: i32 }
  weight: { shape: [tokens, page], dtype: f32 }
  out: { shape: [tokens, hidden], dtype: T, access: out }
formula: |
  out = T(sum[page](weight * f32(table[vocab: ids])))
`;

export const SAMPLES = {
  GATED_NORM,
  SOFT_CAP,
  MASKED_SOFTMAX,
  INT8_ROWS,
  INTERLEAVED_ROPE,
  RAGGED_MAX,
  DYNAMIC_SOFTMAX,
  COLUMN_MEAN,
  STRIDED_NORM,
  COLUMN_GATHER,
  COLUMN_SCATTER,
  REVERSED,
  EMBEDDING_BAG,
  CUT_GATHER,
  WEIGHTED_NORM,
  GATHERED_SUM,
};
