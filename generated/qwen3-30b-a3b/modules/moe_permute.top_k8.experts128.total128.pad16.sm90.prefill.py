# moe_permute.top_k8.experts128.total128.pad16.sm90.prefill: rendered by rose-gen, do not edit
# 
# Where the rows of a mixture of experts go, for grouped matrix products that gather their own input. Rows are
# ordered by expert, then by token and choice; each expert's rows start at a multiple of pad. Of all experts,
# [first, first + experts) are local: other choices get slot -1. An id outside [0, total) is counted in
# errors, and so are the rows that the buffer is short of: choices that find no row get slot -1.
# Source: arXiv 2101.03961, section 2.2
# 
# target: sm90, prefill, dependent launch
# key: 0dd7a648d67711fc8de30a569f4ffb3047f4351d9d0d0dc8ca5f61267765f806
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 1 elements a row, 1 at a time, 1 threads a row
# schedule: 512 threads a CTA
# schedule: a cluster of 8 CTAs counts the rows once for all of them

import cutlass
import cutlass.cute as cute
from cutlass import Float32, Int32, Int64
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
    slot_ptr: cute.Pointer,  # (tokens, top_k=8) i32, written
    source_ptr: cute.Pointer,  # (rows) i32, written
    counts_ptr: cute.Pointer,  # (experts=128) i32, written
    starts_ptr: cute.Pointer,  # (experts=128) i32, written
    ends_ptr: cute.Pointer,  # (experts=128) i32, written
    errors_ptr: cute.Pointer,  # (faults=2) i32, written
    tokens: Int32,  # extent
    rows: Int32,  # extent
    first: Int32,
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    shared = cutlass.memory.SmemAllocator()
    s_n = shared.allocate_tensor(Int32, cute.make_layout(128), byte_alignment=16)
    s_n_before = shared.allocate_tensor(Int32, cute.make_layout(128), byte_alignment=16)
    s_n_warps = shared.allocate_tensor(Int32, cute.make_layout(2048), byte_alignment=16)
    s_unknown = shared.allocate_tensor(Int32, cute.make_layout(2), byte_alignment=16)
    s_n_own = shared.allocate_tensor(Int32, cute.make_layout(384), byte_alignment=16)
    s_n_shown = shared.allocate_tensor(Int32, cute.make_layout(3072), byte_alignment=16)
    s_unknown_own = shared.allocate_tensor(Int32, cute.make_layout(2), byte_alignment=16)
    s_unknown_shown = shared.allocate_tensor(Int32, cute.make_layout(16), byte_alignment=16)
    s_begin = shared.allocate_tensor(Int32, cute.make_layout(128), byte_alignment=16)
    s_begin_warps = shared.allocate_tensor(Int32, cute.make_layout(4), byte_alignment=16)
    tiles_a_cta = (cute.math.max((tokens * 8 + 511) // 512, 1) + (cute.arch.grid_dim()[0] - 1)) // cute.arch.grid_dim()[0]
    first_tile = cta * tiles_a_cta
    warp_begin = first_tile * 512 + thread // 32 * (tiles_a_cta * 32)
    own_begin = warp_begin + thread % 32
    own_end = cute.math.min(warp_begin + tiles_a_cta * 32, cute.math.min(first_tile * 512 + tiles_a_cta * 512, tokens * 8))
    # every CTA of the cluster runs: its shared memory may be written
    cute.arch.cluster_arrive()
    cluster_begin = first_tile * 512 - cute.arch.block_idx_in_cluster() * (tiles_a_cta * 512)
    cluster_rows = cute.math.min(cluster_begin + tiles_a_cta * 512 * 8, tokens * 8) - cute.math.min(cluster_begin, tokens * 8)
    other_rows = tokens * 8 - cluster_rows
    if thread < 384:
        s_n_own[thread] = 0
    if thread < 2:
        s_unknown_own[thread] = 0
    for element in cutlass.range(thread, 2048, 512):
        s_n_warps[element] = 0
    cute.arch.sync_threads()
    cute.arch.griddepcontrol_wait()
    cute.arch.griddepcontrol_launch_dependents()
    for counted in cutlass.range(own_begin, own_end, 128):
        r_n_bins = cute.make_rmem_tensor((4,), Int32)
        r_unknown_bins = cute.make_rmem_tensor((4,), Int32)
        for step in cutlass.range_constexpr(4):
            place_or_last = cute.math.min(counted + step * 32, own_end - 1)
            counted_row = place_or_last
            # ids: (tokens, top_k=8) i32
            g_ids = cute.make_tensor(ids_ptr + Int64(counted_row), cute.make_layout(1))
            t = g_ids[0]
            bin = t - first
            r_n_bins[step] = bin
            r_unknown_bins[step] = Int32(cutlass.select_(t < 0 or t >= 128, Int32(0), Int32(-1)))
        for step in cutlass.range_constexpr(4):
            if r_n_bins[step] >= 0 and r_n_bins[step] < 128 and counted + step * 32 < own_end:
                cute.arch.atomic_add(s_n_warps.iterator + (thread // 32 * 128 + r_n_bins[step]), Int32(1), sem="relaxed", scope="cta")
            if r_unknown_bins[step] >= 0 and r_unknown_bins[step] < 2 and counted + step * 32 < own_end:
                cute.arch.atomic_add(s_unknown_own.iterator + (r_unknown_bins[step]), Int32(1), sem="relaxed", scope="cta")
    for counted_1 in cutlass.range(cute.arch.block_idx_in_cluster() * 512 + thread, other_rows, 32768):
        r_n_bins_1 = cute.make_rmem_tensor((8,), Int32)
        r_unknown_bins_1 = cute.make_rmem_tensor((8,), Int32)
        for step_1 in cutlass.range_constexpr(8):
            place_or_last_1 = cute.math.min(counted_1 + step_1 * 4096, other_rows - 1)
            counted_row_1 = Int32(cutlass.select_(place_or_last_1 < cluster_begin, Int32(place_or_last_1), Int32(place_or_last_1 + cluster_rows)))
            # ids: (tokens, top_k=8) i32
            g_ids_1 = cute.make_tensor(ids_ptr + Int64(counted_row_1), cute.make_layout(1))
            t_1 = g_ids_1[0]
            bin_1 = t_1 - first
            r_n_bins_1[step_1] = bin_1
            r_unknown_bins_1[step_1] = Int32(cutlass.select_(t_1 < 0 or t_1 >= 128, Int32(0), Int32(-1)))
        for step_1 in cutlass.range_constexpr(8):
            if r_n_bins_1[step_1] >= 0 and r_n_bins_1[step_1] < 128 and counted_1 + step_1 * 4096 < other_rows:
                cute.arch.atomic_add(s_n_own.iterator + (Int32(cutlass.select_(counted_1 + step_1 * 4096 < cluster_begin, Int32(0), Int32(256))) + r_n_bins_1[step_1]), Int32(1), sem="relaxed", scope="cta")
            if r_unknown_bins_1[step_1] >= 0 and r_unknown_bins_1[step_1] < 2 and counted_1 + step_1 * 4096 < other_rows:
                cute.arch.atomic_add(s_unknown_own.iterator + (r_unknown_bins_1[step_1]), Int32(1), sem="relaxed", scope="cta")
    cute.arch.sync_threads()
    if thread < 128:
        own_sum = 0
        for each_warp in cutlass.range_constexpr(16):
            own_sum = own_sum + s_n_warps[each_warp * 128 + thread]
        s_n_own[128 + thread] = own_sum
    cute.arch.sync_threads()
    cute.arch.cluster_wait()
    if thread < 384:
        for peer in cutlass.range_constexpr(8):
            remote = cute.arch.map_dsmem_ptr(s_n_shown.iterator + (cute.arch.block_idx_in_cluster() * 384 + thread), Int32(peer))
            cute.arch.inline_ptx("st.shared::cluster.b32 [{$r0}], {$r1};", read_only_args=[remote.toint(), s_n_own[thread]])
    if thread < 2:
        for peer in cutlass.range_constexpr(8):
            remote = cute.arch.map_dsmem_ptr(s_unknown_shown.iterator + (cute.arch.block_idx_in_cluster() * 2 + thread), Int32(peer))
            cute.arch.inline_ptx("st.shared::cluster.b32 [{$r0}], {$r1};", read_only_args=[remote.toint(), s_unknown_own[thread]])
    cute.arch.cluster_arrive()
    cute.arch.cluster_wait()
    if thread < 128:
        sum = 0
        sum_before = 0
        for each_cta in cutlass.range_constexpr(8):
            sum = sum + s_n_shown[each_cta * 384 + thread]
            sum = sum + s_n_shown[each_cta * 384 + (128 + thread)]
            sum = sum + s_n_shown[each_cta * 384 + (256 + thread)]
            sum_before = sum_before + (s_n_shown[each_cta * 384 + thread] + Int32(cutlass.select_(each_cta < cute.arch.block_idx_in_cluster(), Int32(s_n_shown[each_cta * 384 + (128 + thread)]), Int32(0))))
        s_n[thread] = sum
        s_n_before[thread] = sum_before
    if thread < 2:
        sum_1 = 0
        for each_cta_1 in cutlass.range_constexpr(8):
            sum_1 = sum_1 + s_unknown_shown[each_cta_1 * 2 + thread]
        s_unknown[thread] = sum_1
    cute.arch.sync_threads()
    if thread < 128:
        start = s_n_before[thread]
        for each_warp_1 in cutlass.range_constexpr(16):
            count = s_n_warps[each_warp_1 * 128 + thread]
            s_n_warps[each_warp_1 * 128 + thread] = start
            start = start + count
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
    for each_warp_2 in cutlass.range_constexpr(4):
        base = base + Int32(cutlass.select_(each_warp_2 < warp, Int32(s_begin_warps[each_warp_2]), Int32(0)))
        total = total + s_begin_warps[each_warp_2]
    if position < 128:
        s_begin[position] = base + up_to - own
    cute.arch.sync_threads()
    for element_1 in cutlass.range(cta * 512 + thread, 2048, cute.arch.grid_dim()[0] * 512):
        past = s_n[element_1 // 16] + element_1 % 16
        padded_1 = (s_n[element_1 // 16] + 16 - 1) // 16 * 16
        hole = Int32(cutlass.select_(past < padded_1, Int32(s_begin[element_1 // 16] + past), Int32(-1)))
        # source: (rows) i32
        g_source = cute.make_tensor(source_ptr + Int64(hole), cute.make_layout(1))
        if Int64(hole) >= 0 and Int64(hole) < Int64(rows):
            g_source[0] = -1
    if cta * 512 + thread < 128:
        # counts: (experts=128) i32
        g_counts = cute.make_tensor(counts_ptr + (Int64(cta * 512 + thread)), cute.make_layout(1))
        g_counts[0] = s_n[cta * 512 + thread]
        # starts: (experts=128) i32
        g_starts = cute.make_tensor(starts_ptr + (Int64(cta * 512 + thread)), cute.make_layout(1))
        g_starts[0] = s_begin[cta * 512 + thread]
        # ends: (experts=128) i32
        g_ends = cute.make_tensor(ends_ptr + (Int64(cta * 512 + thread)), cute.make_layout(1))
        padded_2 = (s_n[cta * 512 + thread] + 16 - 1) // 16 * 16
        end = s_begin[cta * 512 + thread] + padded_2
        g_ends[0] = end
    if cta * 512 + thread < 2:
        # errors: (faults=2) i32
        g_errors = cute.make_tensor(errors_ptr + (Int64(cta * 512 + thread)), cute.make_layout(1))
        padded_3 = (s_n[127] + 16 - 1) // 16 * 16
        end_1 = s_begin[127] + padded_3
        short = cute.math.max(end_1 - Int32(Int64(rows)), 0)
        g_errors[0] = Int32(cutlass.select_(cta * 512 + thread == 0, Int32(s_unknown[cta * 512 + thread]), Int32(short)))
    for row_tile in cutlass.range(0, tiles_a_cta, 1):
        row = own_begin + row_tile * 32
        valid = row < tokens * 8
        own_row = own_begin + row_tile * 32
        own_bin = -1
        if own_row < tokens * 8:
            # ids: (tokens, top_k=8) i32
            g_ids_2 = cute.make_tensor(ids_ptr + Int64(own_row), cute.make_layout(1))
            t_2 = g_ids_2[0]
            bin_2 = t_2 - first
            bin_3 = bin_2
            if bin_3 >= 0 and bin_3 < 128:
                own_bin = bin_3
        same = same_lanes(own_bin)
        below = count_below(same)
        rank_in_expert = 0
        if own_bin >= 0:
            rank_in_expert = s_n_warps[thread // 32 * 128 + own_bin] + below
        cute.arch.sync_warp()
        if own_bin >= 0 and below == 0:
            s_n_warps[thread // 32 * 128 + own_bin] = s_n_warps[thread // 32 * 128 + own_bin] + cute.arch.popc(same)
        cute.arch.sync_warp()
        tokens_index = row // 8
        top_k_index = row % 8
        # ids: (tokens, top_k=8) i32
        g_ids_3 = cute.make_tensor(ids_ptr + (Int64(tokens_index) * 8 + Int64(top_k_index)), cute.make_layout(1))
        ids = 0
        if valid:
            ids = g_ids_3[0]
        # slot: (tokens, top_k=8) i32
        g_slot = cute.make_tensor(slot_ptr + (Int64(tokens_index) * 8 + Int64(top_k_index)), cute.make_layout(1))
        bin_4 = ids - first
        at = Int32(cutlass.select_(bin_4 >= 0 and bin_4 < 128, Int32(bin_4), Int32(0)))
        row_1 = Int32(cutlass.select_(bin_4 >= 0 and bin_4 < 128, Int32(s_begin[at]), Int32(0))) + rank_in_expert
        kept = bin_4 >= 0 and bin_4 < 128 and row_1 < Int32(Int64(rows))
        place = Int32(cutlass.select_(kept, Int32(row_1), Int32(-1)))
        if valid:
            g_slot[0] = place
        # source: (rows) i32
        g_source_1 = cute.make_tensor(source_ptr + Int64(place), cute.make_layout(1))
        if valid and Int64(place) >= 0 and Int64(place) < Int64(rows):
            g_source_1[0] = Int32(Int64(tokens_index))


@cute.jit
def launch(ids_ptr: cute.Pointer, slot_ptr: cute.Pointer, source_ptr: cute.Pointer, counts_ptr: cute.Pointer, starts_ptr: cute.Pointer, ends_ptr: cute.Pointer, errors_ptr: cute.Pointer, tokens: Int32, rows: Int32, first: Int32, stream):
    kernel.set_name_prefix("moe_permute", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(ids_ptr, slot_ptr, source_ptr, counts_ptr, starts_ptr, ends_ptr, errors_ptr, tokens, rows, first).launch(
        grid=((cute.math.max((tokens * 8 + 511) // 512, 1) + 7) // 8 * 8, 1, 1), block=(512, 1, 1), cluster=(8, 1, 1), min_blocks_per_mp=1, stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(Int32, 4),
        pointer(Int32, 4),
        pointer(Int32, 4),
        pointer(Int32, 4),
        pointer(Int32, 4),
        pointer(Int32, 4),
        pointer(Int32, 4),
        Int32(1),
        Int32(1),
        Int32(1),
        make_fake_stream(),
        options=options,
    )
