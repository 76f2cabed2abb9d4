"""Triton kernels that lay rows out by expert: a histogram of each chunk of choices, a scan, a scatter; then the rows themselves.

A chunk is CHUNK choices, in the order of tokens and their choices. WIDTH is the power of 2 that holds the experts, HOLES that
which holds PAD.
"""

import triton
import triton.language as tl

from triton_rows import LEAST_SCALE, begin


@triton.jit
def chosen(ids, at, count, first, EXPERTS: tl.constexpr):
    """Local experts of some choices, and which choices have one."""
    bin = tl.load(ids + at, mask=at < count, other=-1) - first
    return bin, (at < count) & (bin >= 0) & (bin < EXPERTS)


@triton.jit
def table_of(bin, local, WIDTH: tl.constexpr):
    """Which choice is which expert's: CHUNK x WIDTH."""
    return (bin[:, None] == tl.arange(0, WIDTH)[None, :]) & local[:, None]


@triton.jit
def place(bin, local, base, at, slot, source, count, K: tl.constexpr, CHUNK: tl.constexpr, WIDTH: tl.constexpr):
    """Rows of a chunk's choices, written to `slot` and `source`; base: each expert's first free row."""
    lane = tl.arange(0, CHUNK)
    start = tl.sum(tl.where(table_of(bin, local, WIDTH), base[None, :], 0), 1)
    before = (bin[:, None] == bin[None, :]) & (lane[None, :] < lane[:, None])
    row = start + tl.sum(before.to(tl.int32), 1)
    tl.store(slot + at, tl.where(local, row, -1), mask=at < count)
    tl.store(source + row, at // K, mask=local)


@triton.jit
def layout_of(total, counts, starts, ends, EXPERTS: tl.constexpr, WIDTH: tl.constexpr, PAD: tl.constexpr, WRITE):
    """First row and end of each expert from how many choices it has."""
    expert = tl.arange(0, WIDTH)
    padded = (total + PAD - 1) // PAD * PAD
    end = tl.cumsum(padded, 0)
    start = end - padded
    mask = (expert < EXPERTS) & WRITE
    tl.store(counts + expert, total, mask=mask)
    tl.store(starts + expert, start, mask=mask)
    tl.store(ends + expert, end, mask=mask)
    return start, end


@triton.jit(do_not_specialize=["count"])
def align_kernel(ids, slot, source, counts, starts, ends, count, first, K: tl.constexpr, EXPERTS: tl.constexpr,
                 WIDTH: tl.constexpr, PAD: tl.constexpr, HOLES: tl.constexpr, CHUNK: tl.constexpr, PDL: tl.constexpr):
    """All of it in one program, for few choices."""
    lane = tl.arange(0, CHUNK)
    begin(PDL)
    total = tl.zeros((WIDTH,), tl.int32)
    for begun in tl.range(0, count, CHUNK):
        bin, local = chosen(ids, begun + lane, count, first, EXPERTS)
        total += tl.sum(table_of(bin, local, WIDTH).to(tl.int32), 0)
    start, end = layout_of(total, counts, starts, ends, EXPERTS, WIDTH, PAD, True)
    base = start
    for begun in tl.range(0, count, CHUNK):
        bin, local = chosen(ids, begun + lane, count, first, EXPERTS)
        place(bin, local, base, begun + lane, slot, source, count, K, CHUNK, WIDTH)
        base += tl.sum(table_of(bin, local, WIDTH).to(tl.int32), 0)
    hole = (start + total)[:, None] + tl.arange(0, HOLES)[None, :]
    tl.store(source + hole, -1, mask=(hole < end[:, None]))


@triton.jit(do_not_specialize=["count", "chunks"])
def histogram_kernel(ids, parts, count, chunks, first, EXPERTS: tl.constexpr, WIDTH: tl.constexpr, CHUNK: tl.constexpr,
                     PDL: tl.constexpr):
    """How many choices of a chunk each expert has: parts, experts x chunks."""
    chunk = tl.program_id(0)
    expert = tl.arange(0, WIDTH)
    begin(PDL)
    bin, local = chosen(ids, chunk * CHUNK + tl.arange(0, CHUNK), count, first, EXPERTS)
    found = tl.histogram(bin, WIDTH, mask=local)
    tl.store(parts + expert * chunks + chunk, found, mask=expert < EXPERTS)


@triton.jit(do_not_specialize=["chunks"])
def scan_kernel(parts, totals, chunks, BLOCK: tl.constexpr, PDL: tl.constexpr):
    """An expert a program: choices of each chunk -> choices of all chunks before it; and of all."""
    expert = tl.program_id(0)
    begin(PDL)
    carried = 0
    for begun in tl.range(0, chunks, BLOCK):
        at = begun + tl.arange(0, BLOCK)
        found = tl.load(parts + expert * chunks + at, mask=at < chunks, other=0)
        tl.store(parts + expert * chunks + at, carried + tl.cumsum(found, 0) - found, mask=at < chunks)
        carried += tl.sum(found, 0)
    tl.store(totals + expert, carried)


@triton.jit(do_not_specialize=["count", "chunks"])
def scatter_kernel(ids, parts, totals, slot, source, counts, starts, ends, count, chunks, first, K: tl.constexpr,
                   EXPERTS: tl.constexpr, WIDTH: tl.constexpr, PAD: tl.constexpr, HOLES: tl.constexpr, CHUNK: tl.constexpr,
                   PDL: tl.constexpr):
    """A chunk a program; the first one writes what is known of the experts, and all share the holes among them."""
    chunk = tl.program_id(0)
    expert = tl.arange(0, WIDTH)
    at = chunk * CHUNK + tl.arange(0, CHUNK)
    begin(PDL)
    total = tl.load(totals + expert, mask=expert < EXPERTS, other=0)
    start, end = layout_of(total, counts, starts, ends, EXPERTS, WIDTH, PAD, chunk == 0)
    base = start + tl.load(parts + expert * chunks + chunk, mask=expert < EXPERTS, other=0)
    bin, local = chosen(ids, at, count, first, EXPERTS)
    place(bin, local, base, at, slot, source, count, K, CHUNK, WIDTH)
    for mine in tl.range(chunk, EXPERTS, chunks):
        past = tl.sum(tl.where(expert == mine, start + total, 0), 0)
        stop = tl.sum(tl.where(expert == mine, end, 0), 0)
        hole = past + tl.arange(0, HOLES)
        tl.store(source + hole, -1, mask=hole < stop)


@triton.jit
def move_kernel(x, slot, out, scale, N: tl.constexpr, LENGTH: tl.constexpr, K: tl.constexpr, QUANTISED: tl.constexpr,
                BY: tl.constexpr, PDL: tl.constexpr):
    """LENGTH elements of a token's row a program, written to each of its K rows; QUANTISED with a scale for each BY of them.

    BY of 0 is a scale a row: then a program has all of it.
    """
    PARTS: tl.constexpr = (N + LENGTH - 1) // LENGTH
    token = (tl.program_id(0) // PARTS).to(tl.int64)
    part = tl.program_id(0) % PARTS
    col = part * LENGTH + tl.arange(0, LENGTH)
    mask = col < N
    begin(PDL)
    y = tl.load(x + token * N + col, mask=mask, other=0.0, eviction_policy="evict_first")
    if QUANTISED:
        y = y.to(tl.float32)
        if BY == 0:
            s = tl.maximum(tl.max(tl.abs(y), 0) * (1.0 / 448), LEAST_SCALE)
            y = y * (1.0 / s)
        else:
            blocks = tl.reshape(y, (LENGTH // BY, BY))
            s = tl.maximum(tl.max(tl.abs(blocks), 1) * (1.0 / 448), LEAST_SCALE)
            y = tl.reshape(blocks * (1.0 / s)[:, None], (LENGTH,))
            block = part * (LENGTH // BY) + tl.arange(0, LENGTH // BY)
    y = y.to(out.dtype.element_ty)
    for k in tl.static_range(K):
        row = tl.load(slot + token * K + k).to(tl.int64)
        if row >= 0:
            tl.store(out + row * N + col, y, mask=mask, eviction_policy="evict_first")
            if QUANTISED:
                if BY == 0:
                    tl.store(scale + row, s)
                else:
                    tl.store(scale + row * (N // BY) + block, s, mask=block < N // BY)
