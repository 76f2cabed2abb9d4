# moe_dispatch.top_k8.experts128.total128.pad16.hidden2048.bf16.sm100.decode: rendered by rose-gen, do not edit
# 
# Writes each token's row to its experts, in one launch: for few tokens, as each CTA counts all choices. Rows
# are ordered by expert, then by token and choice; each expert's rows start at a multiple of pad. Of all
# experts, [first, first + experts) are local: other choices get slot -1. An id outside [0, total) is counted
# in errors, and so are the rows that the buffer is short of: choices that find no row get slot -1.
# Source: arXiv 2101.03961, section 2.2
# 
# target: sm100, decode, dependent launch
# key: 209c7b3f31a4907461df55b3f881f5a8c83d65c4e7f80f6d7cddfc4b9997ee3f
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 2048 elements a row, 16 at a time, 128 threads a row
# schedule: 256 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import BFloat16, Float32, Int32, Int64
from cutlass.cute.runtime import make_fake_stream, make_ptr


@cute.jit
def count_below(lanes: Int32) -> Int32:
    # how many lanes of a mask come before this one
    return cute.arch.popc(lanes & ((Int32(1) << cute.arch.lane_idx()) - 1))


@cute.jit
def same_lanes(value: Int32) -> Int32:
    # mask of the lanes of the warp with the same value
    return Int32(cute.arch.match_sync(-1, value))


@cute.jit
def warp_scan(value: Int32) -> Int32:
    # sum over the lanes of the warp up to this one
    for i in cutlass.range_constexpr(5):
        other = cute.arch.shuffle_sync_up(value, offset=1 << i)
        if cute.arch.lane_idx() >= (1 << i):
            value = value + other
    return value


@cute.kernel
def kernel(
    ids_ptr: cute.Pointer,  # (tokens, top_k=8) i32
    x_ptr: cute.Pointer,  # (tokens, hidden=2048) bf16
    slot_ptr: cute.Pointer,  # (tokens, top_k=8) i32, written
    source_ptr: cute.Pointer,  # (rows) i32, written
    counts_ptr: cute.Pointer,  # (experts=128) i32, written
    starts_ptr: cute.Pointer,  # (experts=128) i32, written
    ends_ptr: cute.Pointer,  # (experts=128) i32, written
    errors_ptr: cute.Pointer,  # (faults=2) i32, written
    out_ptr: cute.Pointer,  # (rows, hidden=2048) bf16, written
    tokens: Int32,  # extent
    rows: Int32,  # extent
    first: Int32,
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    shared = cutlass.memory.SmemAllocator()
    s_n = shared.allocate_tensor(Int32, cute.make_layout(128), byte_alignment=16)
    s_n_before = shared.allocate_tensor(Int32, cute.make_layout(128), byte_alignment=16)
    s_unknown = shared.allocate_tensor(Int32, cute.make_layout(2), byte_alignment=16)
    s_begin = shared.allocate_tensor(Int32, cute.make_layout(128), byte_alignment=16)
    s_begin_warps = shared.allocate_tensor(Int32, cute.make_layout(4), byte_alignment=16)
    s_rank_in_expert = shared.allocate_tensor(Int32, cute.make_layout(2), byte_alignment=16)
    lane = thread % 128
    if thread < 128:
        s_n[thread] = 0
        s_n_before[thread] = 0
    if thread < 2:
        s_unknown[thread] = 0
    cute.arch.sync_threads()
    cute.arch.griddepcontrol_wait()
    cute.arch.griddepcontrol_launch_dependents()
    for counted in cutlass.range(thread, tokens * 8, 1024):
        r_n_bins = cute.make_rmem_tensor((4,), Int32)
        r_unknown_bins = cute.make_rmem_tensor((4,), Int32)
        for step in cutlass.range_constexpr(4):
            place_or_last = cute.math.min(counted + step * 256, tokens * 8 - 1)
            counted_row = place_or_last
            # ids: (tokens, top_k=8) i32
            g_ids = cute.make_tensor(ids_ptr + Int64(counted_row), cute.make_layout(1))
            t = g_ids[0]
            bin = t - first
            r_n_bins[step] = bin
            r_unknown_bins[step] = Int32(cutlass.select_(t < 0 or t >= 128, Int32(0), Int32(-1)))
        for step in cutlass.range_constexpr(4):
            if r_n_bins[step] >= 0 and r_n_bins[step] < 128 and counted + step * 256 < tokens * 8:
                cute.arch.atomic_add(s_n.iterator + (r_n_bins[step]), Int32(1), sem="relaxed", scope="cta")
                if counted + step * 256 < cta * 2:
                    cute.arch.atomic_add(s_n_before.iterator + (r_n_bins[step]), Int32(1), sem="relaxed", scope="cta")
            if r_unknown_bins[step] >= 0 and r_unknown_bins[step] < 2 and counted + step * 256 < tokens * 8:
                cute.arch.atomic_add(s_unknown.iterator + (r_unknown_bins[step]), Int32(1), sem="relaxed", scope="cta")
    cute.arch.sync_threads()
    warp = thread // 32
    position = thread
    own = 0
    if position < 128:
        padded = (s_n[position] + 16 - 1) // 16 * 16
        own = padded
    up_to = warp_scan(own)
    if thread % 32 == 31 and warp < 4:
        s_begin_warps[warp] = up_to
    cute.arch.sync_threads()
    base = 0
    total = 0
    for each_warp in cutlass.range_constexpr(4):
        base = base + Int32(cutlass.select_(each_warp < warp, Int32(s_begin_warps[each_warp]), Int32(0)))
        total = total + s_begin_warps[each_warp]
    if position < 128:
        s_begin[position] = base + up_to - own
    cute.arch.sync_threads()
    for element in cutlass.range(cta * 256 + thread, 2048, cute.arch.grid_dim()[0] * 256):
        past = s_n[element // 16] + element % 16
        padded_1 = (s_n[element // 16] + 16 - 1) // 16 * 16
        hole = Int32(cutlass.select_(past < padded_1, Int32(s_begin[element // 16] + past), Int32(-1)))
        # source: (rows) i32
        g_source = cute.make_tensor(source_ptr + Int64(hole), cute.make_layout(1))
        if Int64(hole) >= 0 and Int64(hole) < Int64(rows):
            g_source[0] = -1
    if cta * 256 + thread < 128:
        # counts: (experts=128) i32
        g_counts = cute.make_tensor(counts_ptr + (Int64(cta * 256 + thread)), cute.make_layout(1))
        g_counts[0] = s_n[cta * 256 + thread]
        # starts: (experts=128) i32
        g_starts = cute.make_tensor(starts_ptr + (Int64(cta * 256 + thread)), cute.make_layout(1))
        g_starts[0] = s_begin[cta * 256 + thread]
        # ends: (experts=128) i32
        g_ends = cute.make_tensor(ends_ptr + (Int64(cta * 256 + thread)), cute.make_layout(1))
        padded_2 = (s_n[cta * 256 + thread] + 16 - 1) // 16 * 16
        end = s_begin[cta * 256 + thread] + padded_2
        g_ends[0] = end
    if cta * 256 + thread < 2:
        # errors: (faults=2) i32
        g_errors = cute.make_tensor(errors_ptr + (Int64(cta * 256 + thread)), cute.make_layout(1))
        padded_3 = (s_n[127] + 16 - 1) // 16 * 16
        end_1 = s_begin[127] + padded_3
        short = cute.math.max(end_1 - Int32(Int64(rows)), 0)
        g_errors[0] = Int32(cutlass.select_(cta * 256 + thread == 0, Int32(s_unknown[cta * 256 + thread]), Int32(short)))
    row = cta * 2 + thread // 128
    valid = row < tokens * 8
    own_row = cta * 2 + thread
    own_bin = -1
    if thread < 2 and own_row < tokens * 8:
        # ids: (tokens, top_k=8) i32
        g_ids_1 = cute.make_tensor(ids_ptr + Int64(own_row), cute.make_layout(1))
        t_1 = g_ids_1[0]
        bin_1 = t_1 - first
        bin_2 = bin_1
        if bin_2 >= 0 and bin_2 < 128:
            own_bin = bin_2
    same = same_lanes(own_bin)
    below = count_below(same)
    rank_in_expert = 0
    if own_bin >= 0:
        rank_in_expert = s_n_before[own_bin] + below
    if thread < 2:
        s_rank_in_expert[thread] = rank_in_expert
    cute.arch.sync_threads()
    rank_in_expert_1 = s_rank_in_expert[thread // 128]
    tokens_index = row // 8
    top_k_index = row % 8
    # ids: (tokens, top_k=8) i32
    g_ids_2 = cute.make_tensor(ids_ptr + (Int64(tokens_index) * 8 + Int64(top_k_index)), cute.make_layout(1))
    ids = 0
    if valid:
        ids = g_ids_2[0]
    # x: (tokens, hidden=2048) bf16
    g_x = cute.make_tensor(x_ptr + cute.assume(Int64(tokens_index) * 2048, divby=16), cute.make_layout((128, 16), stride=(16, 1)))
    r_x = cute.make_rmem_tensor((16,), BFloat16)
    r_x.fill(0)
    if valid:
        r_x[None].store(g_x[lane, None].load())
    bin_3 = ids - first
    at = Int32(cutlass.select_(bin_3 >= 0 and bin_3 < 128, Int32(bin_3), Int32(0)))
    row_1 = Int32(cutlass.select_(bin_3 >= 0 and bin_3 < 128, Int32(s_begin[at]), Int32(0))) + rank_in_expert_1
    kept = bin_3 >= 0 and bin_3 < 128 and row_1 < Int32(Int64(rows))
    place = Int32(cutlass.select_(kept, Int32(row_1), Int32(-1)))
    # out: (rows, hidden=2048) bf16
    g_out = cute.make_tensor(out_ptr + cute.assume(Int64(place) * 2048, divby=16), cute.make_layout((128, 16), stride=(16, 1)))
    if valid and Int64(place) >= 0 and Int64(place) < Int64(rows):
        g_out[lane, None].store(r_x[None].load())
    # slot: (tokens, top_k=8) i32
    g_slot = cute.make_tensor(slot_ptr + (Int64(tokens_index) * 8 + Int64(top_k_index)), cute.make_layout(1))
    if valid and lane == 0:
        g_slot[0] = place
    # source: (rows) i32
    g_source_1 = cute.make_tensor(source_ptr + Int64(place), cute.make_layout(1))
    if valid and Int64(place) >= 0 and Int64(place) < Int64(rows) and lane == 0:
        g_source_1[0] = Int32(Int64(tokens_index))


@cute.jit
def launch(ids_ptr: cute.Pointer, x_ptr: cute.Pointer, slot_ptr: cute.Pointer, source_ptr: cute.Pointer, counts_ptr: cute.Pointer, starts_ptr: cute.Pointer, ends_ptr: cute.Pointer, errors_ptr: cute.Pointer, out_ptr: cute.Pointer, tokens: Int32, rows: Int32, first: Int32, stream):
    kernel.set_name_prefix("moe_dispatch", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(ids_ptr, x_ptr, slot_ptr, source_ptr, counts_ptr, starts_ptr, ends_ptr, errors_ptr, out_ptr, tokens, rows, first).launch(
        grid=(cute.math.max((tokens * 8 + 1) // 2, 1), 1, 1), block=(256, 1, 1), stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(Int32, 4),
        pointer(BFloat16, 32),
        pointer(Int32, 4),
        pointer(Int32, 4),
        pointer(Int32, 4),
        pointer(Int32, 4),
        pointer(Int32, 4),
        pointer(Int32, 4),
        pointer(BFloat16, 32),
        Int32(1),
        Int32(1),
        Int32(1),
        make_fake_stream(),
        options=options,
    )
