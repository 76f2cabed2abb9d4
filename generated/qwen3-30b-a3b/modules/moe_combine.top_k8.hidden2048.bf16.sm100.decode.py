# moe_combine.top_k8.hidden2048.bf16.sm100.decode: rendered by rose-gen, do not edit
# 
# Sums each token's expert rows, weighted, in the order of its slots; a slot below 0 was dropped and adds
# nothing, past the rows are zeros. With shared, a shared expert's row is added, which gated multiplies by the
# sigmoid of its gate; with residual, the residual stream.
# Source: arXiv 2101.03961, equation 2; the shared expert as in arXiv 2412.19437, equation 12, and its gate as
# in the model code of Qwen2-MoE and Qwen3-Next
# 
# target: sm100, decode, dependent launch
# key: e654534ce5d522a541862487178fe8930d9f6d25ab89f40dd5620cb19a436146
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 2048 elements a row, 16 at a time, 128 threads a row
# schedule: 128 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import BFloat16, Boolean, Float32, Int32, Int64
from cutlass.cute.runtime import make_fake_stream, make_ptr


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


@cute.kernel
def kernel(
    x_ptr: cute.Pointer,  # (rows, hidden=2048) bf16
    slot_ptr: cute.Pointer,  # (tokens, top_k=8) i32
    weight_ptr: cute.Pointer,  # (tokens, top_k=8) f32
    out_ptr: cute.Pointer,  # (tokens, hidden=2048) bf16, written
    tokens: Int32,  # extent
    rows: Int32,  # extent
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    cute.arch.griddepcontrol_launch_dependents()
    r_y = cute.make_rmem_tensor((16,), Float32)
    r_y.fill(0)
    top_k_rest = Int32(cutlass.select_(rows > 0, Int32(8), Int32(0)))
    # out: (tokens, hidden=2048) bf16
    g_out = cute.make_tensor(out_ptr + cute.assume(Int64(cta) * 2048, divby=16), cute.make_layout((128, 16), stride=(16, 1)))
    cute.arch.griddepcontrol_wait()
    for top_k_first in cutlass.range(0, top_k_rest, 4):
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
        # x: (rows, hidden=2048) bf16
        g_x = cute.make_tensor(x_ptr + cute.assume(Int64(slot & index_mask(slot, rows, 32)) * 2048, divby=16), cute.make_layout((128, 16), stride=(16, 1)))
        # x: (rows, hidden=2048) bf16
        g_x_1 = cute.make_tensor(x_ptr + cute.assume(Int64(slot_1 & index_mask(slot_1, rows, 32)) * 2048, divby=16), cute.make_layout((128, 16), stride=(16, 1)))
        # x: (rows, hidden=2048) bf16
        g_x_2 = cute.make_tensor(x_ptr + cute.assume(Int64(slot_2 & index_mask(slot_2, rows, 32)) * 2048, divby=16), cute.make_layout((128, 16), stride=(16, 1)))
        # x: (rows, hidden=2048) bf16
        g_x_3 = cute.make_tensor(x_ptr + cute.assume(Int64(slot_3 & index_mask(slot_3, rows, 32)) * 2048, divby=16), cute.make_layout((128, 16), stride=(16, 1)))
        x = g_x[thread, None].load()
        x_1 = g_x_1[thread, None].load()
        x_2 = g_x_2[thread, None].load()
        x_3 = g_x_3[thread, None].load()
        r_y[None].store(r_y[None].load() + cute.where(cute.full((16,), slot >= 0, Boolean), weight * masked(Int32(index_mask(slot, rows, 32)), x).to(Float32), cute.full((16,), Float32(0.0), Float32)))
        r_y[None].store(r_y[None].load() + cute.where(cute.full((16,), slot_1 >= 0, Boolean), weight_1 * masked(Int32(index_mask(slot_1, rows, 32)), x_1).to(Float32), cute.full((16,), Float32(0.0), Float32)))
        r_y[None].store(r_y[None].load() + cute.where(cute.full((16,), slot_2 >= 0, Boolean), weight_2 * masked(Int32(index_mask(slot_2, rows, 32)), x_2).to(Float32), cute.full((16,), Float32(0.0), Float32)))
        r_y[None].store(r_y[None].load() + cute.where(cute.full((16,), slot_3 >= 0, Boolean), weight_3 * masked(Int32(index_mask(slot_3, rows, 32)), x_3).to(Float32), cute.full((16,), Float32(0.0), Float32)))
    for top_k_index in cutlass.range(top_k_rest, 8, 1, unroll=2):
        # slot: (tokens, top_k=8) i32
        g_slot_4 = cute.make_tensor(slot_ptr + (Int64(cta) * 8 + Int64(top_k_index)), cute.make_layout(1))
        # weight: (tokens, top_k=8) f32
        g_weight_4 = cute.make_tensor(weight_ptr + (Int64(cta) * 8 + Int64(top_k_index)), cute.make_layout(1))
        # x: (rows, hidden=2048) bf16
        g_x_4 = cute.make_tensor(x_ptr + cute.assume(Int64(g_slot_4[0]) * 2048, divby=16), cute.make_layout((128, 16), stride=(16, 1)))
        r_x = cute.make_rmem_tensor((16,), BFloat16)
        r_x.fill(0)
        if Int64(g_slot_4[0]) >= 0 and Int64(g_slot_4[0]) < Int64(rows):
            r_x[None].store(g_x_4[thread, None].load())
        r_y[None].store(r_y[None].load() + cute.where(cute.full((16,), g_slot_4[0] >= 0, Boolean), g_weight_4[0] * r_x[None].load().to(Float32), cute.full((16,), Float32(0.0), Float32)))
    g_out[thread, None].store(r_y[None].load().to(BFloat16))


@cute.jit
def launch(x_ptr: cute.Pointer, slot_ptr: cute.Pointer, weight_ptr: cute.Pointer, out_ptr: cute.Pointer, tokens: Int32, rows: Int32, stream):
    kernel.set_name_prefix("moe_combine", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(x_ptr, slot_ptr, weight_ptr, out_ptr, tokens, rows).launch(
        grid=(tokens, 1, 1), block=(128, 1, 1), min_blocks_per_mp=1, stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(BFloat16, 32),
        pointer(Int32, 4),
        pointer(Float32, 4),
        pointer(BFloat16, 32),
        Int32(1),
        Int32(1),
        make_fake_stream(),
        options=options,
    )
