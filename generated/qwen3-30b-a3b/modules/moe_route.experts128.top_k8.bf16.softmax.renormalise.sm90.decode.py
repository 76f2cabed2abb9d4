# moe_route.experts128.top_k8.bf16.softmax.renormalise.sm90.decode: rendered by rose-gen, do not edit
# 
# Chooses top_k of the experts for each token, best first, and the weight of each. Scores are the softmax of
# the logits, or their sigmoid; biased, a bias is added to the score for the choice alone; renormalised, the
# weights of a token add up to 1; then they are multiplied by scale. Without a bias the logits are compared,
# whose order is that of the scores. Of equal experts the lower comes first; NaN counts as the largest. A NaN
# that is chosen makes the weights of its row NaN where they are renormalised; of softmax, so do a NaN
# anywhere, +inf and a row of nothing but -inf.
# Source: arXiv 2101.03961, equation 1; with sigmoid and bias arXiv 2412.19437, equations 13 to 16; router of
# Qwen3-MoE
# 
# target: sm90, decode, dependent launch
# key: 272e74063e9bbe0f1513f76e7025c8e248d51385859993552917c4944c01203b
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 128 elements a row, 2 at a time, one warp a row, which selects in registers
# schedule: 32 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import BFloat16, Float32, Int32, Int64
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
def order_key(value: Float32, ascending: cutlass.Constexpr) -> Int32:
    # an integer of the same order: NaN above every number, -0 as 0
    bits = (value + Float32(0.0)).bitcast(Int32)
    key = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    key = Int32(cutlass.select_(value == value, key, Int32(0x7FC00000)))
    if cutlass.const_expr(ascending):
        key = key ^ -1
    return key


@cute.jit
def placed_key(value: Float32, position: Int32, ascending: cutlass.Constexpr) -> Int32:
    # the high half of the key of a value that bf16 holds; below it the position, lower ones larger
    return (order_key(value, ascending) & -65536) | (65535 - position)


@cute.jit
def prefetch_l2(view: cute.Tensor):
    cute.arch.prefetch(view.iterator.llvm_ptr, cache_level="L2")


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


@cute.jit
def refined_rcp(x: Float32) -> Float32:
    # rcp.approx is up to 1 unit of the last place off
    y = cute.math.rcp(x, approx=True)
    better = cute.math.fma(y, cute.math.fma(-x, y, Float32(1.0)), y)
    # 0 and infinity have no better one
    return better if better == better else y


@cute.kernel
def kernel(
    logits_ptr: cute.Pointer,  # (tokens, experts=128) bf16
    ids_ptr: cute.Pointer,  # (tokens, top_k=8) i32, written
    weights_ptr: cute.Pointer,  # (tokens, top_k=8) f32, written
    tokens: Int32,  # extent
    scale: Float32,
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    cute.arch.griddepcontrol_launch_dependents()
    # logits: (tokens, experts=128) bf16
    g_logits = cute.make_tensor(logits_ptr + cute.assume(Int64(cta) * 128, divby=2), cute.make_layout((32, 2, 2), stride=(2, 1, 64)))
    r_logits = cute.make_rmem_tensor((2, 2), BFloat16)
    for tile in cutlass.range_constexpr(2):
        prefetch_l2(g_logits[thread, None, tile])
    # ids: (tokens, top_k=8) i32
    g_ids = cute.make_tensor(ids_ptr + (Int64(cta) * 8), cute.make_layout((32, 1), stride=(1, 0)))
    # weights: (tokens, top_k=8) f32
    g_weights = cute.make_tensor(weights_ptr + (Int64(cta) * 8), cute.make_layout((32, 1), stride=(1, 0)))
    cute.arch.griddepcontrol_wait()
    for tile in cutlass.range_constexpr(2):
        r_logits[None, tile].store(g_logits[thread, None, tile].load())
    max_ = Float32(float("-inf"))
    r_chosen_keys = cute.make_rmem_tensor((4,), Int32)
    r_chosen_keys_shift = cute.make_rmem_tensor((1,), Int32)
    r_chosen_keys_shift.fill(0)
    for tile in cutlass.range_constexpr(2):
        h = r_logits[None, tile].load().to(Float32)
        max_ = cute.math.max(max_, fold_max(h, 2), propagate_nan=True)
        r_value = cute.make_rmem_tensor((2,), Float32)
        r_value[None].store(h)
        for element in cutlass.range_constexpr(2):
            r_chosen_keys[tile * 2 + element] = placed_key(r_value[element], thread * 2 + tile * 64 + element, False)
    max_ = reduce_max(max_, 32, 1)
    r_chosen = cute.make_rmem_tensor((1,), Int32)
    r_chosen.fill(0)
    for round in cutlass.range_constexpr(8):
        # the largest key of the warp that is left
        best = -2147483648
        for element_1 in cutlass.range_constexpr(4):
            best = cute.math.max(best, r_chosen_keys[element_1] + r_chosen_keys_shift[0])
        best = cute.arch.warp_redux_sync(best, "max")
        found = 65535 - (best - r_chosen_keys_shift[0] & 65535)
        r_chosen_keys_shift[0] = r_chosen_keys_shift[0] + -2147483648 - best
        r_chosen[0] = Int32(cutlass.select_(thread == round, Int32(found), Int32(r_chosen[0])))
    sum = Float32(0.0)
    for tile in cutlass.range_constexpr(2):
        h_1 = r_logits[None, tile].load().to(Float32)
        e = cute.math.exp(h_1 - max_)
        sum = sum + fold_sum(e, 2)
    sum = reduce_sum(sum, 32, 1)
    r_logits_1 = cute.make_rmem_tensor((1,), BFloat16)
    r_logits_1.fill(0)
    r_index = cute.make_rmem_tensor((1,), Int32)
    r_index[None].store(r_chosen[None].load())
    for element_2 in cutlass.range_constexpr(1):
        if thread + element_2 < 8:
            # logits: (tokens, experts=128) bf16
            g_logits_1 = cute.make_tensor(logits_ptr + (Int64(cta) * 128 + Int64(r_index[element_2])), cute.make_layout(1))
            r_logits_1[element_2] = g_logits_1[0]
    r_picked = cute.make_rmem_tensor((1,), Float32)
    total = Float32(0.0)
    rcp = refined_rcp(sum)
    picked = cute.math.exp(r_logits_1[None].load().to(Float32) - max_) * rcp
    r_picked[None].store(picked)
    if thread < 8:
        total = total + fold_sum(picked, 1)
    if thread < 8:
        g_ids[thread, None].store(r_chosen[None].load())
    total = reduce_sum(total, 32, 1)
    rcp_1 = refined_rcp(total)
    share = r_picked[None].load() * rcp_1
    if thread < 8:
        g_weights[thread, None].store(share * scale)


@cute.jit
def launch(logits_ptr: cute.Pointer, ids_ptr: cute.Pointer, weights_ptr: cute.Pointer, tokens: Int32, scale: Float32, stream):
    kernel.set_name_prefix("moe_route", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(logits_ptr, ids_ptr, weights_ptr, tokens, scale).launch(
        grid=(tokens, 1, 1), block=(32, 1, 1), stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(BFloat16, 4),
        pointer(Int32, 4),
        pointer(Float32, 4),
        Int32(1),
        Float32(1),
        make_fake_stream(),
        options=options,
    )
