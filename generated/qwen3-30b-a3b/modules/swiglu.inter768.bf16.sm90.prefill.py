# swiglu.inter768.bf16.sm90.prefill: rendered by rose-gen, do not edit
# 
# Multiplies silu of the gate half of a fused gate-up row by its up half.
# Source: arXiv 2002.05202, equation 6
# 
# target: sm90, prefill, dependent launch
# key: 0f1d376c9e50a3574ac28426b66333cbe7dec8cdd97f20a94c7d4d48d84abf2a
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 768 elements a row, 8 at a time, 96 threads a row
# schedule: 192 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import BFloat16, Float32, Int32, Int64
from cutlass.cute.runtime import make_fake_stream, make_ptr


@cute.kernel
def kernel(
    gate_up_ptr: cute.Pointer,  # (tokens, two=2, inter=768) bf16
    out_ptr: cute.Pointer,  # (tokens, inter=768) bf16, written
    tokens: Int32,  # extent
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    lane = thread % 96
    row = cta * 2 + thread // 96
    valid = row < tokens
    # gate_up: (tokens, two=2, inter=768) bf16
    g_gate_up = cute.make_tensor(gate_up_ptr + cute.assume(Int64(row) * 1536, divby=8), cute.make_layout((96, 8), stride=(8, 1)))
    r_gate_up = cute.make_rmem_tensor((8,), BFloat16)
    r_gate_up.fill(0)
    # gate_up: (tokens, two=2, inter=768) bf16
    g_gate_up_1 = cute.make_tensor(gate_up_ptr + cute.assume(Int64(row) * 1536 + 768, divby=8), cute.make_layout((96, 8), stride=(8, 1)))
    r_gate_up_1 = cute.make_rmem_tensor((8,), BFloat16)
    r_gate_up_1.fill(0)
    # out: (tokens, inter=768) bf16
    g_out = cute.make_tensor(out_ptr + cute.assume(Int64(row) * 768, divby=8), cute.make_layout((96, 8), stride=(8, 1)))
    cute.arch.griddepcontrol_wait()
    cute.arch.griddepcontrol_launch_dependents()
    if valid:
        r_gate_up[None].store(g_gate_up[lane, None].load())
        r_gate_up_1[None].store(g_gate_up_1[lane, None].load())
        gate = r_gate_up[None].load().to(Float32)
        g_out[lane, None].store((gate * cute.math.rcp(1.0 + cute.math.exp(-gate), approx=True, ftz=True) * r_gate_up_1[None].load().to(Float32)).to(BFloat16))


@cute.jit
def launch(gate_up_ptr: cute.Pointer, out_ptr: cute.Pointer, tokens: Int32, stream):
    kernel.set_name_prefix("swiglu", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(gate_up_ptr, out_ptr, tokens).launch(
        grid=((tokens + 1) // 2, 1, 1), block=(192, 1, 1), stream=stream, use_pdl=True
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
