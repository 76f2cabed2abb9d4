# moe_move.top_k8.hidden2048.bf16.sm100.prefill: rendered by rose-gen, do not edit
# 
# Writes each token's row to the slots of its experts. A slot below 0 is dropped. moe_permute gives the slots.
# Source: arXiv 2101.03961, section 2.2
# 
# target: sm100, prefill, dependent launch
# key: 58ddb94c6be563e0ce793fd32e22255d9ca5b5aa31026e330ea2a4144c247970
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 4 positions of top_k a thread: what does not vary along it is loaded once for them
# schedule: 8192 elements a row, 16 at a time, 128 threads a row
# schedule: 128 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import BFloat16, Int32, Int64
from cutlass.cute.runtime import make_fake_stream, make_ptr


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
    g_x = cute.make_tensor(x_ptr + cute.assume(Int64(tokens_index) * 2048, divby=16), cute.make_layout((128, 16), stride=(16, 1)))
    r_x = cute.make_rmem_tensor((16,), BFloat16)
    cute.arch.griddepcontrol_wait()
    cute.arch.griddepcontrol_launch_dependents()
    r_x[None].store(g_x[thread, None].load())
    top_k_4_index = cta % 2
    # slot: (tokens, top_k=8) i32
    g_slot = cute.make_tensor(slot_ptr + (Int64(tokens_index) * 8 + Int64(top_k_4_index) * 4), cute.make_layout((128, 4), stride=(0, 1)))
    r_slot = cute.make_rmem_tensor((4,), Int32)
    for tile in cutlass.range_constexpr(4):
        r_slot[tile] = g_slot[thread, tile]
    for tile in cutlass.range_constexpr(4):
        # out: (rows, hidden=2048) bf16
        g_out = cute.make_tensor(out_ptr + cute.assume(Int64(r_slot[tile]) * 2048, divby=16), cute.make_layout((128, 16), stride=(16, 1)))
        if Int64(r_slot[tile]) >= 0 and Int64(r_slot[tile]) < Int64(rows):
            g_out[thread, None].store(r_x[None].load())


@cute.jit
def launch(x_ptr: cute.Pointer, slot_ptr: cute.Pointer, out_ptr: cute.Pointer, tokens: Int32, rows: Int32, stream):
    kernel.set_name_prefix("moe_move", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(x_ptr, slot_ptr, out_ptr, tokens, rows).launch(
        grid=(tokens * 2, 1, 1), block=(128, 1, 1), min_blocks_per_mp=1, stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(BFloat16, 32),
        pointer(Int32, 4),
        pointer(BFloat16, 32),
        Int32(1),
        Int32(1),
        make_fake_stream(),
        options=options,
    )
