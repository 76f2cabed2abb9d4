"""Host cost of one call from Python, for comparison with launch.mjs: python3 peers.py [OUT.json]

One row of 4,096 bf16. Batches of 200 calls that the device's queue holds, so that no call waits for the GPU; medians over 60
batches, in nanoseconds a call.
"""

import json
import statistics
import sys
import time

import torch
import triton
import triton.language as tl

BATCH, ROUNDS = 200, 60


@triton.jit
def rms_norm(x_ptr, weight_ptr, out_ptr, eps, WIDTH: tl.constexpr):
    columns = tl.arange(0, WIDTH)
    row = tl.program_id(0) * WIDTH
    x = tl.load(x_ptr + row + columns).to(tl.float32)
    scale = tl.rsqrt(tl.sum(x * x, 0) / WIDTH + eps)
    tl.store(out_ptr + row + columns, (x * scale * tl.load(weight_ptr + columns)).to(tl.bfloat16))


def nanoseconds(call):
    times = []
    for turn in range(-3, ROUNDS):
        torch.cuda.synchronize()
        start = time.perf_counter_ns()
        for _ in range(BATCH):
            call()
        end = time.perf_counter_ns()
        if turn >= 0:
            times.append((end - start) / BATCH)
    torch.cuda.synchronize()
    return round(statistics.median(times))


def main():
    x = torch.randn(1, 4096, device="cuda", dtype=torch.bfloat16)
    weight = torch.randn(4096, device="cuda", dtype=torch.bfloat16)
    out = torch.empty_like(x)
    compiled = torch.compile(lambda a, b: torch.nn.functional.rms_norm(a, (4096,), b, 1e-6))
    calls = {
        "torch": lambda: torch.nn.functional.rms_norm(x, (4096,), weight, 1e-6),
        "torch.compile": lambda: compiled(x, weight),
        "triton": lambda: rms_norm[(1,)](x, weight, out, 1e-6, WIDTH=4096, num_warps=8),
    }
    try:
        from quack import rmsnorm

        calls["quack"] = lambda: rmsnorm(x, weight, eps=1e-6)
    except ImportError:
        pass
    with torch.no_grad():
        for call in calls.values():
            call()
        result = {
            "device": torch.cuda.get_device_name(),
            "torch": torch.__version__,
            "triton": triton.__version__,
            "nanosecondsPerCall": {name: nanoseconds(call) for name, call in calls.items()},
        }
    text = json.dumps(result, indent=1)
    if len(sys.argv) > 1:
        with open(sys.argv[1], "w", encoding="utf-8") as file:
            file.write(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
