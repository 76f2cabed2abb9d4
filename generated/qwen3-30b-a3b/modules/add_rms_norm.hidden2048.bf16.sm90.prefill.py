# add_rms_norm.hidden2048.bf16.sm90.prefill: rendered by rose-gen, do not edit
# 
# Adds x to the residual stream in place and normalises the sum by its root mean square over hidden.
# Source: arXiv 1910.07467, equation 4
# 
# target: sm90, prefill, dependent launch
# key: cee79dbf464dcc3ba7829197b3088da06bd5cbfe957f508f72f7ba20b1926dee
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 2048 elements a row, 8 at a time, 128 threads a row
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
def load_hinted(view: cute.Tensor, priority: cutlass.Constexpr):
    values = cute.make_rmem_tensor_like(view)
    cute.autovec_copy(view, values, l1c_evict_priority=priority)
    return values.load()


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


@cute.jit
def store_hinted(view: cute.Tensor, value: cute.TensorSSA, priority: cutlass.Constexpr):
    values = cute.make_rmem_tensor_like(view)
    values.store(value)
    cute.autovec_copy(values, view, l1c_evict_priority=priority)


@cute.kernel
def kernel(
    x_ptr: cute.Pointer,  # (tokens, hidden=2048) bf16
    residual_ptr: cute.Pointer,  # (tokens, hidden=2048) bf16, updated in place
    weight_ptr: cute.Pointer,  # (hidden=2048) bf16
    out_ptr: cute.Pointer,  # (tokens, hidden=2048) bf16, written
    tokens: Int32,  # extent
    eps: Float32,
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    shared = cutlass.memory.SmemAllocator()
    s_sum = shared.allocate_tensor(Float32, cute.make_layout(4), byte_alignment=16)
    # weight: (hidden=2048) bf16
    g_weight = cute.make_tensor(weight_ptr, cute.make_layout((128, 8, 2), stride=(8, 1, 1024)))
    r_weight = cute.make_rmem_tensor((8, 2), BFloat16)
    for tile in cutlass.range_constexpr(2):
        r_weight[None, tile].store(g_weight[thread, None, tile].load())
    # x: (tokens, hidden=2048) bf16
    g_x = cute.make_tensor(x_ptr + cute.assume(Int64(cta) * 2048, divby=8), cute.make_layout((128, 8, 2), stride=(8, 1, 1024)))
    r_x = cute.make_rmem_tensor((8, 2), BFloat16)
    cute.arch.griddepcontrol_wait()
    cute.arch.griddepcontrol_launch_dependents()
    for tile in cutlass.range_constexpr(2):
        r_x[None, tile].store(load_hinted(g_x[thread, None, tile], cute.nvgpu.CacheEvictionPriority.NO_ALLOCATE))
    # residual: (tokens, hidden=2048) bf16
    g_residual = cute.make_tensor(residual_ptr + cute.assume(Int64(cta) * 2048, divby=8), cute.make_layout((128, 8, 2), stride=(8, 1, 1024)))
    r_residual = cute.make_rmem_tensor((8, 2), BFloat16)
    for tile in cutlass.range_constexpr(2):
        r_residual[None, tile].store(load_hinted(g_residual[thread, None, tile], cute.nvgpu.CacheEvictionPriority.NO_ALLOCATE))
    r_h = cute.make_rmem_tensor((8, 2), Float32)
    sum = Float32(0.0)
    for tile in cutlass.range_constexpr(2):
        h = r_x[None, tile].load().to(Float32) + r_residual[None, tile].load().to(Float32)
        r_h[None, tile].store(h)
        sum = sum + fold_sum(h * h, 8)
        store_hinted(g_residual[thread, None, tile], h.to(BFloat16), cute.nvgpu.CacheEvictionPriority.EVICT_FIRST)
    sum = reduce_sum(sum, 32, 1)
    if thread % 32 == 0:
        s_sum[thread // 32] = sum
    cute.arch.sync_threads()
    s_sum_row = cute.make_tensor(s_sum.iterator, cute.make_layout((1, 4), stride=(4, 1)))
    sum = fold_sum(s_sum_row[0, None].load(), 4)
    # out: (tokens, hidden=2048) bf16
    g_out = cute.make_tensor(out_ptr + cute.assume(Int64(cta) * 2048, divby=8), cute.make_layout((128, 8, 2), stride=(8, 1, 1024)))
    rsqrt = refined_rsqrt(sum * 0.00048828125 + eps)
    for tile in cutlass.range_constexpr(2):
        w = r_weight[None, tile].load().to(Float32)
        store_hinted(g_out[thread, None, tile], (r_h[None, tile].load() * rsqrt * w).to(BFloat16), cute.nvgpu.CacheEvictionPriority.EVICT_FIRST)


@cute.jit
def launch(x_ptr: cute.Pointer, residual_ptr: cute.Pointer, weight_ptr: cute.Pointer, out_ptr: cute.Pointer, tokens: Int32, eps: Float32, stream):
    kernel.set_name_prefix("add_rms_norm", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(x_ptr, residual_ptr, weight_ptr, out_ptr, tokens, eps).launch(
        grid=(tokens, 1, 1), block=(128, 1, 1), min_blocks_per_mp=1, stream=stream, use_pdl=True
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
        pointer(BFloat16, 16),
        Int32(1),
        Float32(1),
        make_fake_stream(),
        options=options,
    )
