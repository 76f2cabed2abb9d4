# token_logprob.vocab151936.f32.sm100.prefill: rendered by rose-gen, do not edit
# 
# The logarithm of the probability of one token of each row, which was drawn or which a prompt holds, and its
# place: how many tokens are likelier, or as likely and lower. A token out of range has logarithm -inf and
# place -1. A NaN makes the row's logarithm NaN and is ahead of no token.
# Source: the log-softmax of one logit, as `top_logprobs` computes it
# 
# target: sm100, prefill, dependent launch
# key: b99d8517ce854aac260355460e3514b883b08c23fb58a64db2cb9cdaae21620a
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 151936 elements a row, 8 at a time, 960 threads of each of 2 CTAs
# schedule: each pass loads the row again: a batch of such rows stays in the L2 cache
# schedule: 960 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import Float32, Int32, Int64
from cutlass.cute.runtime import make_fake_stream, make_ptr


@cute.jit
def fold_max(values: cute.TensorSSA, count: cutlass.Constexpr):
    # the second half on the first, again and again: a tree has fewer steps in a row than a chain
    parts = cute.make_rmem_tensor((count,), values.dtype)
    parts.store(values)
    while cutlass.const_expr(count > 1):
        half = (count + 1) // 2
        for i in cutlass.range_constexpr(count - half):
            parts[i] = cute.math.max(parts[i], parts[i + half], propagate_nan=True)
        count = half
    return parts[0]


@cute.jit
def fold_sum(values: cute.TensorSSA, count: cutlass.Constexpr):
    # the second half on the first, again and again: a tree has fewer steps in a row than a chain
    parts = cute.make_rmem_tensor((count,), values.dtype)
    parts.store(values)
    while cutlass.const_expr(count > 1):
        half = (count + 1) // 2
        for i in cutlass.range_constexpr(count - half):
            parts[i] = parts[i] + parts[i + half]
        count = half
    return parts[0]


@cute.jit
def iota(count: cutlass.Constexpr, dtype: cutlass.Constexpr):
    # 0, 1, ... count - 1
    positions = cute.make_rmem_tensor((count,), dtype)
    for i in cutlass.range_constexpr(count):
        positions[i] = dtype(i)
    return positions.load()


@cute.jit
def order_key(value: Float32, ascending: cutlass.Constexpr) -> Int32:
    # an integer of the same order: NaN above every number, -0 as 0
    bits = (value + Float32(0.0)).bitcast(Int32)
    key = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    key = Int32(cutlass.select_(value == value, key, Int32(0x7FC00000)))
    if cutlass.const_expr(ascending):
        key = key ^ -1
    return key


@cute.jit
def reduce_max(value: Float32, threads: cutlass.Constexpr, stride: cutlass.Constexpr) -> Float32:
    # butterfly over groups of `threads` lanes of a warp, `stride` lanes apart
    offset = threads * stride // 2
    while cutlass.const_expr(offset >= stride):
        other = cute.arch.shuffle_sync_bfly(value, offset=offset)
        value = cute.math.max(value, other, propagate_nan=True)
        offset = offset // 2
    return value


@cute.jit
def reduce_sum(value: Float32, threads: cutlass.Constexpr, stride: cutlass.Constexpr) -> Float32:
    # butterfly over groups of `threads` lanes of a warp, `stride` lanes apart
    offset = threads * stride // 2
    while cutlass.const_expr(offset >= stride):
        other = cute.arch.shuffle_sync_bfly(value, offset=offset)
        value = value + other
        offset = offset // 2
    return value


@cute.kernel
def kernel(
    logits_ptr: cute.Pointer,  # (rows, vocab=151936) f32
    token_ptr: cute.Pointer,  # (rows) i32
    logprob_ptr: cute.Pointer,  # (rows) f32, written
    place_ptr: cute.Pointer,  # (rows) i32, written
    rows: Int32,  # extent
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    shared = cutlass.memory.SmemAllocator()
    s_argmax_best_key = shared.allocate_tensor(Int32, cute.make_layout(60), byte_alignment=16)
    s_argmax_at_found = shared.allocate_tensor(Int32, cute.make_layout(60), byte_alignment=16)
    s_m = shared.allocate_tensor(Float32, cute.make_layout(60), byte_alignment=16)
    s_sum = shared.allocate_tensor(Float32, cute.make_layout(60), byte_alignment=16)
    s_rest = shared.allocate_tensor(Float32, cute.make_layout(60), byte_alignment=16)
    # every CTA of the cluster runs: its shared memory may be written
    cute.arch.cluster_arrive()
    row = cta // 2
    m = Float32(float("-inf"))
    sum = Float32(0.0)
    argmax_best = Int32(-2147483648)
    argmax_at = Int32(2147483647)
    # logits: (rows, vocab=151936) f32
    g_logits = cute.make_tensor(logits_ptr + cute.assume(Int64(row) * 151936 + Int64(cute.arch.block_idx_in_cluster() * 76800), divby=8), cute.make_layout((960, 8, 10), stride=(8, 1, 7680)))
    # token: (rows) i32
    g_token = cute.make_tensor(token_ptr + Int64(row), cute.make_layout(1))
    cute.arch.griddepcontrol_wait()
    cute.arch.griddepcontrol_launch_dependents()
    t = g_token[0]
    # logits: (rows, vocab=151936) f32
    g_logits_1 = cute.make_tensor(logits_ptr + (Int64(row) * 151936 + Int64(t)), cute.make_layout(1))
    own = Float32(0.0)
    if Int64(t) >= 0 and Int64(t) < 151936:
        own = g_logits_1[0]
    for tile in cutlass.range(0, cute.math.max(cute.math.min((151936 - cute.arch.block_idx_in_cluster() * 76800) // 7680, 10), 0), 1, unroll=2):
        m = cute.math.max(m, fold_max(g_logits[thread, None, tile].load(), 8), propagate_nan=True)
        t_1 = iota(8, Int32) + cute.full((8,), cute.arch.block_idx_in_cluster() * 76800 + thread * 8 + tile * 7680, Int32)
        ahead = (g_logits[thread, None, tile].load() > own) | (g_logits[thread, None, tile].load() == own) & (t_1 < t)
        sum = sum + fold_sum(cute.where(ahead, cute.full((8,), Float32(1.0), Float32), cute.full((8,), Float32(0.0), Float32)), 8)
        r_value = cute.make_rmem_tensor((8,), Float32)
        r_value[None].store(g_logits[thread, None, tile].load())
        for element in cutlass.range_constexpr(8):
            candidate = order_key(r_value[element], False)
            if candidate > argmax_best:
                argmax_best = candidate
                argmax_at = cute.arch.block_idx_in_cluster() * 76800 + thread * 8 + tile * 7680 + element
    for tile in cutlass.range(cute.math.max(cute.math.min((151936 - cute.arch.block_idx_in_cluster() * 76800) // 7680, 10), 0), 10, 1):
        r_logits = cute.make_rmem_tensor((8,), Float32)
        r_logits.fill(0)
        if cute.arch.block_idx_in_cluster() * 76800 + thread * 8 + tile * 7680 < 151936:
            r_logits[None].store(g_logits[thread, None, tile].load())
            m = cute.math.max(m, fold_max(r_logits[None].load(), 8), propagate_nan=True)
        t_2 = iota(8, Int32) + cute.full((8,), cute.arch.block_idx_in_cluster() * 76800 + thread * 8 + tile * 7680, Int32)
        ahead_1 = (r_logits[None].load() > own) | (r_logits[None].load() == own) & (t_2 < t)
        if cute.arch.block_idx_in_cluster() * 76800 + thread * 8 + tile * 7680 < 151936:
            sum = sum + fold_sum(cute.where(ahead_1, cute.full((8,), Float32(1.0), Float32), cute.full((8,), Float32(0.0), Float32)), 8)
        if cute.arch.block_idx_in_cluster() * 76800 + thread * 8 + tile * 7680 < 151936:
            r_value_1 = cute.make_rmem_tensor((8,), Float32)
            r_value_1[None].store(r_logits[None].load())
            for element_1 in cutlass.range_constexpr(8):
                candidate_1 = order_key(r_value_1[element_1], False)
                if candidate_1 > argmax_best:
                    argmax_best = candidate_1
                    argmax_at = cute.arch.block_idx_in_cluster() * 76800 + thread * 8 + tile * 7680 + element_1
    argmax_best_key = argmax_best
    argmax_at_found = argmax_at
    argmax_best_key_most = cute.arch.warp_redux_sync(argmax_best_key, "max")
    argmax_at_found = cute.arch.warp_redux_sync(Int32(cutlass.select_(argmax_best_key == argmax_best_key_most, Int32(argmax_at_found), Int32(2147483647))), "min")
    argmax_best_key = argmax_best_key_most
    cute.arch.cluster_wait()
    if thread % 32 == 0:
        for peer in cutlass.range_constexpr(2):
            remote = cute.arch.map_dsmem_ptr(s_argmax_best_key.iterator + (cute.arch.block_idx_in_cluster() * 30 + thread // 32), Int32(peer))
            cute.arch.inline_ptx("st.shared::cluster.b32 [{$r0}], {$r1};", read_only_args=[remote.toint(), argmax_best_key])
        for peer in cutlass.range_constexpr(2):
            remote = cute.arch.map_dsmem_ptr(s_argmax_at_found.iterator + (cute.arch.block_idx_in_cluster() * 30 + thread // 32), Int32(peer))
            cute.arch.inline_ptx("st.shared::cluster.b32 [{$r0}], {$r1};", read_only_args=[remote.toint(), argmax_at_found])
    cute.arch.cluster_arrive()
    cute.arch.cluster_wait()
    argmax_best_key = Int32(-2147483648)
    argmax_at_found = Int32(2147483647)
    for part in cutlass.range_constexpr(2):
        if thread % 32 + part * 32 < 60:
            argmax_best_key_other = s_argmax_best_key[thread % 32 + part * 32]
            argmax_at_found_other = s_argmax_at_found[thread % 32 + part * 32]
            if argmax_best_key_other > argmax_best_key or argmax_best_key_other == argmax_best_key and argmax_at_found_other < argmax_at_found:
                argmax_best_key = argmax_best_key_other
                argmax_at_found = argmax_at_found_other
    argmax_best_key_most_1 = cute.arch.warp_redux_sync(argmax_best_key, "max")
    argmax_at_found = cute.arch.warp_redux_sync(Int32(cutlass.select_(argmax_best_key == argmax_best_key_most_1, Int32(argmax_at_found), Int32(2147483647))), "min")
    argmax_best_key = argmax_best_key_most_1
    argmax = Int32(cutlass.select_(argmax_at_found == 2147483647, Int32(0), Int32(argmax_at_found)))
    m = reduce_max(m, 32, 1)
    sum = reduce_sum(sum, 32, 1)
    if thread % 32 == 0:
        for peer in cutlass.range_constexpr(2):
            remote = cute.arch.map_dsmem_ptr(s_m.iterator + (cute.arch.block_idx_in_cluster() * 30 + thread // 32), Int32(peer))
            cute.arch.inline_ptx("st.shared::cluster.f32 [{$r0}], {$r1};", read_only_args=[remote.toint(), m])
        for peer in cutlass.range_constexpr(2):
            remote = cute.arch.map_dsmem_ptr(s_sum.iterator + (cute.arch.block_idx_in_cluster() * 30 + thread // 32), Int32(peer))
            cute.arch.inline_ptx("st.shared::cluster.f32 [{$r0}], {$r1};", read_only_args=[remote.toint(), sum])
    cute.arch.cluster_arrive()
    cute.arch.cluster_wait()
    s_m_row = cute.make_tensor(s_m.iterator, cute.make_layout((1, 60), stride=(60, 1)))
    m = fold_max(s_m_row[0, None].load(), 60)
    s_sum_row = cute.make_tensor(s_sum.iterator, cute.make_layout((1, 60), stride=(60, 1)))
    sum = fold_sum(s_sum_row[0, None].load(), 60)
    rest = Float32(0.0)
    for tile in cutlass.range(0, cute.math.max(cute.math.min((151936 - cute.arch.block_idx_in_cluster() * 76800) // 7680, 10), 0), 1, unroll=2):
        t_3 = iota(8, Int32) + cute.full((8,), cute.arch.block_idx_in_cluster() * 76800 + thread * 8 + tile * 7680, Int32)
        rest = rest + fold_sum(cute.where(t_3 == argmax, cute.full((8,), Float32(0.0), Float32), cute.math.exp(g_logits[thread, None, tile].load() - m)), 8)
    for tile in cutlass.range(cute.math.max(cute.math.min((151936 - cute.arch.block_idx_in_cluster() * 76800) // 7680, 10), 0), 10, 1):
        t_4 = iota(8, Int32) + cute.full((8,), cute.arch.block_idx_in_cluster() * 76800 + thread * 8 + tile * 7680, Int32)
        r_logits_1 = cute.make_rmem_tensor((8,), Float32)
        r_logits_1.fill(0)
        if cute.arch.block_idx_in_cluster() * 76800 + thread * 8 + tile * 7680 < 151936:
            r_logits_1[None].store(g_logits[thread, None, tile].load())
            rest = rest + fold_sum(cute.where(t_4 == argmax, cute.full((8,), Float32(0.0), Float32), cute.math.exp(r_logits_1[None].load() - m)), 8)
    rest = reduce_sum(rest, 32, 1)
    if thread % 32 == 0:
        for peer in cutlass.range_constexpr(2):
            remote = cute.arch.map_dsmem_ptr(s_rest.iterator + (cute.arch.block_idx_in_cluster() * 30 + thread // 32), Int32(peer))
            cute.arch.inline_ptx("st.shared::cluster.f32 [{$r0}], {$r1};", read_only_args=[remote.toint(), rest])
    cute.arch.cluster_arrive()
    cute.arch.cluster_wait()
    s_rest_row = cute.make_tensor(s_rest.iterator, cute.make_layout((1, 60), stride=(60, 1)))
    rest = fold_sum(s_rest_row[0, None].load(), 60)
    # logprob: (rows) f32
    g_logprob = cute.make_tensor(logprob_ptr + Int64(row), cute.make_layout(1))
    held = t >= 0 and t < 151936
    total = Float32(cutlass.select_(rest < 0.0078125, Float32(rest * (1 - rest * (0.5 - rest * 0.333333343))), Float32(cute.math.log(1 + rest))))
    # place: (rows) i32
    g_place = cute.make_tensor(place_ptr + Int64(row), cute.make_layout(1))
    if thread == 0 and cute.arch.block_idx_in_cluster() == 0:
        g_logprob[0] = Float32(cutlass.select_(held, Float32(own - m - total), Float32(Float32(float("-inf")))))
        g_place[0] = Int32(cutlass.select_(held, Int32(Int32(sum)), Int32(-1)))


@cute.jit
def launch(logits_ptr: cute.Pointer, token_ptr: cute.Pointer, logprob_ptr: cute.Pointer, place_ptr: cute.Pointer, rows: Int32, stream):
    kernel.set_name_prefix("token_logprob", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(logits_ptr, token_ptr, logprob_ptr, place_ptr, rows).launch(
        grid=(rows * 2, 1, 1), block=(960, 1, 1), cluster=(2, 1, 1), min_blocks_per_mp=1, stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(Float32, 32),
        pointer(Int32, 4),
        pointer(Float32, 4),
        pointer(Int32, 4),
        Int32(1),
        make_fake_stream(),
        options=options,
    )
