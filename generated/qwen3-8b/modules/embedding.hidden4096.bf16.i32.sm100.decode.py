# embedding.hidden4096.bf16.i32.sm100.decode: rendered by rose-gen, do not edit
# 
# Gathers one row of the embedding table for each token; an id outside the table gives a row of zeros.
# 
# target: sm100, decode, dependent launch
# key: f840851765d60556a6e225ffb6513d8ccc06b2652ec43dbd5358aa41fdbaaac4
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: hidden is cut in 2 chunks of 2048: nothing reduces it
# schedule: 2048 elements a row, 16 at a time, 128 threads a row
# schedule: 128 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import BFloat16, Int32, Int64
from cutlass.cute.runtime import make_fake_stream, make_ptr


@cute.kernel
def kernel(
    ids_ptr: cute.Pointer,  # (tokens) i32
    table_ptr: cute.Pointer,  # (vocab, hidden=4096) bf16
    out_ptr: cute.Pointer,  # (tokens, hidden=4096) bf16, written
    tokens: Int32,  # extent
    vocab: Int32,  # extent
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    cute.arch.griddepcontrol_launch_dependents()
    tokens_index = cta // 2
    # ids: (tokens) i32
    g_ids = cute.make_tensor(ids_ptr + Int64(tokens_index), cute.make_layout(1))
    hidden_2048_index = cta % 2
    # out: (tokens, hidden=4096) bf16
    g_out = cute.make_tensor(out_ptr + cute.assume(Int64(tokens_index) * 4096 + Int64(hidden_2048_index) * 2048, divby=16), cute.make_layout((128, 16), stride=(16, 1)))
    cute.arch.griddepcontrol_wait()
    ids = g_ids[0]
    # table: (vocab, hidden=4096) bf16
    g_table = cute.make_tensor(table_ptr + cute.assume(Int64(ids) * 4096 + Int64(hidden_2048_index) * 2048, divby=16), cute.make_layout((128, 16), stride=(16, 1)))
    r_table = cute.make_rmem_tensor((16,), BFloat16)
    r_table.fill(0)
    if Int64(ids) >= 0 and Int64(ids) < Int64(vocab):
        r_table[None].store(g_table[thread, None].load())
    g_out[thread, None].store(r_table[None].load())


@cute.jit
def launch(ids_ptr: cute.Pointer, table_ptr: cute.Pointer, out_ptr: cute.Pointer, tokens: Int32, vocab: Int32, stream):
    kernel.set_name_prefix("embedding", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(ids_ptr, table_ptr, out_ptr, tokens, vocab).launch(
        grid=(tokens * 2, 1, 1), block=(128, 1, 1), stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(Int32, 4),
        pointer(BFloat16, 32),
        pointer(BFloat16, 32),
        Int32(1),
        Int32(1),
        make_fake_stream(),
        options=options,
    )
