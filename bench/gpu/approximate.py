"""How far approximate instructions of the GPU at hand are from correctly rounded results, over every f32: python3 approximate.py [OUT.json].

The simulator rounds these instructions correctly; the references of `verify` allow what is stated for them. Deviations are
in units of the last place of the rounded result, counted over results that are normal numbers.
"""

import json
import subprocess
import sys

import cupy

SOURCE = r"""
extern "C" __global__ void compare(unsigned long long base, unsigned long long *differ, unsigned long long *counted, int *worst, unsigned *where) {
    unsigned long long index = base + blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x;
    unsigned bits = (unsigned)index;
    float x = __uint_as_float(bits);
    float got;
    asm volatile("%(instruction)s %%0, %%1;" : "=f"(got) : "f"(x));
    double exact = %(exact)s;
    float want = (float)exact;
    if (!isfinite(x) || !isfinite(want) || !isfinite(got) || fabsf(want) < 1.17549435e-38f || fabsf(x) < 1.17549435e-38f) return;
    atomicAdd(counted, 1ull);
    int a = __float_as_int(got), b = __float_as_int(want);
    a = a < 0 ? (int)0x80000000 - a : a;
    b = b < 0 ? (int)0x80000000 - b : b;
    int distance = a > b ? a - b : b - a;
    if (distance) {
        atomicAdd(differ, 1ull);
        if (atomicMax(worst, distance) < distance) *where = bits;
    }
}
"""

INSTRUCTIONS = {
    "rcp.approx.f32": ("1.0 / (double)x", None),
    "rcp.approx.ftz.f32": ("1.0 / (double)x", None),
    "rsqrt.approx.f32": ("x > 0 ? 1.0 / sqrt((double)x) : 0.0", None),
    "sqrt.approx.f32": ("x > 0 ? sqrt((double)x) : 0.0", None),
    "ex2.approx.ftz.f32": ("exp2((double)x)", None),
    "lg2.approx.f32": ("x > 0 && (x < 0.5f || x > 2.0f) ? log2((double)x) : 0.0", "outside [0.5, 2], where its error is relative"),
    "tanh.approx.f32": ("tanh((double)x)", None),
    "sin.approx.f32": ("fabsf(x) < 3.0f && fabsf(x) > 0.1f ? sin((double)x) : 0.0", "0.1 < |x| < 3"),
    "cos.approx.f32": ("fabsf(x) < 3.1415927f && fabsf(fabsf(x) - 1.5707963f) > 0.1f ? cos((double)x) : 0.0", "|x| < pi, not near its zeros"),
}


def measure(instruction, exact):
    kernel = cupy.RawKernel(SOURCE % {"instruction": instruction, "exact": exact}, "compare")
    differ, counted = cupy.zeros(1, cupy.uint64), cupy.zeros(1, cupy.uint64)
    worst, where = cupy.zeros(1, cupy.int32), cupy.zeros(1, cupy.uint32)
    for part in range(16):
        kernel((2**28 // 256,), (256,), (cupy.uint64(part * 2**28), differ, counted, worst, where))
    count = int(counted[0])
    return {
        "inputs": count,
        "equalShare": 1 - int(differ[0]) / count,
        "worstUlp": int(worst[0]),
        "worstAt": hex(int(where[0])),
    }


def main():
    device = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    driver = subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()[0]
    found = {}
    for instruction, (exact, domain) in INSTRUCTIONS.items():
        found[instruction] = {**measure(instruction, exact), **({"domain": domain} if domain else {})}
        print(instruction, found[instruction], flush=True)
    if len(sys.argv) > 1:
        with open(sys.argv[1], "w") as file:
            json.dump({"device": device, "driver": driver, "instructions": found}, file, indent=2)
            file.write("\n")


main()
