"""Triton kernels over rows: norms, softmax, quantisation with a scale a row. A program keeps ROWS whole rows in registers.

`row` is widened to 64 bits before it becomes an address. N, the length of a row, and LENGTH, the power of 2 that holds it,
are constants. With PDL a program waits for the kernel before it only once its addresses and weights are there.
"""

import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

LEAST_SCALE: tl.constexpr = tl.constexpr(1e-12)


@triton.jit
def tile(rows, N: tl.constexpr, LENGTH: tl.constexpr, ROWS: tl.constexpr):
    """Rows, columns and mask of a program's tile of ROWS x LENGTH elements."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    col = tl.arange(0, LENGTH)
    mask = (row < rows)[:, None] & (col < N)[None, :]
    return row, col, mask


@triton.jit
def begin(PDL: tl.constexpr):
    if PDL:
        gdc_wait()
        gdc_launch_dependents()


@triton.jit
def store_quantised(y, out, scale, row, col, mask, rows, N: tl.constexpr, LENGTH: tl.constexpr, ROWS: tl.constexpr,
                    BY: tl.constexpr, LIMIT: tl.constexpr):
    """y (ROWS x LENGTH, f32, 0 outside the mask) with a scale for each BY elements, or for each row where BY is 0."""
    at = row.to(tl.int64)[:, None] * N + col[None, :]
    if BY == 0:
        s = tl.maximum(tl.max(tl.abs(y), 1) * (1.0 / LIMIT), LEAST_SCALE)
        tl.store(scale + row, s, mask=row < rows)
        z = y * (1.0 / s)[:, None]
    else:
        blocks = tl.reshape(y, (ROWS, LENGTH // BY, BY))
        s = tl.maximum(tl.max(tl.abs(blocks), 2) * (1.0 / LIMIT), LEAST_SCALE)
        block = tl.arange(0, LENGTH // BY)
        s_at = row.to(tl.int64)[:, None] * (N // BY) + block[None, :]
        tl.store(scale + s_at, s, mask=(row < rows)[:, None] & (block < N // BY)[None, :])
        z = tl.reshape(blocks * (1.0 / s)[:, :, None], (ROWS, LENGTH))
    if LIMIT == 127:
        # Adding and taking off 1.5 * 2^23 rounds to the nearest integer, ties to even.
        z = (z + 12582912.0) - 12582912.0
    tl.store(out + at, z.to(out.dtype.element_ty), mask=mask, eviction_policy="evict_first")


@triton.jit(do_not_specialize=["rows"])
def rms_kernel(x, residual, weight, gate, out, scale, rows, eps, N: tl.constexpr, LENGTH: tl.constexpr, ROWS: tl.constexpr,
               ADD: tl.constexpr, GATED: tl.constexpr, OFFSET: tl.constexpr, QUANTISED: tl.constexpr, BY: tl.constexpr,
               PDL: tl.constexpr):
    row, col, mask = tile(rows, N, LENGTH, ROWS)
    at = row.to(tl.int64)[:, None] * N + col[None, :]
    w = tl.load(weight + col, mask=col < N, other=0.0, eviction_policy="evict_last").to(tl.float32) + OFFSET
    begin(PDL)
    h = tl.load(x + at, mask=mask, other=0.0, eviction_policy="evict_first").to(tl.float32)
    if ADD:
        h += tl.load(residual + at, mask=mask, other=0.0).to(tl.float32)
        tl.store(residual + at, h.to(residual.dtype.element_ty), mask=mask)
    r = tl.rsqrt(tl.sum(h * h, 1) * (1.0 / N) + eps)
    y = h * r[:, None] * w[None, :]
    if GATED:
        g = tl.load(gate + at, mask=mask, other=0.0, eviction_policy="evict_first").to(tl.float32)
        y *= g * tl.sigmoid(g)
    if QUANTISED:
        store_quantised(y, out, scale, row, col, mask, rows, N, LENGTH, ROWS, BY, 448)
    else:
        tl.store(out + at, y.to(out.dtype.element_ty), mask=mask, eviction_policy="evict_first")


@triton.jit(do_not_specialize=["rows"])
def layer_norm_kernel(x, weight, shift, out, rows, eps, N: tl.constexpr, LENGTH: tl.constexpr, ROWS: tl.constexpr,
                      SHIFT: tl.constexpr, PDL: tl.constexpr):
    row, col, mask = tile(rows, N, LENGTH, ROWS)
    at = row.to(tl.int64)[:, None] * N + col[None, :]
    w = tl.load(weight + col, mask=col < N, other=0.0, eviction_policy="evict_last").to(tl.float32)
    if SHIFT:
        b = tl.load(shift + col, mask=col < N, other=0.0, eviction_policy="evict_last").to(tl.float32)
    begin(PDL)
    h = tl.load(x + at, mask=mask, other=0.0, eviction_policy="evict_first").to(tl.float32)
    mean = tl.sum(h, 1) * (1.0 / N)
    centred = tl.where(mask, h - mean[:, None], 0.0)
    r = tl.rsqrt(tl.sum(centred * centred, 1) * (1.0 / N) + eps)
    y = centred * r[:, None] * w[None, :]
    if SHIFT:
        y += b[None, :]
    tl.store(out + at, y.to(out.dtype.element_ty), mask=mask, eviction_policy="evict_first")


@triton.jit(do_not_specialize=["rows"])
def softmax_kernel(x, out, rows, N: tl.constexpr, LENGTH: tl.constexpr, ROWS: tl.constexpr, PDL: tl.constexpr):
    row, col, mask = tile(rows, N, LENGTH, ROWS)
    at = row.to(tl.int64)[:, None] * N + col[None, :]
    begin(PDL)
    h = tl.load(x + at, mask=mask, other=float("-inf"), eviction_policy="evict_first").to(tl.float32)
    # A row past the last one has nothing in it: 0 keeps it from -inf - -inf.
    top = tl.where(row < rows, tl.max(h, 1), 0.0)
    e = tl.exp(h - top[:, None])
    y = e * (1.0 / tl.sum(e, 1))[:, None]
    tl.store(out + at, y.to(out.dtype.element_ty), mask=mask, eviction_policy="evict_first")


@triton.jit
def softmax_loop_kernel(x, out, N: tl.constexpr, LENGTH: tl.constexpr, PDL: tl.constexpr):
    """A row too long for registers: one pass for its maximum and sum, LENGTH at a time, and one that writes."""
    start = tl.program_id(0).to(tl.int64) * N
    begin(PDL)
    top = tl.full((LENGTH,), float("-inf"), tl.float32)
    total = tl.zeros((LENGTH,), tl.float32)
    for first in tl.range(0, N, LENGTH):
        col = first + tl.arange(0, LENGTH)
        h = tl.load(x + start + col, mask=col < N, other=float("-inf"), eviction_policy="evict_last").to(tl.float32)
        higher = tl.maximum(top, h)
        # A lane that has seen nothing yet has -inf for its maximum, and nothing to scale.
        kept = tl.where(top == float("-inf"), 0.0, total * tl.exp(top - higher))
        total = kept + tl.where(h == float("-inf"), 0.0, tl.exp(h - higher))
        top = higher
    highest = tl.max(top, 0)
    inverse = 1.0 / tl.sum(tl.where(top == float("-inf"), 0.0, total * tl.exp(top - highest)), 0)
    for first in tl.range(0, N, LENGTH):
        col = first + tl.arange(0, LENGTH)
        h = tl.load(x + start + col, mask=col < N, other=float("-inf"), eviction_policy="evict_first").to(tl.float32)
        y = tl.exp(h - highest) * inverse
        tl.store(out + start + col, y.to(out.dtype.element_ty), mask=col < N, eviction_policy="evict_first")


@triton.jit(do_not_specialize=["rows"])
def quant_kernel(x, out, scale, rows, N: tl.constexpr, LENGTH: tl.constexpr, ROWS: tl.constexpr, GATE: tl.constexpr,
                 BY: tl.constexpr, LIMIT: tl.constexpr, PDL: tl.constexpr):
    """A scale a row, or BY elements, of x; with GATE, of silu(first half) * second half of a row of 2 N."""
    row, col, mask = tile(rows, N, LENGTH, ROWS)
    begin(PDL)
    if GATE:
        at = row.to(tl.int64)[:, None] * (2 * N) + col[None, :]
        g = tl.load(x + at, mask=mask, other=0.0, eviction_policy="evict_first").to(tl.float32)
        u = tl.load(x + at + N, mask=mask, other=0.0, eviction_policy="evict_first").to(tl.float32)
        y = g * tl.sigmoid(g) * u
    else:
        at = row.to(tl.int64)[:, None] * N + col[None, :]
        y = tl.load(x + at, mask=mask, other=0.0, eviction_policy="evict_first").to(tl.float32)
    store_quantised(y, out, scale, row, col, mask, rows, N, LENGTH, ROWS, BY, LIMIT)


@triton.jit(do_not_specialize=["blocks"])
def quant_block_kernel(x, out, scale, blocks, N: tl.constexpr, BY: tl.constexpr, BLOCKS: tl.constexpr, GATE: tl.constexpr,
                       PDL: tl.constexpr):
    """A scale for each BY elements, where a program has BLOCKS of them, wherever their rows begin and end."""
    block = tl.program_id(0) * BLOCKS + tl.arange(0, BLOCKS)
    inner = tl.arange(0, BY)
    mask = (block < blocks)[:, None] & (inner < BY)[None, :]
    at = block.to(tl.int64)[:, None] * BY + inner[None, :]
    begin(PDL)
    if GATE:
        # Row r of the result begins at r N, and row r of what is read at 2 r N.
        source = at + (block // (N // BY)).to(tl.int64)[:, None] * N
        g = tl.load(x + source, mask=mask, other=0.0, eviction_policy="evict_first").to(tl.float32)
        u = tl.load(x + source + N, mask=mask, other=0.0, eviction_policy="evict_first").to(tl.float32)
        y = g * tl.sigmoid(g) * u
    else:
        y = tl.load(x + at, mask=mask, other=0.0, eviction_policy="evict_first").to(tl.float32)
    s = tl.maximum(tl.max(tl.abs(y), 1) * (1.0 / 448), LEAST_SCALE)
    tl.store(scale + block, s, mask=block < blocks)
    z = y * (1.0 / s)[:, None]
    tl.store(out + at, z.to(out.dtype.element_ty), mask=mask, eviction_policy="evict_first")
