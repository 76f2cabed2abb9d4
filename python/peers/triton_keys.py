"""Triton kernels that choose: numbers and their positions packed into one integer each, which sorts as the numbers do.

The number is in the high half, its position in the low half, counted down, so that of equal numbers the lower position is the
larger key. 16-bit numbers make keys of 32 bits, others of 64. Zeros of both signs count as two numbers, and a NaN as its bits.
"""

import triton
import triton.language as tl

from triton_rows import begin, tile


@triton.jit
def ordered(value):
    """f32 -> an integer whose order is that of the values; its own inverse on the bits."""
    bits = value.to(tl.int32, bitcast=True)
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)


@triton.jit
def packed(value, col, mask, LENGTH: tl.constexpr, SMALLEST: tl.constexpr):
    """Keys of a tile of values in their own dtype; what is outside the mask has the least key."""
    last: tl.constexpr = LENGTH - 1
    if value.dtype.primitive_bitwidth == 16:
        bits = value.to(tl.int16, bitcast=True).to(tl.int32)
        order = bits ^ ((bits >> 31) & 0x7FFF)
        if SMALLEST:
            order = ~order
        return tl.where(mask, (order << 16) | (last - col)[None, :], -2147483648)
    else:
        order = ordered(value)
        if SMALLEST:
            order = ~order
        key = (order.to(tl.int64) << 32) | (last - col)[None, :].to(tl.int64)
        return tl.where(mask, key, -9223372036854775808)


@triton.jit
def position(key, LENGTH: tl.constexpr):
    return (LENGTH - 1) - (key & 0xFFFF).to(tl.int32)


@triton.jit
def value_of(key, dtype: tl.constexpr, SMALLEST: tl.constexpr):
    if key.dtype == tl.int32:
        order = key >> 16
        if SMALLEST:
            order = ~order
        return (order ^ ((order >> 31) & 0x7FFF)).to(tl.int16).to(dtype, bitcast=True)
    else:
        order = (key >> 32).to(tl.int32)
        if SMALLEST:
            order = ~order
        return (order ^ ((order >> 31) & 0x7FFFFFFF)).to(tl.float32, bitcast=True)


@triton.jit(do_not_specialize=["rows"])
def topk_kernel(x, values, indices, rows, N: tl.constexpr, LENGTH: tl.constexpr, ROWS: tl.constexpr, K: tl.constexpr,
                WIDTH: tl.constexpr, SMALLEST: tl.constexpr, PDL: tl.constexpr):
    """The K largest or smallest of each row, WIDTH the power of 2 that holds K; with WIDTH of LENGTH, a row sorted."""
    row, col, mask = tile(rows, N, LENGTH, ROWS)
    begin(PDL)
    h = tl.load(x + row.to(tl.int64)[:, None] * N + col[None, :], mask=mask, other=0.0, eviction_policy="evict_first")
    key = tl.topk(packed(h, col, mask, LENGTH, SMALLEST), WIDTH)
    lane = tl.arange(0, WIDTH)
    at = row.to(tl.int64)[:, None] * K + lane[None, :]
    inside = (row < rows)[:, None] & (lane < K)[None, :]
    tl.store(indices + at, position(key, LENGTH), mask=inside)
    tl.store(values + at, value_of(key, x.dtype.element_ty, SMALLEST), mask=inside)


@triton.jit(do_not_specialize=["rows"])
def argsort_kernel(x, indices, rows, N: tl.constexpr, LENGTH: tl.constexpr, ROWS: tl.constexpr, SMALLEST: tl.constexpr,
                   PDL: tl.constexpr):
    row, col, mask = tile(rows, N, LENGTH, ROWS)
    begin(PDL)
    at = row.to(tl.int64)[:, None] * N + col[None, :]
    h = tl.load(x + at, mask=mask, other=0.0, eviction_policy="evict_first")
    key = tl.sort(packed(h, col, mask, LENGTH, SMALLEST), descending=True)
    tl.store(indices + at, position(key, LENGTH), mask=mask)


@triton.jit(do_not_specialize=["tokens"])
def route_kernel(logits, bias, ids, weights, tokens, scale, N: tl.constexpr, LENGTH: tl.constexpr, ROWS: tl.constexpr,
                 K: tl.constexpr, WIDTH: tl.constexpr, SOFTMAX: tl.constexpr, BIASED: tl.constexpr,
                 RENORMALISE: tl.constexpr, PDL: tl.constexpr):
    """K of N experts of each token, and their weights."""
    row, col, mask = tile(tokens, N, LENGTH, ROWS)
    start = row.to(tl.int64)[:, None] * N
    if BIASED:
        b = tl.load(bias + col, mask=col < N, other=0.0, eviction_policy="evict_last")
    begin(PDL)
    h = tl.load(logits + start + col[None, :], mask=mask, other=float("-inf"), eviction_policy="evict_first")
    f = h.to(tl.float32)
    top = tl.where(row < tokens, tl.max(f, 1), 0.0)[:, None]
    lane = tl.arange(0, WIDTH)
    inside = (row < tokens)[:, None] & (lane < K)[None, :]
    if BIASED:
        if SOFTMAX:
            e = tl.exp(f - top)
            score = e * (1.0 / tl.sum(e, 1))[:, None]
        else:
            score = tl.sigmoid(f)
        key = tl.topk(packed(score + b[None, :], col, mask, LENGTH, False), WIDTH)
        chosen = position(key, LENGTH)
        picked = tl.load(logits + start + chosen, mask=inside, other=0.0).to(tl.float32)
    else:
        key = tl.topk(packed(h, col, mask, LENGTH, False), WIDTH)
        chosen = position(key, LENGTH)
        picked = value_of(key, logits.dtype.element_ty, False).to(tl.float32)
    if SOFTMAX:
        w = tl.exp(picked - top)
        if not RENORMALISE:
            w *= (1.0 / tl.sum(tl.exp(f - top), 1))[:, None]
    else:
        w = tl.sigmoid(picked)
    w = tl.where(inside, w, 0.0)
    if RENORMALISE:
        w *= (1.0 / tl.where(row < tokens, tl.sum(w, 1), 1.0))[:, None]
    at = row.to(tl.int64)[:, None] * K + lane[None, :]
    tl.store(ids + at, chosen, mask=inside)
    tl.store(weights + at, w * scale, mask=inside)


@triton.jit
def best_part_kernel(logits, temperature, seed, offset, found, token, N: tl.constexpr, LENGTH: tl.constexpr,
                     SPAN: tl.constexpr, DRAW: tl.constexpr, PDL: tl.constexpr):
    """The best of SPAN elements of a row: a token where that is all of it, else a key for `best_whole_kernel`.

    With DRAW an element's score is its logit over the temperature plus Gumbel noise, drawn for the row's seed and offset.
    """
    PARTS: tl.constexpr = (N + SPAN - 1) // SPAN
    row = (tl.program_id(0) // PARTS).to(tl.int64)
    part = tl.program_id(0) % PARTS
    begin(PDL)
    if DRAW:
        t = tl.load(temperature + row)
        noise = tl.randint(tl.load(seed + row), tl.load(offset + row).to(tl.int32))
    best = tl.full((LENGTH,), float("-inf"), tl.float32)
    at = tl.full((LENGTH,), N - 1, tl.int32)
    for first in tl.range(part * SPAN, part * SPAN + SPAN, LENGTH):
        col = first + tl.arange(0, LENGTH)
        h = tl.load(logits + row * N + col, mask=col < N, other=float("-inf"), eviction_policy="evict_first").to(tl.float32)
        if DRAW:
            if t >= 1e-5:
                u = tl.maximum(tl.rand(noise, col), 1e-7)
                h = h / t - tl.log(-tl.log(u))
        better = h > best
        best = tl.where(better, h, best)
        at = tl.where(better, col, at)
    key = tl.max((ordered(best).to(tl.int64) << 32) | (0x7FFFFFFF - at).to(tl.int64), 0)
    if PARTS == 1:
        tl.store(token + row, (0x7FFFFFFF - (key & 0x7FFFFFFF)).to(tl.int32))
    else:
        tl.store(found + row * PARTS + part, key)


@triton.jit
def best_whole_kernel(found, token, PARTS: tl.constexpr, WIDTH: tl.constexpr, PDL: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    lane = tl.arange(0, WIDTH)
    begin(PDL)
    key = tl.max(tl.load(found + row * PARTS + lane, mask=lane < PARTS, other=-9223372036854775808), 0)
    tl.store(token + row, (0x7FFFFFFF - (key & 0x7FFFFFFF)).to(tl.int32))
