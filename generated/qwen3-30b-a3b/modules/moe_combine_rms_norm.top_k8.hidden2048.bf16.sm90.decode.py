# moe_combine_rms_norm.top_k8.hidden2048.bf16.sm90.decode: rendered by rose-gen, do not edit
# 
# Sums each token's expert rows, weighted, in the order of its slots, and with shared a shared expert's row,
# which gated multiplies by the sigmoid of its gate; adds the sum to the residual stream in place and
# normalises that by its root mean square over hidden. A slot below 0 was dropped and adds nothing; past the
# rows are zeros.
# Source: arXiv 2101.03961, equation 2; arXiv 1910.07467, equation 4; the shared expert as in arXiv
# 2412.19437, equation 12, and its gate as in the model code of Qwen2-MoE and Qwen3-Next
# 
# target: sm90, decode, dependent launch
# key: 9211355bf2287ffe7c6a5a9c7b8e9614428ea735e9f7fa2fa7aa81e1bf4465e6
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 2048 elements a row, 8 at a time, 256 threads a row
# schedule: 256 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import BFloat16, Boolean, Float32, Int32, Int64
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
def index_mask(index, extent, bits: cutlass.Constexpr):
    # all ones where 0 <= index < extent, else 0; arithmetic, as conditions would keep loads apart
    return ((index - extent) & ~index) >> (bits - 1)


@cute.jit
def masked(mask: Int32, values: cute.TensorSSA):
    kept = cute.make_rmem_tensor(values.shape, values.dtype)
    kept.store(values)
    words = cute.recast_tensor(kept, Int32)
    for i in cutlass.range_constexpr(cute.size(words)):
        words[i] = words[i] & mask
    return kept.load()


@cute.jit
def prefetch_l2(view: cute.Tensor):
    cute.arch.prefetch(view.iterator.llvm_ptr, cache_level="L2")


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
    x_ptr: cute.Pointer,  # (rows, hidden=2048) bf16
    slot_ptr: cute.Pointer,  # (tokens, top_k=8) i32
    weight_ptr: cute.Pointer,  # (tokens, top_k=8) f32
    residual_ptr: cute.Pointer,  # (tokens, hidden=2048) bf16, updated in place
    gain_ptr: cute.Pointer,  # (hidden=2048) bf16
    out_ptr: cute.Pointer,  # (tokens, hidden=2048) bf16, written
    tokens: Int32,  # extent
    rows: Int32,  # extent
    eps: Float32,
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    shared = cutlass.memory.SmemAllocator()
    s_sum = shared.allocate_tensor(Float32, cute.make_layout(8), byte_alignment=16)
    cute.arch.griddepcontrol_launch_dependents()
    # gain: (hidden=2048) bf16
    g_gain = cute.make_tensor(gain_ptr, cute.make_layout((256, 8), stride=(8, 1)))
    r_gain = cute.make_rmem_tensor((8,), BFloat16)
    r_gain[None].store(g_gain[thread, None].load())
    # residual: (tokens, hidden=2048) bf16
    g_residual = cute.make_tensor(residual_ptr + cute.assume(Int64(cta) * 2048, divby=8), cute.make_layout((256, 8), stride=(8, 1)))
    r_residual = cute.make_rmem_tensor((8,), BFloat16)
    prefetch_l2(g_residual[thread, None])
    top_k_rest = Int32(cutlass.select_(rows > 0, Int32(8), Int32(0)))
    cute.arch.griddepcontrol_wait()
    r_residual[None].store(g_residual[thread, None].load())
    r_y = cute.make_rmem_tensor((8,), Float32)
    r_y.fill(0)
    for top_k_first in cutlass.range(0, top_k_rest, 8):
        # slot: (tokens, top_k=8) i32
        g_slot = cute.make_tensor(slot_ptr + (Int64(cta) * 8 + Int64(top_k_first)), cute.make_layout(1))
        slot = g_slot[0]
        # weight: (tokens, top_k=8) f32
        g_weight = cute.make_tensor(weight_ptr + (Int64(cta) * 8 + Int64(top_k_first)), cute.make_layout(1))
        weight = g_weight[0]
        # slot: (tokens, top_k=8) i32
        g_slot_1 = cute.make_tensor(slot_ptr + (Int64(cta) * 8 + Int64(top_k_first + 1)), cute.make_layout(1))
        slot_1 = g_slot_1[0]
        # weight: (tokens, top_k=8) f32
        g_weight_1 = cute.make_tensor(weight_ptr + (Int64(cta) * 8 + Int64(top_k_first + 1)), cute.make_layout(1))
        weight_1 = g_weight_1[0]
        # slot: (tokens, top_k=8) i32
        g_slot_2 = cute.make_tensor(slot_ptr + (Int64(cta) * 8 + Int64(top_k_first + 2)), cute.make_layout(1))
        slot_2 = g_slot_2[0]
        # weight: (tokens, top_k=8) f32
        g_weight_2 = cute.make_tensor(weight_ptr + (Int64(cta) * 8 + Int64(top_k_first + 2)), cute.make_layout(1))
        weight_2 = g_weight_2[0]
        # slot: (tokens, top_k=8) i32
        g_slot_3 = cute.make_tensor(slot_ptr + (Int64(cta) * 8 + Int64(top_k_first + 3)), cute.make_layout(1))
        slot_3 = g_slot_3[0]
        # weight: (tokens, top_k=8) f32
        g_weight_3 = cute.make_tensor(weight_ptr + (Int64(cta) * 8 + Int64(top_k_first + 3)), cute.make_layout(1))
        weight_3 = g_weight_3[0]
        # slot: (tokens, top_k=8) i32
        g_slot_4 = cute.make_tensor(slot_ptr + (Int64(cta) * 8 + Int64(top_k_first + 4)), cute.make_layout(1))
        slot_4 = g_slot_4[0]
        # weight: (tokens, top_k=8) f32
        g_weight_4 = cute.make_tensor(weight_ptr + (Int64(cta) * 8 + Int64(top_k_first + 4)), cute.make_layout(1))
        weight_4 = g_weight_4[0]
        # slot: (tokens, top_k=8) i32
        g_slot_5 = cute.make_tensor(slot_ptr + (Int64(cta) * 8 + Int64(top_k_first + 5)), cute.make_layout(1))
        slot_5 = g_slot_5[0]
        # weight: (tokens, top_k=8) f32
        g_weight_5 = cute.make_tensor(weight_ptr + (Int64(cta) * 8 + Int64(top_k_first + 5)), cute.make_layout(1))
        weight_5 = g_weight_5[0]
        # slot: (tokens, top_k=8) i32
        g_slot_6 = cute.make_tensor(slot_ptr + (Int64(cta) * 8 + Int64(top_k_first + 6)), cute.make_layout(1))
        slot_6 = g_slot_6[0]
        # weight: (tokens, top_k=8) f32
        g_weight_6 = cute.make_tensor(weight_ptr + (Int64(cta) * 8 + Int64(top_k_first + 6)), cute.make_layout(1))
        weight_6 = g_weight_6[0]
        # slot: (tokens, top_k=8) i32
        g_slot_7 = cute.make_tensor(slot_ptr + (Int64(cta) * 8 + Int64(top_k_first + 7)), cute.make_layout(1))
        slot_7 = g_slot_7[0]
        # weight: (tokens, top_k=8) f32
        g_weight_7 = cute.make_tensor(weight_ptr + (Int64(cta) * 8 + Int64(top_k_first + 7)), cute.make_layout(1))
        weight_7 = g_weight_7[0]
        # x: (rows, hidden=2048) bf16
        g_x = cute.make_tensor(x_ptr + cute.assume(Int64(slot & index_mask(slot, rows, 32)) * 2048, divby=8), cute.make_layout((256, 8), stride=(8, 1)))
        # x: (rows, hidden=2048) bf16
        g_x_1 = cute.make_tensor(x_ptr + cute.assume(Int64(slot_1 & index_mask(slot_1, rows, 32)) * 2048, divby=8), cute.make_layout((256, 8), stride=(8, 1)))
        # x: (rows, hidden=2048) bf16
        g_x_2 = cute.make_tensor(x_ptr + cute.assume(Int64(slot_2 & index_mask(slot_2, rows, 32)) * 2048, divby=8), cute.make_layout((256, 8), stride=(8, 1)))
        # x: (rows, hidden=2048) bf16
        g_x_3 = cute.make_tensor(x_ptr + cute.assume(Int64(slot_3 & index_mask(slot_3, rows, 32)) * 2048, divby=8), cute.make_layout((256, 8), stride=(8, 1)))
        # x: (rows, hidden=2048) bf16
        g_x_4 = cute.make_tensor(x_ptr + cute.assume(Int64(slot_4 & index_mask(slot_4, rows, 32)) * 2048, divby=8), cute.make_layout((256, 8), stride=(8, 1)))
        # x: (rows, hidden=2048) bf16
        g_x_5 = cute.make_tensor(x_ptr + cute.assume(Int64(slot_5 & index_mask(slot_5, rows, 32)) * 2048, divby=8), cute.make_layout((256, 8), stride=(8, 1)))
        # x: (rows, hidden=2048) bf16
        g_x_6 = cute.make_tensor(x_ptr + cute.assume(Int64(slot_6 & index_mask(slot_6, rows, 32)) * 2048, divby=8), cute.make_layout((256, 8), stride=(8, 1)))
        # x: (rows, hidden=2048) bf16
        g_x_7 = cute.make_tensor(x_ptr + cute.assume(Int64(slot_7 & index_mask(slot_7, rows, 32)) * 2048, divby=8), cute.make_layout((256, 8), stride=(8, 1)))
        x = g_x[thread, None].load()
        x_1 = g_x_1[thread, None].load()
        x_2 = g_x_2[thread, None].load()
        x_3 = g_x_3[thread, None].load()
        x_4 = g_x_4[thread, None].load()
        x_5 = g_x_5[thread, None].load()
        x_6 = g_x_6[thread, None].load()
        x_7 = g_x_7[thread, None].load()
        r_y[None].store(r_y[None].load() + cute.where(cute.full((8,), slot >= 0, Boolean), weight * masked(Int32(index_mask(slot, rows, 32)), x).to(Float32), cute.full((8,), Float32(0.0), Float32)))
        r_y[None].store(r_y[None].load() + cute.where(cute.full((8,), slot_1 >= 0, Boolean), weight_1 * masked(Int32(index_mask(slot_1, rows, 32)), x_1).to(Float32), cute.full((8,), Float32(0.0), Float32)))
        r_y[None].store(r_y[None].load() + cute.where(cute.full((8,), slot_2 >= 0, Boolean), weight_2 * masked(Int32(index_mask(slot_2, rows, 32)), x_2).to(Float32), cute.full((8,), Float32(0.0), Float32)))
        r_y[None].store(r_y[None].load() + cute.where(cute.full((8,), slot_3 >= 0, Boolean), weight_3 * masked(Int32(index_mask(slot_3, rows, 32)), x_3).to(Float32), cute.full((8,), Float32(0.0), Float32)))
        r_y[None].store(r_y[None].load() + cute.where(cute.full((8,), slot_4 >= 0, Boolean), weight_4 * masked(Int32(index_mask(slot_4, rows, 32)), x_4).to(Float32), cute.full((8,), Float32(0.0), Float32)))
        r_y[None].store(r_y[None].load() + cute.where(cute.full((8,), slot_5 >= 0, Boolean), weight_5 * masked(Int32(index_mask(slot_5, rows, 32)), x_5).to(Float32), cute.full((8,), Float32(0.0), Float32)))
        r_y[None].store(r_y[None].load() + cute.where(cute.full((8,), slot_6 >= 0, Boolean), weight_6 * masked(Int32(index_mask(slot_6, rows, 32)), x_6).to(Float32), cute.full((8,), Float32(0.0), Float32)))
        r_y[None].store(r_y[None].load() + cute.where(cute.full((8,), slot_7 >= 0, Boolean), weight_7 * masked(Int32(index_mask(slot_7, rows, 32)), x_7).to(Float32), cute.full((8,), Float32(0.0), Float32)))
    for top_k_index in cutlass.range(top_k_rest, 8, 1, unroll=4):
        # slot: (tokens, top_k=8) i32
        g_slot_8 = cute.make_tensor(slot_ptr + (Int64(cta) * 8 + Int64(top_k_index)), cute.make_layout(1))
        # weight: (tokens, top_k=8) f32
        g_weight_8 = cute.make_tensor(weight_ptr + (Int64(cta) * 8 + Int64(top_k_index)), cute.make_layout(1))
        # x: (rows, hidden=2048) bf16
        g_x_8 = cute.make_tensor(x_ptr + cute.assume(Int64(g_slot_8[0]) * 2048, divby=8), cute.make_layout((256, 8), stride=(8, 1)))
        r_x = cute.make_rmem_tensor((8,), BFloat16)
        r_x.fill(0)
        if Int64(g_slot_8[0]) >= 0 and Int64(g_slot_8[0]) < Int64(rows):
            r_x[None].store(g_x_8[thread, None].load())
        r_y[None].store(r_y[None].load() + cute.where(cute.full((8,), g_slot_8[0] >= 0, Boolean), g_weight_8[0] * r_x[None].load().to(Float32), cute.full((8,), Float32(0.0), Float32)))
    r_h = cute.make_rmem_tensor((8,), Float32)
    sum = Float32(0.0)
    h = r_y[None].load() + r_residual[None].load().to(Float32)
    r_h[None].store(h)
    sum = sum + fold_sum(h * h, 8)
    g_residual[thread, None].store(h.to(BFloat16))
    sum = reduce_sum(sum, 32, 1)
    if thread % 32 == 0:
        s_sum[thread // 32] = sum
    cute.arch.sync_threads()
    s_sum_row = cute.make_tensor(s_sum.iterator, cute.make_layout((1, 8), stride=(8, 1)))
    sum = fold_sum(s_sum_row[0, None].load(), 8)
    # out: (tokens, hidden=2048) bf16
    g_out = cute.make_tensor(out_ptr + cute.assume(Int64(cta) * 2048, divby=8), cute.make_layout((256, 8), stride=(8, 1)))
    rsqrt = refined_rsqrt(sum * 0.00048828125 + eps)
    g = r_gain[None].load().to(Float32)
    g_out[thread, None].store((r_h[None].load() * rsqrt * g).to(BFloat16))


@cute.jit
def launch(x_ptr: cute.Pointer, slot_ptr: cute.Pointer, weight_ptr: cute.Pointer, residual_ptr: cute.Pointer, gain_ptr: cute.Pointer, out_ptr: cute.Pointer, tokens: Int32, rows: Int32, eps: Float32, stream):
    kernel.set_name_prefix("moe_combine_rms_norm", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(x_ptr, slot_ptr, weight_ptr, residual_ptr, gain_ptr, out_ptr, tokens, rows, eps).launch(
        grid=(tokens, 1, 1), block=(256, 1, 1), min_blocks_per_mp=1, stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(BFloat16, 16),
        pointer(Int32, 4),
        pointer(Float32, 4),
        pointer(BFloat16, 16),
        pointer(BFloat16, 16),
        pointer(BFloat16, 16),
        Int32(1),
        Int32(1),
        Float32(1),
        make_fake_stream(),
        options=options,
    )
