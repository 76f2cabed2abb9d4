# swiglu.inter12288.bf16.sm90.prefill: rendered by rose-gen, do not edit
# 
# Multiplies silu of the gate half of a fused gate-up row by its up half.
# Source: arXiv 2002.05202, equation 6
# 
# target: sm90, prefill, dependent launch
# key: 84a8bd6196e0441ddd8db4168700b991ae919b5cc9da8e5090a05aecb3176303
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: inter is cut in 6 chunks of 2048: nothing reduces it
# schedule: 2048 elements a row, 8 at a time, 256 threads a row
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
    tokens_index = cta // 6
    inter_2048_index = cta % 6
    # gate_up: (tokens, two=2, inter=12288) bf16
    g_gate_up = cute.make_tensor(gate_up_ptr + cute.assume(Int64(tokens_index) * 24576 + Int64(inter_2048_index) * 2048, divby=8), cute.make_layout((256, 8), stride=(8, 1)))
    r_gate_up = cute.make_rmem_tensor((8,), BFloat16)
    cute.arch.griddepcontrol_wait()
    cute.arch.griddepcontrol_launch_dependents()
    r_gate_up[None].store(g_gate_up[thread, None].load())
    # gate_up: (tokens, two=2, inter=12288) bf16
    g_gate_up_1 = cute.make_tensor(gate_up_ptr + cute.assume(Int64(tokens_index) * 24576 + 12288 + Int64(inter_2048_index) * 2048, divby=8), cute.make_layout((256, 8), stride=(8, 1)))
    r_gate_up_1 = cute.make_rmem_tensor((8,), BFloat16)
    r_gate_up_1[None].store(g_gate_up_1[thread, None].load())
    # out: (tokens, inter=12288) bf16
    g_out = cute.make_tensor(out_ptr + cute.assume(Int64(tokens_index) * 12288 + Int64(inter_2048_index) * 2048, divby=8), cute.make_layout((256, 8), stride=(8, 1)))
    gate = r_gate_up[None].load().to(Float32)
    g_out[thread, None].store((gate * cute.math.rcp(1.0 + cute.math.exp(-gate), approx=True, ftz=True) * r_gate_up_1[None].load().to(Float32)).to(BFloat16))


@cute.jit
def launch(gate_up_ptr: cute.Pointer, out_ptr: cute.Pointer, tokens: Int32, stream):
    kernel.set_name_prefix("swiglu", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(gate_up_ptr, out_ptr, tokens).launch(
        grid=(tokens * 6, 1, 1), block=(256, 1, 1), stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(BFloat16, 16),
        pointer(BFloat16, 16),
        Int32(1),
        make_fake_stream(),
        options=options,
    )
