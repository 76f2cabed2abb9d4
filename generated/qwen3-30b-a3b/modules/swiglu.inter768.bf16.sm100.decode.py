# swiglu.inter768.bf16.sm100.decode: rendered by rose-gen, do not edit
# 
# Multiplies silu of the gate half of a fused gate-up row by its up half.
# Source: arXiv 2002.05202, equation 6
# 
# target: sm100, decode, dependent launch
# key: 166b685d37d063f07132b5a8b18dc6370e8a6fdff02e7b8cbe627a3697c56c79
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 768 elements a row, 8 at a time, 96 threads a row
# schedule: 96 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import BFloat16, Float32, Int32, Int64
from cutlass.cute.runtime import make_fake_stream, make_ptr


@cute.jit
def prefetch_l2(view: cute.Tensor):
    cute.arch.prefetch(view.iterator.llvm_ptr, cache_level="L2")


@cute.kernel
def kernel(
    gate_up_ptr: cute.Pointer,  # (tokens, two=2, inter=768) bf16
    out_ptr: cute.Pointer,  # (tokens, inter=768) bf16, written
    tokens: Int32,  # extent
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    cute.arch.griddepcontrol_launch_dependents()
    # gate_up: (tokens, two=2, inter=768) bf16
    g_gate_up = cute.make_tensor(gate_up_ptr + cute.assume(Int64(cta) * 1536, divby=16), cute.make_layout((96, 8), stride=(8, 1)))
    r_gate_up = cute.make_rmem_tensor((8,), BFloat16)
    prefetch_l2(g_gate_up[thread, None])
    # gate_up: (tokens, two=2, inter=768) bf16
    g_gate_up_1 = cute.make_tensor(gate_up_ptr + cute.assume(Int64(cta) * 1536 + 768, divby=16), cute.make_layout((96, 8), stride=(8, 1)))
    prefetch_l2(g_gate_up_1[thread, None])
    # out: (tokens, inter=768) bf16
    g_out = cute.make_tensor(out_ptr + cute.assume(Int64(cta) * 768, divby=16), cute.make_layout((96, 8), stride=(8, 1)))
    cute.arch.griddepcontrol_wait()
    r_gate_up[None].store(g_gate_up[thread, None].load())
    r_gate_up_1 = cute.make_rmem_tensor((8,), BFloat16)
    r_gate_up_1[None].store(g_gate_up_1[thread, None].load())
    gate = r_gate_up[None].load().to(Float32)
    g_out[thread, None].store((gate * cute.math.rcp(1.0 + cute.math.exp(-gate), approx=True, ftz=True) * r_gate_up_1[None].load().to(Float32)).to(BFloat16))


@cute.jit
def launch(gate_up_ptr: cute.Pointer, out_ptr: cute.Pointer, tokens: Int32, stream):
    kernel.set_name_prefix("swiglu", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(gate_up_ptr, out_ptr, tokens).launch(
        grid=(tokens, 1, 1), block=(96, 1, 1), stream=stream, use_pdl=True
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
