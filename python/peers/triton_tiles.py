"""Triton kernels without a reduction over a row: gated and biased activations, gathers; and pooling, expert sums, rotation."""

import triton
import triton.language as tl

from triton_rows import LEAST_SCALE, begin


@triton.jit
def swiglu_kernel(gate_up, out, N: tl.constexpr, LENGTH: tl.constexpr, PDL: tl.constexpr):
    """LENGTH elements of a row a program; the programs of a row lie side by side."""
    PARTS: tl.constexpr = (N + LENGTH - 1) // LENGTH
    row = (tl.program_id(0) // PARTS).to(tl.int64)
    col = (tl.program_id(0) % PARTS) * LENGTH + tl.arange(0, LENGTH)
    mask = col < N
    begin(PDL)
    g = tl.load(gate_up + row * (2 * N) + col, mask=mask, eviction_policy="evict_first").to(tl.float32)
    u = tl.load(gate_up + row * (2 * N) + N + col, mask=mask, eviction_policy="evict_first").to(tl.float32)
    y = g * tl.sigmoid(g) * u
    tl.store(out + row * N + col, y.to(out.dtype.element_ty), mask=mask, eviction_policy="evict_first")


@triton.jit
def gelu_bias_kernel(x, bias, out, N: tl.constexpr, LENGTH: tl.constexpr, TANH: tl.constexpr, PDL: tl.constexpr):
    PARTS: tl.constexpr = (N + LENGTH - 1) // LENGTH
    row = (tl.program_id(0) // PARTS).to(tl.int64)
    col = (tl.program_id(0) % PARTS) * LENGTH + tl.arange(0, LENGTH)
    mask = col < N
    b = tl.load(bias + col, mask=mask, eviction_policy="evict_last").to(tl.float32)
    begin(PDL)
    h = tl.load(x + row * N + col, mask=mask, eviction_policy="evict_first").to(tl.float32) + b
    if TANH:
        y = h * tl.sigmoid(1.5957691216057308 * (h + 0.044715 * h * h * h))
    else:
        y = 0.5 * h * (1.0 + tl.erf(h * 0.7071067811865476))
    tl.store(out + row * N + col, y.to(out.dtype.element_ty), mask=mask, eviction_policy="evict_first")


@triton.jit
def embedding_kernel(ids, table, out, vocab, N: tl.constexpr, LENGTH: tl.constexpr, PDL: tl.constexpr):
    PARTS: tl.constexpr = (N + LENGTH - 1) // LENGTH
    token = (tl.program_id(0) // PARTS).to(tl.int64)
    col = (tl.program_id(0) % PARTS) * LENGTH + tl.arange(0, LENGTH)
    begin(PDL)
    row = tl.load(ids + token).to(tl.int64)
    known = (row >= 0) & (row < vocab)
    value = tl.load(table + row * N + col, mask=(col < N) & known, other=0.0)
    tl.store(out + token * N + col, value, mask=col < N, eviction_policy="evict_first")


@triton.jit
def last_pool_kernel(x, offsets, out, N: tl.constexpr, LENGTH: tl.constexpr, PDL: tl.constexpr):
    sequence = tl.program_id(0).to(tl.int64)
    col = tl.arange(0, LENGTH)
    mask = col < N
    begin(PDL)
    row = tl.load(offsets + sequence + 1).to(tl.int64) - 1
    h = tl.load(x + row * N + col, mask=mask, other=0.0, eviction_policy="evict_first").to(tl.float32)
    y = h * (1.0 / tl.maximum(tl.sqrt(tl.sum(h * h, 0)), LEAST_SCALE))
    tl.store(out + sequence * N + col, y.to(out.dtype.element_ty), mask=mask)


@triton.jit
def mean_pool_kernel(x, offsets, out, N: tl.constexpr, LENGTH: tl.constexpr, ROWS: tl.constexpr, PDL: tl.constexpr):
    """A sequence a program, ROWS rows at a time."""
    sequence = tl.program_id(0).to(tl.int64)
    col = tl.arange(0, LENGTH)
    begin(PDL)
    first = tl.load(offsets + sequence)
    end = tl.load(offsets + sequence + 1)
    total = tl.zeros((ROWS, LENGTH), tl.float32)
    for at in tl.range(first, end, ROWS):
        row = at + tl.arange(0, ROWS)
        mask = (row < end)[:, None] & (col < N)[None, :]
        total += tl.load(x + row.to(tl.int64)[:, None] * N + col[None, :], mask=mask, other=0.0).to(tl.float32)
    mean = tl.sum(total, 0) / tl.maximum(end - first, 1).to(tl.float32)
    y = mean * (1.0 / tl.maximum(tl.sqrt(tl.sum(mean * mean, 0)), LEAST_SCALE))
    tl.store(out + sequence * N + col, y.to(out.dtype.element_ty), mask=col < N)


@triton.jit
def mean_part_kernel(x, offsets, parts, N: tl.constexpr, LENGTH: tl.constexpr, ROWS: tl.constexpr, PARTS: tl.constexpr,
                     PDL: tl.constexpr):
    """Sum of one of PARTS stretches of a sequence, over LENGTH columns."""
    sequence = tl.program_id(0).to(tl.int64)
    part = tl.program_id(1)
    col = tl.program_id(2) * LENGTH + tl.arange(0, LENGTH)
    begin(PDL)
    first = tl.load(offsets + sequence)
    end = tl.load(offsets + sequence + 1)
    share = (end - first + PARTS - 1) // PARTS
    start = first + part * share
    stop = tl.minimum(start + share, end)
    total = tl.zeros((ROWS, LENGTH), tl.float32)
    for at in tl.range(start, stop, ROWS):
        row = at + tl.arange(0, ROWS)
        mask = (row < stop)[:, None] & (col < N)[None, :]
        total += tl.load(x + row.to(tl.int64)[:, None] * N + col[None, :], mask=mask, other=0.0).to(tl.float32)
    tl.store(parts + (sequence * PARTS + part) * N + col, tl.sum(total, 0), mask=col < N)


@triton.jit
def mean_whole_kernel(parts, offsets, out, N: tl.constexpr, LENGTH: tl.constexpr, PARTS: tl.constexpr, PDL: tl.constexpr):
    """Sums of a sequence's stretches -> its mean, divided by its norm."""
    sequence = tl.program_id(0).to(tl.int64)
    col = tl.arange(0, LENGTH)
    begin(PDL)
    total = tl.zeros((LENGTH,), tl.float32)
    for part in tl.static_range(PARTS):
        total += tl.load(parts + (sequence * PARTS + part) * N + col, mask=col < N, other=0.0)
    rows = tl.load(offsets + sequence + 1) - tl.load(offsets + sequence)
    mean = total / tl.maximum(rows, 1).to(tl.float32)
    y = mean * (1.0 / tl.maximum(tl.sqrt(tl.sum(mean * mean, 0)), LEAST_SCALE))
    tl.store(out + sequence * N + col, y.to(out.dtype.element_ty), mask=col < N)


@triton.jit
def combine_kernel(x, slot, weight, shared_x, shared_gate, stream, gain, out, eps, N: tl.constexpr, LENGTH: tl.constexpr,
                   K: tl.constexpr, SHARED: tl.constexpr, GATED: tl.constexpr, STREAM: tl.constexpr, NORM: tl.constexpr, OFFSET: tl.constexpr,
                   PDL: tl.constexpr):
    """LENGTH elements of a token's sum a program: with NORM, all of them, and the stream is written, too."""
    PARTS: tl.constexpr = (N + LENGTH - 1) // LENGTH
    token = (tl.program_id(0) // PARTS).to(tl.int64)
    col = (tl.program_id(0) % PARTS) * LENGTH + tl.arange(0, LENGTH)
    mask = col < N
    if NORM:
        g = tl.load(gain + col, mask=mask, other=0.0, eviction_policy="evict_last").to(tl.float32) + OFFSET
    begin(PDL)
    total = tl.zeros((LENGTH,), tl.float32)
    for k in tl.static_range(K):
        row = tl.load(slot + token * K + k).to(tl.int64)
        w = tl.load(weight + token * K + k)
        value = tl.load(x + row * N + col, mask=mask & (row >= 0), other=0.0, eviction_policy="evict_first")
        total += tl.where(row >= 0, w, 0.0) * value.to(tl.float32)
    if SHARED:
        share = tl.sigmoid(tl.load(shared_gate + token).to(tl.float32)) if GATED else 1.0
        total += share * tl.load(shared_x + token * N + col, mask=mask, other=0.0, eviction_policy="evict_first").to(tl.float32)
    if STREAM:
        total += tl.load(stream + token * N + col, mask=mask, other=0.0).to(tl.float32)
    if NORM:
        tl.store(stream + token * N + col, total.to(stream.dtype.element_ty), mask=mask)
        total *= tl.rsqrt(tl.sum(total * total, 0) * (1.0 / N) + eps) * g
    tl.store(out + token * N + col, total.to(out.dtype.element_ty), mask=mask, eviction_policy="evict_first")


@triton.jit
def normalised_halves(qkv, start, weight, head, half, mask, HALF: tl.constexpr, NORM: tl.constexpr, eps):
    """Both halves of some heads of a token's row, each normalised as a whole with NORM: HEADS x half, f32."""
    at = start + head[:, None] * (2 * HALF) + half[None, :]
    a = tl.load(qkv + at, mask=mask, other=0.0, eviction_policy="evict_first").to(tl.float32)
    b = tl.load(qkv + at + HALF, mask=mask, other=0.0, eviction_policy="evict_first").to(tl.float32)
    if NORM:
        inside = half < HALF
        r = tl.rsqrt((tl.sum(a * a, 1) + tl.sum(b * b, 1)) * (0.5 / HALF) + eps)[:, None]
        a *= r * tl.load(weight + half, mask=inside, other=0.0, eviction_policy="evict_last").to(tl.float32)[None, :]
        b *= r * tl.load(weight + HALF + half, mask=inside, other=0.0, eviction_policy="evict_last").to(tl.float32)[None, :]
    return a, b


@triton.jit
def qk_norm_rope_cache_kernel(qkv, q_weight, k_weight, cos_sin, position, slot, q, k_cache, v_cache, eps, k_scale, v_scale,
                              Q_HEADS: tl.constexpr, K_HEADS: tl.constexpr, HALF: tl.constexpr, HEADS: tl.constexpr,
                              WIDTH: tl.constexpr, NORM: tl.constexpr, SCALED: tl.constexpr, PDL: tl.constexpr):
    """A token and HEADS of its heads a program: first groups of q's heads, then of k's, each with the same heads of v.

    WIDTH is the power of 2 that holds HALF, half of a head.
    """
    Q_GROUPS: tl.constexpr = (Q_HEADS + HEADS - 1) // HEADS
    token = tl.program_id(0).to(tl.int64)
    group = tl.program_id(1)
    half = tl.arange(0, WIDTH)
    inside = half < HALF
    row = token * ((Q_HEADS + 2 * K_HEADS) * 2 * HALF)
    begin(PDL)
    place = tl.load(position + token).to(tl.int64) * (2 * HALF)
    cos = tl.load(cos_sin + place + half, mask=inside, other=0.0).to(tl.float32)[None, :]
    sin = tl.load(cos_sin + place + HALF + half, mask=inside, other=0.0).to(tl.float32)[None, :]
    if group < Q_GROUPS:
        head = group * HEADS + tl.arange(0, HEADS)
        mask = (head < Q_HEADS)[:, None] & inside[None, :]
        a, b = normalised_halves(qkv, row, q_weight, head, half, mask, HALF, NORM, eps)
        to = q + token * (Q_HEADS * 2 * HALF) + head[:, None] * (2 * HALF) + half[None, :]
        tl.store(to, (a * cos - b * sin).to(q.dtype.element_ty), mask=mask)
        tl.store(to + HALF, (b * cos + a * sin).to(q.dtype.element_ty), mask=mask)
    else:
        where = tl.load(slot + token).to(tl.int64)
        if where >= 0:
            head = (group - Q_GROUPS) * HEADS + tl.arange(0, HEADS)
            mask = (head < K_HEADS)[:, None] & inside[None, :]
            a, b = normalised_halves(qkv, row + Q_HEADS * 2 * HALF, k_weight, head, half, mask, HALF, NORM, eps)
            v_at = row + (Q_HEADS + K_HEADS) * 2 * HALF + head[:, None] * (2 * HALF) + half[None, :]
            v_a = tl.load(qkv + v_at, mask=mask, other=0.0, eviction_policy="evict_first").to(tl.float32)
            v_b = tl.load(qkv + v_at + HALF, mask=mask, other=0.0, eviction_policy="evict_first").to(tl.float32)
            k_a = a * cos - b * sin
            k_b = b * cos + a * sin
            if SCALED:
                k_a, k_b = k_a * (1.0 / k_scale), k_b * (1.0 / k_scale)
                v_a, v_b = v_a * (1.0 / v_scale), v_b * (1.0 / v_scale)
            to = where * (K_HEADS * 2 * HALF) + head[:, None] * (2 * HALF) + half[None, :]
            tl.store(k_cache + to, k_a.to(k_cache.dtype.element_ty), mask=mask)
            tl.store(k_cache + to + HALF, k_b.to(k_cache.dtype.element_ty), mask=mask)
            tl.store(v_cache + to, v_a.to(v_cache.dtype.element_ty), mask=mask)
            tl.store(v_cache + to + HALF, v_b.to(v_cache.dtype.element_ty), mask=mask)
