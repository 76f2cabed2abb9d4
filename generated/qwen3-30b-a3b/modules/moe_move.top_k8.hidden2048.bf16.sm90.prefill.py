# moe_move.top_k8.hidden2048.bf16.sm90.prefill: rendered by rose-gen, do not edit
# 
# Writes each token's row to the slots of its experts. A slot below 0 is dropped. moe_permute gives the slots.
# Source: arXiv 2101.03961, section 2.2
# 
# target: sm90, prefill, dependent launch
# key: 971fee47bd87f47780d9f0d5a019a259e6d3e53962f11221b81ec5620047d6b6
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 4 positions of top_k a thread: what does not vary along it is loaded once for them
# schedule: 8192 elements a row, 8 at a time, 256 threads a row
# schedule: 256 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import BFloat16, Int32, Int64
from cutlass.cute.runtime import make_fake_stream, make_ptr


@cute.jit
def store_hinted(view: cute.Tensor, value: cute.TensorSSA, priority: cutlass.Constexpr):
    values = cute.make_rmem_tensor_like(view)
    values.store(value)
    cute.autovec_copy(values, view, l1c_evict_priority=priority)


@cute.kernel
def kernel(
    x_ptr: cute.Pointer,  # (tokens, hidden=2048) bf16
    slot_ptr: cute.Pointer,  # (tokens, top_k=8) i32
    out_ptr: cute.Pointer,  # (rows, hidden=2048) bf16, written
    tokens: Int32,  # extent
    rows: Int32,  # extent
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    tokens_index = cta // 2
    # x: (tokens, hidden=2048) bf16
    g_x = cute.make_tensor(x_ptr + cute.assume(Int64(tokens_index) * 2048, divby=8), cute.make_layout((256, 8), stride=(8, 1)))
    r_x = cute.make_rmem_tensor((8,), BFloat16)
    cute.arch.griddepcontrol_wait()
    cute.arch.griddepcontrol_launch_dependents()
    r_x[None].store(g_x[thread, None].load())
    top_k_4_index = cta % 2
    # slot: (tokens, top_k=8) i32
    g_slot = cute.make_tensor(slot_ptr + (Int64(tokens_index) * 8 + Int64(top_k_4_index) * 4), cute.make_layout((256, 4), stride=(0, 1)))
    r_slot = cute.make_rmem_tensor((4,), Int32)
    for tile in cutlass.range_constexpr(4):
        r_slot[tile] = g_slot[thread, tile]
    for tile in cutlass.range_constexpr(4):
        # out: (rows, hidden=2048) bf16
        g_out = cute.make_tensor(out_ptr + cute.assume(Int64(r_slot[tile]) * 2048, divby=8), cute.make_layout((256, 8), stride=(8, 1)))
        if Int64(r_slot[tile]) >= 0 and Int64(r_slot[tile]) < Int64(rows):
            store_hinted(g_out[thread, None], r_x[None].load(), cute.nvgpu.CacheEvictionPriority.EVICT_FIRST)


@cute.jit
def launch(x_ptr: cute.Pointer, slot_ptr: cute.Pointer, out_ptr: cute.Pointer, tokens: Int32, rows: Int32, stream):
    kernel.set_name_prefix("moe_move", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(x_ptr, slot_ptr, out_ptr, tokens, rows).launch(
        grid=(tokens * 2, 1, 1), block=(256, 1, 1), min_blocks_per_mp=1, stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(BFloat16, 16),
        pointer(Int32, 4),
        pointer(BFloat16, 16),
        Int32(1),
        Int32(1),
        make_fake_stream(),
        options=options,
    )
