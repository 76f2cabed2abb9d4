# qk_norm_rope_cache.page16.q_heads32.k_heads8.half64.bf16.bf16.f32.norm.sm90.prefill: rendered by rose-gen, do not edit
# 
# Takes the fused QKV row of each token apart - per-head RMSNorm of q and k (with norm), rotary embedding in
# the neox layout by the token's position, then q to its own tensor and k and v into a paged KV cache at the
# token's slot. Tokens with a slot below 0 are padding and reach no cache. With quantised, cache elements are
# divided by the scale of their tensor.
# Source: arXiv 2104.09864, equation 34; arXiv 1910.07467, equation 4; model card of Qwen3
# 
# target: sm90, prefill, dependent launch
# key: 1571e579eb327810fd6afaaeadb93a17a7e29f988dffb7b6ca5c2801c08cc21d
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: q: 4 positions of q_heads a thread: what does not vary along it is loaded once for them
# schedule: q: 512 elements a row, 8 at a time, 8 threads a row
# schedule: k: 4 positions of k_heads a thread: what does not vary along it is loaded once for them
# schedule: k: 512 elements a row, 8 at a time, 8 threads a row
# schedule: v: 8 positions of v_heads a thread: what does not vary along it is loaded once for them
# schedule: v: 512 elements a row, 8 at a time, 8 threads a row
# schedule: 128 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import BFloat16, Float32, Int32, Int64
from cutlass.cute.runtime import make_fake_stream, make_ptr


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
def reduce_sum(value: Float32, threads: cutlass.Constexpr, stride: cutlass.Constexpr) -> Float32:
    # butterfly over groups of `threads` lanes of a warp, `stride` lanes apart
    offset = threads * stride // 2
    while cutlass.const_expr(offset >= stride):
        other = cute.arch.shuffle_sync_bfly(value, offset=offset)
        value = value + other
        offset = offset // 2
    return value


@cute.jit
def refined_rsqrt(x: Float32) -> Float32:
    # rsqrt.approx is up to 2 units of the last place off
    y = cute.math.rsqrt(x)
    better = cute.math.fma(0.5 * y, cute.math.fma(-(x * y), y, Float32(1.0)), y)
    # 0 and infinity have no better one
    return better if better == better else y


@cute.kernel
def kernel(
    qkv_ptr: cute.Pointer,  # (tokens, heads=48, two=2, half=64) bf16
    q_weight_ptr: cute.Pointer,  # (two=2, half=64) bf16
    k_weight_ptr: cute.Pointer,  # (two=2, half=64) bf16
    cos_sin_ptr: cute.Pointer,  # (positions, two=2, half=64) f32
    position_ptr: cute.Pointer,  # (tokens) i64
    slot_ptr: cute.Pointer,  # (tokens) i64
    q_ptr: cute.Pointer,  # (tokens, q_heads=32, two=2, half=64) bf16, written
    k_cache_ptr: cute.Pointer,  # (pages, page=16, k_heads=8, two=2, half=64) bf16, written
    v_cache_ptr: cute.Pointer,  # (pages, page=16, v_heads=8, two=2, half=64) bf16, written
    tokens: Int32,  # extent
    positions: Int32,  # extent
    pages: Int32,  # extent
    qkv_stride0: Int64,  # elements from one index of mode 0 of qkv to the next, a multiple of 8
    eps: Float32,
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    # section q
    if cta < (tokens * 8 + 15) // 16:
        lane = thread % 8
        # q_weight: (two=2, half=64) bf16
        g_q_weight = cute.make_tensor(q_weight_ptr, cute.make_layout((8, 8, 2), stride=(8, 1, 64)))
        r_q_weight = cute.make_rmem_tensor((8, 2), BFloat16)
        for tile_two in cutlass.range_constexpr(2):
            r_q_weight[None, tile_two].store(g_q_weight[lane, None, tile_two].load())
        row = cta * 16 + thread // 8
        valid = row < tokens * 8
        tokens_index = row // 8
        # position: (tokens) i64
        g_position = cute.make_tensor(position_ptr + Int64(tokens_index), cute.make_layout(1))
        position = Int64(0)
        cute.arch.griddepcontrol_wait()
        cute.arch.griddepcontrol_launch_dependents()
        if valid:
            position = g_position[0]
        q_heads_4_index = row % 8
        # qkv: (tokens, heads=48, two=2, half=64) bf16
        g_qkv = cute.make_tensor(qkv_ptr + cute.assume(Int64(tokens_index) * qkv_stride0 + Int64(q_heads_4_index) * 512, divby=8), cute.make_layout((8, 8, 2, 4), stride=(8, 1, 64, 128)))
        r_qkv = cute.make_rmem_tensor((8, 2, 4), BFloat16)
        r_qkv.fill(0)
        if valid:
            for tile_q_heads_4 in cutlass.range_constexpr(4):
                for tile_two in cutlass.range_constexpr(2):
                    r_qkv[None, tile_two, tile_q_heads_4].store(g_qkv[lane, None, tile_two, tile_q_heads_4].load())
        # cos_sin: (positions, two=2, half=64) f32
        g_cos_sin = cute.make_tensor(cos_sin_ptr + cute.assume(position * 128, divby=4), cute.make_layout((8, 8), stride=(8, 1)))
        r_cos_sin = cute.make_rmem_tensor((8,), Float32)
        r_cos_sin.fill(0)
        # cos_sin: (positions, two=2, half=64) f32
        g_cos_sin_1 = cute.make_tensor(cos_sin_ptr + cute.assume(position * 128 + 64, divby=4), cute.make_layout((8, 8), stride=(8, 1)))
        r_cos_sin_1 = cute.make_rmem_tensor((8,), Float32)
        r_cos_sin_1.fill(0)
        if valid and position >= 0 and position < Int64(positions):
            r_cos_sin[None].store(g_cos_sin[lane, None].load())
            r_cos_sin_1[None].store(g_cos_sin_1[lane, None].load())
        r_sum = cute.make_rmem_tensor((4,), Float32)
        r_sum.fill(0)
        for tile_q_heads_4 in cutlass.range_constexpr(4):
            for tile_two in cutlass.range_constexpr(2):
                x = r_qkv[None, tile_two, tile_q_heads_4].load().to(Float32)
                r_sum[tile_q_heads_4] = r_sum[tile_q_heads_4] + fold_sum(x * x, 8)
        for tile_q_heads_4 in cutlass.range_constexpr(4):
            r_sum[tile_q_heads_4] = reduce_sum(r_sum[tile_q_heads_4], 8, 1)
        r_y = cute.make_rmem_tensor((8, 2, 4), Float32)
        for tile_q_heads_4 in cutlass.range_constexpr(4):
            for tile_two in cutlass.range_constexpr(2):
                x_1 = r_qkv[None, tile_two, tile_q_heads_4].load().to(Float32)
                y = x_1 * refined_rsqrt(r_sum[tile_q_heads_4] * 0.0078125 + eps) * r_q_weight[None, tile_two].load().to(Float32)
                r_y[None, tile_two, tile_q_heads_4].store(y)
        # q: (tokens, q_heads=32, two=2, half=64) bf16
        g_q = cute.make_tensor(q_ptr + cute.assume(Int64(tokens_index) * 4096 + Int64(q_heads_4_index) * 512, divby=8), cute.make_layout((8, 8, 2, 4), stride=(8, 1, 64, 128)))
        if valid:
            for tile_q_heads_4 in cutlass.range_constexpr(4):
                for tile_two in cutlass.range_constexpr(2):
                    turned = -r_y[None, 1 - tile_two, tile_q_heads_4].load() if tile_two == 0 else r_y[None, 1 - tile_two, tile_q_heads_4].load()
                    g_q[lane, None, tile_two, tile_q_heads_4].store((r_y[None, tile_two, tile_q_heads_4].load() * r_cos_sin[None].load() + turned * r_cos_sin_1[None].load()).to(BFloat16))
    # section k
    if cta >= (tokens * 8 + 15) // 16 and cta < (tokens * 8 + 15) // 16 + (tokens * 2 + 15) // 16:
        lane_1 = thread % 8
        # k_weight: (two=2, half=64) bf16
        g_k_weight = cute.make_tensor(k_weight_ptr, cute.make_layout((8, 8, 2), stride=(8, 1, 64)))
        r_k_weight = cute.make_rmem_tensor((8, 2), BFloat16)
        for tile_two_1 in cutlass.range_constexpr(2):
            r_k_weight[None, tile_two_1].store(g_k_weight[lane_1, None, tile_two_1].load())
        row_1 = (cta - (tokens * 8 + 15) // 16) * 16 + thread // 8
        valid_1 = row_1 < tokens * 2
        tokens_index_1 = row_1 // 2
        # position: (tokens) i64
        g_position_1 = cute.make_tensor(position_ptr + Int64(tokens_index_1), cute.make_layout(1))
        position_1 = Int64(0)
        cute.arch.griddepcontrol_wait()
        cute.arch.griddepcontrol_launch_dependents()
        if valid_1:
            position_1 = g_position_1[0]
        # slot: (tokens) i64
        g_slot = cute.make_tensor(slot_ptr + Int64(tokens_index_1), cute.make_layout(1))
        slot = Int64(0)
        if valid_1:
            slot = g_slot[0]
        k_heads_4_index = row_1 % 2
        # qkv: (tokens, heads=48, two=2, half=64) bf16
        g_qkv_1 = cute.make_tensor(qkv_ptr + cute.assume(Int64(tokens_index_1) * qkv_stride0 + 4096 + Int64(k_heads_4_index) * 512, divby=8), cute.make_layout((8, 8, 2, 4), stride=(8, 1, 64, 128)))
        r_qkv_1 = cute.make_rmem_tensor((8, 2, 4), BFloat16)
        r_qkv_1.fill(0)
        if valid_1:
            for tile_k_heads_4 in cutlass.range_constexpr(4):
                for tile_two_1 in cutlass.range_constexpr(2):
                    r_qkv_1[None, tile_two_1, tile_k_heads_4].store(g_qkv_1[lane_1, None, tile_two_1, tile_k_heads_4].load())
        # cos_sin: (positions, two=2, half=64) f32
        g_cos_sin_2 = cute.make_tensor(cos_sin_ptr + cute.assume(position_1 * 128, divby=4), cute.make_layout((8, 8), stride=(8, 1)))
        r_cos_sin_2 = cute.make_rmem_tensor((8,), Float32)
        r_cos_sin_2.fill(0)
        # cos_sin: (positions, two=2, half=64) f32
        g_cos_sin_3 = cute.make_tensor(cos_sin_ptr + cute.assume(position_1 * 128 + 64, divby=4), cute.make_layout((8, 8), stride=(8, 1)))
        r_cos_sin_3 = cute.make_rmem_tensor((8,), Float32)
        r_cos_sin_3.fill(0)
        if valid_1 and position_1 >= 0 and position_1 < Int64(positions):
            r_cos_sin_2[None].store(g_cos_sin_2[lane_1, None].load())
            r_cos_sin_3[None].store(g_cos_sin_3[lane_1, None].load())
        r_sum_1 = cute.make_rmem_tensor((4,), Float32)
        r_sum_1.fill(0)
        for tile_k_heads_4 in cutlass.range_constexpr(4):
            for tile_two_1 in cutlass.range_constexpr(2):
                x_2 = r_qkv_1[None, tile_two_1, tile_k_heads_4].load().to(Float32)
                r_sum_1[tile_k_heads_4] = r_sum_1[tile_k_heads_4] + fold_sum(x_2 * x_2, 8)
        for tile_k_heads_4 in cutlass.range_constexpr(4):
            r_sum_1[tile_k_heads_4] = reduce_sum(r_sum_1[tile_k_heads_4], 8, 1)
        r_y_1 = cute.make_rmem_tensor((8, 2, 4), Float32)
        for tile_k_heads_4 in cutlass.range_constexpr(4):
            for tile_two_1 in cutlass.range_constexpr(2):
                x_3 = r_qkv_1[None, tile_two_1, tile_k_heads_4].load().to(Float32)
                y_1 = x_3 * refined_rsqrt(r_sum_1[tile_k_heads_4] * 0.0078125 + eps) * r_k_weight[None, tile_two_1].load().to(Float32)
                r_y_1[None, tile_two_1, tile_k_heads_4].store(y_1)
        t = Int64(16)
        # k_cache: (pages, page=16, k_heads=8, two=2, half=64) bf16
        g_k_cache = cute.make_tensor(k_cache_ptr + cute.assume(slot // t * 16384 + slot % t * 1024 + Int64(k_heads_4_index) * 512, divby=8), cute.make_layout((8, 8, 2, 4), stride=(8, 1, 64, 128)))
        if valid_1 and slot // t >= 0 and slot // t < Int64(pages) and slot % t >= 0 and slot % t < 16 and slot >= 0:
            for tile_k_heads_4 in cutlass.range_constexpr(4):
                for tile_two_1 in cutlass.range_constexpr(2):
                    turned_1 = -r_y_1[None, 1 - tile_two_1, tile_k_heads_4].load() if tile_two_1 == 0 else r_y_1[None, 1 - tile_two_1, tile_k_heads_4].load()
                    k = r_y_1[None, tile_two_1, tile_k_heads_4].load() * r_cos_sin_2[None].load() + turned_1 * r_cos_sin_3[None].load()
                    g_k_cache[lane_1, None, tile_two_1, tile_k_heads_4].store(k.to(BFloat16))
    # section v
    if cta >= (tokens * 8 + 15) // 16 + (tokens * 2 + 15) // 16 and cta < (tokens * 8 + 15) // 16 + (tokens * 2 + 15) // 16 + (tokens * 2 + 15) // 16:
        lane_2 = thread % 8
        row_2 = (cta - ((tokens * 8 + 15) // 16 + (tokens * 2 + 15) // 16)) * 16 + thread // 8
        valid_2 = row_2 < tokens * 2
        tokens_index_2 = row_2 // 2
        # slot: (tokens) i64
        g_slot_1 = cute.make_tensor(slot_ptr + Int64(tokens_index_2), cute.make_layout(1))
        slot_1 = Int64(0)
        cute.arch.griddepcontrol_wait()
        cute.arch.griddepcontrol_launch_dependents()
        if valid_2:
            slot_1 = g_slot_1[0]
        two_index = row_2 % 2
        # qkv: (tokens, heads=48, two=2, half=64) bf16
        g_qkv_2 = cute.make_tensor(qkv_ptr + cute.assume(Int64(tokens_index_2) * qkv_stride0 + 5120 + Int64(two_index) * 64, divby=8), cute.make_layout((8, 8, 8), stride=(8, 1, 128)))
        r_qkv_2 = cute.make_rmem_tensor((8, 8), BFloat16)
        r_qkv_2.fill(0)
        if valid_2:
            for tile in cutlass.range_constexpr(8):
                r_qkv_2[None, tile].store(g_qkv_2[lane_2, None, tile].load())
        t_1 = Int64(16)
        # v_cache: (pages, page=16, v_heads=8, two=2, half=64) bf16
        g_v_cache = cute.make_tensor(v_cache_ptr + cute.assume(slot_1 // t_1 * 16384 + slot_1 % t_1 * 1024 + Int64(two_index) * 64, divby=8), cute.make_layout((8, 8, 8), stride=(8, 1, 128)))
        if valid_2 and slot_1 // t_1 >= 0 and slot_1 // t_1 < Int64(pages) and slot_1 % t_1 >= 0 and slot_1 % t_1 < 16 and slot_1 >= 0:
            for tile in cutlass.range_constexpr(8):
                v = r_qkv_2[None, tile].load().to(Float32)
                g_v_cache[lane_2, None, tile].store(v.to(BFloat16))


@cute.jit
def launch(qkv_ptr: cute.Pointer, q_weight_ptr: cute.Pointer, k_weight_ptr: cute.Pointer, cos_sin_ptr: cute.Pointer, position_ptr: cute.Pointer, slot_ptr: cute.Pointer, q_ptr: cute.Pointer, k_cache_ptr: cute.Pointer, v_cache_ptr: cute.Pointer, tokens: Int32, positions: Int32, pages: Int32, qkv_stride0: Int64, eps: Float32, stream):
    kernel.set_name_prefix("qk_norm_rope_cache", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(qkv_ptr, q_weight_ptr, k_weight_ptr, cos_sin_ptr, position_ptr, slot_ptr, q_ptr, k_cache_ptr, v_cache_ptr, tokens, positions, pages, qkv_stride0, eps).launch(
        grid=((tokens * 8 + 15) // 16 + (tokens * 2 + 15) // 16 + (tokens * 2 + 15) // 16, 1, 1), block=(128, 1, 1), min_blocks_per_mp=1, stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(BFloat16, 16),
        pointer(BFloat16, 16),
        pointer(BFloat16, 16),
        pointer(Float32, 16),
        pointer(Int64, 8),
        pointer(Int64, 8),
        pointer(BFloat16, 16),
        pointer(BFloat16, 16),
        pointer(BFloat16, 16),
        Int32(1),
        Int32(1),
        Int32(1),
        Int64(1),
        Float32(1),
        make_fake_stream(),
        options=options,
    )
