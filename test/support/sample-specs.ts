/** Kernels that the library does not have, from ten-odd lines each. */

export const GATED_NORM = `
kernel: my_gated_norm
doc: RMSNorm times a sigmoid gate.
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

export const SAMPLES = { GATED_NORM, SOFT_CAP, MASKED_SOFTMAX, INT8_ROWS, INTERLEAVED_ROPE, RAGGED_MAX };
