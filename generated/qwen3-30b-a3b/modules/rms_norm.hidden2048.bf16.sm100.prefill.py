# rms_norm.hidden2048.bf16.sm100.prefill: rendered by rose-gen, do not edit
# 
# Normalises each row by its root mean square; gated, the result is multiplied by silu of a gate; with
# unit_offset the weight is stored as its difference from 1.
# Source: arXiv 1910.07467, equation 4; the gated form and the unit offset as in the model code of Qwen3-Next
# and Gemma
# 
# target: sm100, prefill, dependent launch
# key: 57826a3c4505588e85e3bc58174ca95e9aeb4ed747c22a51e8729b63689f5a45
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 2048 elements a row, 16 at a time, 64 threads a row
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
    x_ptr: cute.Pointer,  # (tokens, hidden=2048) bf16
    weight_ptr: cute.Pointer,  # (hidden=2048) bf16
    out_ptr: cute.Pointer,  # (tokens, hidden=2048) bf16, written
    tokens: Int32,  # extent
    x_stride0: Int64,  # elements from one index of mode 0 of x to the next, a multiple of 16
    eps: Float32,
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    shared = cutlass.memory.SmemAllocator()
    s_sum = shared.allocate_tensor(Float32, cute.make_layout(4), byte_alignment=16)
    lane = thread % 64
    # weight: (hidden=2048) bf16
    g_weight = cute.make_tensor(weight_ptr, cute.make_layout((64, 16, 2), stride=(16, 1, 1024)))
    r_weight = cute.make_rmem_tensor((16, 2), BFloat16)
    for tile in cutlass.range_constexpr(2):
        r_weight[None, tile].store(g_weight[lane, None, tile].load())
    row = cta * 2 + thread // 64
    valid = row < tokens
    # x: (tokens, hidden=2048) bf16
    g_x = cute.make_tensor(x_ptr + cute.assume(Int64(row) * x_stride0, divby=16), cute.make_layout((64, 16, 2), stride=(16, 1, 1024)))
    r_x = cute.make_rmem_tensor((16, 2), BFloat16)
    r_x.fill(0)
    cute.arch.griddepcontrol_wait()
    cute.arch.griddepcontrol_launch_dependents()
    if valid:
        for tile in cutlass.range_constexpr(2):
            r_x[None, tile].store(g_x[lane, None, tile].load())
    sum = Float32(0.0)
    for tile in cutlass.range_constexpr(2):
        h = r_x[None, tile].load().to(Float32)
        sum = sum + fold_sum(h * h, 16)
    sum = reduce_sum(sum, 32, 1)
    if thread % 32 == 0:
        s_sum[thread // 32] = sum
    cute.arch.sync_threads()
    s_sum_row = cute.make_tensor(s_sum.iterator, cute.make_layout((2, 2), stride=(2, 1)))
    sum = fold_sum(s_sum_row[thread // 64, None].load(), 2)
    # out: (tokens, hidden=2048) bf16
    g_out = cute.make_tensor(out_ptr + cute.assume(Int64(row) * 2048, divby=16), cute.make_layout((64, 16, 2), stride=(16, 1, 1024)))
    rsqrt = refined_rsqrt(sum * 0.00048828125 + eps)
    if valid:
        for tile in cutlass.range_constexpr(2):
            h_1 = r_x[None, tile].load().to(Float32)
            w = r_weight[None, tile].load().to(Float32)
            y = h_1 * rsqrt * w
            g_out[lane, None, tile].store(y.to(BFloat16))


@cute.jit
def launch(x_ptr: cute.Pointer, weight_ptr: cute.Pointer, out_ptr: cute.Pointer, tokens: Int32, x_stride0: Int64, eps: Float32, stream):
    kernel.set_name_prefix("rms_norm", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(x_ptr, weight_ptr, out_ptr, tokens, x_stride0, eps).launch(
        grid=((tokens + 1) // 2, 1, 1), block=(128, 1, 1), stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(BFloat16, 32),
        pointer(BFloat16, 32),
        pointer(BFloat16, 32),
        Int32(1),
        Int64(1),
        Float32(1),
        make_fake_stream(),
        options=options,
    )
