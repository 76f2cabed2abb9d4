# swiglu.inter12288.bf16.sm100.prefill: rendered by rose-gen, do not edit
# 
# Multiplies silu of the gate half of a fused gate-up row by its up half.
# Source: arXiv 2002.05202, equation 6
# 
# target: sm100, prefill, dependent launch
# key: 9130f19ac84ee803f209196fb901361e403dbc70f52d5d8c0f097e01143b32de
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: inter is cut in 3 chunks of 4096: nothing reduces it
# schedule: 4096 elements a row, 16 at a time, 256 threads a row
# schedule: 256 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import BFloat16, Float32, Int32, Int64
from cutlass.cute.runtime import make_fake_stream, make_ptr


@cute.kernel
def kernel(
    gate_up_ptr: cute.Pointer,  # (tokens, two=2, inter=12288) bf16
    out_ptr: cute.Pointer,  # (tokens, inter=12288) bf16, written
    tokens: Int32,  # extent
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    tokens_index = cta // 3
    inter_4096_index = cta % 3
    # gate_up: (tokens, two=2, inter=12288) bf16
    g_gate_up = cute.make_tensor(gate_up_ptr + cute.assume(Int64(tokens_index) * 24576 + Int64(inter_4096_index) * 4096, divby=16), cute.make_layout((256, 16), stride=(16, 1)))
    r_gate_up = cute.make_rmem_tensor((16,), BFloat16)
    cute.arch.griddepcontrol_wait()
    cute.arch.griddepcontrol_launch_dependents()
    r_gate_up[None].store(g_gate_up[thread, None].load())
    # gate_up: (tokens, two=2, inter=12288) bf16
    g_gate_up_1 = cute.make_tensor(gate_up_ptr + cute.assume(Int64(tokens_index) * 24576 + 12288 + Int64(inter_4096_index) * 4096, divby=16), cute.make_layout((256, 16), stride=(16, 1)))
    r_gate_up_1 = cute.make_rmem_tensor((16,), BFloat16)
    r_gate_up_1[None].store(g_gate_up_1[thread, None].load())
    # out: (tokens, inter=12288) bf16
    g_out = cute.make_tensor(out_ptr + cute.assume(Int64(tokens_index) * 12288 + Int64(inter_4096_index) * 4096, divby=16), cute.make_layout((256, 16), stride=(16, 1)))
    gate = r_gate_up[None].load().to(Float32)
    g_out[thread, None].store((gate * cute.math.rcp(1.0 + cute.math.exp(-gate), approx=True, ftz=True) * r_gate_up_1[None].load().to(Float32)).to(BFloat16))


@cute.jit
def launch(gate_up_ptr: cute.Pointer, out_ptr: cute.Pointer, tokens: Int32, stream):
    kernel.set_name_prefix("swiglu", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(gate_up_ptr, out_ptr, tokens).launch(
        grid=(tokens * 3, 1, 1), block=(256, 1, 1), stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(BFloat16, 32),
        pointer(BFloat16, 32),
        Int32(1),
        make_fake_stream(),
        options=options,
    )
