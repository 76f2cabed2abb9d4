# count_tokens.vocab151936.sm100.decode: rendered by rose-gen, do not edit
# 
# Counts the token that each row has drawn, as `sample_top_k_top_p` and `sample_temperature` read counts: how
# often a token was generated, with the sign bit for one of the prompt, which stays. A token out of range,
# such as the -1 of a row that has drawn none, is not counted.
# Source: the counts that repetition (arXiv 1909.05858, section 4.1), frequency and presence penalties are
# computed from
# 
# target: sm100, decode, dependent launch
# key: e3930dae10221c19c7c0e92c6ef42a3d236507b077fd828af536b7e78e4a8b2f
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 1 elements a row, 1 at a time, 1 threads a row
# schedule: 32 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import Int32, Int64
from cutlass.cute.runtime import make_fake_stream, make_ptr


@cute.kernel
def kernel(
    token_ptr: cute.Pointer,  # (rows) i32
    counts_ptr: cute.Pointer,  # (rows, vocab=151936) i32, updated in place
    rows: Int32,  # extent
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    cute.arch.griddepcontrol_launch_dependents()
    row = cta * 32 + thread
    valid = row < rows
    # token: (rows) i32
    g_token = cute.make_tensor(token_ptr + Int64(row), cute.make_layout(1))
    token = 0
    cute.arch.griddepcontrol_wait()
    if valid:
        token = g_token[0]
    # counts: (rows, vocab=151936) i32
    g_counts = cute.make_tensor(counts_ptr + (Int64(row) * 151936 + Int64(token)), cute.make_layout(1))
    counts = 0
    if valid and Int64(token) >= 0 and Int64(token) < 151936:
        counts = g_counts[0]
    if valid and Int64(token) >= 0 and Int64(token) < 151936:
        g_counts[0] = counts + 1


@cute.jit
def launch(token_ptr: cute.Pointer, counts_ptr: cute.Pointer, rows: Int32, stream):
    kernel.set_name_prefix("count_tokens", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(token_ptr, counts_ptr, rows).launch(
        grid=((rows + 31) // 32, 1, 1), block=(32, 1, 1), stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(Int32, 4),
        pointer(Int32, 4),
        Int32(1),
        make_fake_stream(),
        options=options,
    )
