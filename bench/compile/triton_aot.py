"""Compiles a Triton RMSNorm over rows of 4096 bf16 ahead of time for sm_90, with no GPU. Prints seconds as JSON."""

import json
import time

start = time.perf_counter()
import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

imported = time.perf_counter() - start


@triton.jit
def rms_norm(x, weight, out, eps, hidden: tl.constexpr, block: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, block)
    mask = at < hidden
    values = tl.load(x + row * hidden + at, mask=mask, other=0.0).to(tl.float32)
    scale = tl.rsqrt(tl.sum(values * values, axis=0) / hidden + eps)
    weights = tl.load(weight + at, mask=mask, other=0.0).to(tl.float32)
    tl.store(out + row * hidden + at, (values * scale * weights).to(tl.bfloat16), mask=mask)


def compile_for(hidden: int) -> float:
    begin = time.perf_counter()
    source = ASTSource(
        fn=rms_norm,
        signature={"x": "*bf16", "weight": "*bf16", "out": "*bf16", "eps": "fp32", "hidden": "constexpr", "block": "constexpr"},
        constexprs={"hidden": hidden, "block": triton.next_power_of_2(hidden)},
    )
    kernel = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": 8})
    assert "cubin" in kernel.asm
    return time.perf_counter() - begin


first = compile_for(4096)
print(json.dumps({"import": imported, "first": first, "next": [compile_for(hidden) for hidden in (2048, 5120, 1024)]}))
