"""Runs recorded launches on the GPU at hand and compares them with the simulator: python3 replay.py RECORD_FOLDER [OUT.json].

Bits of every written element are compared; elements that differ are measured in units of the last place of their dtype.
"""

import ctypes
import json
import pathlib
import subprocess
import sys

import numpy as np
import torch
from driver import MAX_DYNAMIC_SHARED, CLUSTER_DIMENSION, DEPENDENT_LAUNCH, LaunchAttribute, LaunchConfig, check, cuda

WIDTH = {"f32": 4, "bf16": 2, "f16": 2, "e4m3": 1, "e5m2": 1, "i8": 1, "u8": 1, "bool": 1, "i32": 4, "i64": 8}
FLOATS = {"f32", "bf16", "f16", "e4m3", "e5m2"}
functions = {}


def function(folder, launch):
    key = launch["cubin"]
    if key not in functions:
        module, found = ctypes.c_void_p(), ctypes.c_void_p()
        check(cuda.cuModuleLoadData(ctypes.byref(module), (folder / key).read_bytes()), "cuModuleLoadData")
        check(cuda.cuModuleGetFunction(ctypes.byref(found), module, launch["entry"].encode()), "cuModuleGetFunction")
        if launch["sharedMemoryBytes"] > 48 * 1024:
            check(cuda.cuFuncSetAttribute(found, MAX_DYNAMIC_SHARED, launch["sharedMemoryBytes"]), "cuFuncSetAttribute")
        functions[key] = found
    return functions[key]


def run(folder, launch):
    data = np.fromfile(folder / launch["file"], dtype=np.uint8)
    part = lambda place: data[place["offset"] : place["offset"] + place["bytes"]]
    buffers = {t["name"]: torch.from_numpy(part(t["before"]).copy()).cuda() for t in launch["tensors"]}
    parameters = bytearray(part(launch["parameters"]).tobytes())
    for pointer in launch["pointers"]:
        parameters[pointer["offset"] : pointer["offset"] + 8] = buffers[pointer["tensor"]].data_ptr().to_bytes(8, "little")
    attributes = (LaunchAttribute * 2)()
    count = 0
    if launch["cluster"] != [1, 1, 1]:
        attributes[count].id = CLUSTER_DIMENSION
        for i, extent in enumerate(launch["cluster"]):
            attributes[count].value[i] = extent
        count += 1
    if launch["pdl"]:
        attributes[count].id = DEPENDENT_LAUNCH
        attributes[count].value[0] = 1
        count += 1
    config = LaunchConfig((ctypes.c_uint * 3)(*launch["grid"]), (ctypes.c_uint * 3)(*launch["block"]), launch["sharedMemoryBytes"], None, attributes, count)
    packed = (ctypes.c_char * max(1, len(parameters))).from_buffer_copy(bytes(parameters) or b"\0")
    length = ctypes.c_size_t(len(parameters))
    extra = (ctypes.c_void_p * 5)(1, ctypes.addressof(packed), 2, ctypes.addressof(length), 0)
    check(cuda.cuLaunchKernelEx(ctypes.byref(config), function(folder, launch), None, extra), "cuLaunchKernelEx")
    torch.cuda.synchronize()
    outcome = {"id": launch["id"], "problem": launch["problem"], "elements": 0, "equal": 0, "worstUlp": 0, "strays": 0}
    for tensor in launch["tensors"]:
        if "after" not in tensor:
            continue
        width = WIDTH[tensor["dtype"]]
        got = buffers[tensor["name"]].cpu().numpy()
        want = part(tensor["after"])
        offsets = part(tensor["written"]).view(np.float64).astype(np.int64) if "written" in tensor else np.arange(len(want) // width)
        index = (offsets[:, None] * width + np.arange(width)[None, :]).reshape(-1)
        a, b = got[index].reshape(-1, width), want[index].reshape(-1, width)
        same = (a == b).all(axis=1)
        if tensor["dtype"] in FLOATS:
            distance, both_nan = ulps(a, b, tensor["dtype"])
            same |= both_nan
            if (~same).any():
                outcome["worstUlp"] = max(outcome["worstUlp"], int(distance[~same].max()))
        elif (~same).any():
            outcome["worstUlp"] = max(outcome["worstUlp"], 2**31)
        outcome["elements"] += len(same)
        outcome["equal"] += int(same.sum())
        # Nothing else may change: what was there before, or for outputs the zeros that the buffer was made with.
        rest = np.ones(len(got), dtype=bool)
        rest[index] = False
        outcome["strays"] += int((got[rest] != part(tensor["before"])[rest]).sum())
    return outcome


def ulps(a, b, dtype):
    """Distance in the order of the numbers, and where both are no number."""
    bits = 8 * a.shape[1]
    kind = {8: np.uint8, 16: np.uint16, 32: np.uint32}[bits]
    x, y = (np.ascontiguousarray(v).view(kind).reshape(-1).astype(np.int64) for v in (a, b))
    sign = 1 << (bits - 1)
    order = lambda v: np.where(v & sign, sign - v, v)
    largest = {"f32": 0x7F800000, "bf16": 0x7F80, "f16": 0x7C00, "e4m3": 0x7E, "e5m2": 0x7C}[dtype]
    nan = lambda v: (v & (sign - 1)) > largest
    return np.abs(order(x) - order(y)), nan(x) & nan(y)


def main():
    folder = pathlib.Path(sys.argv[1])
    record = json.loads((folder / "launches.json").read_text())
    results = []
    for launch in record["launches"]:
        outcome = run(folder, launch)
        results.append(outcome)
        if outcome["worstUlp"] > 1 or outcome["strays"]:
            print("DIFFERS", outcome, flush=True)
    elements, equal = sum(r["elements"] for r in results), sum(r["equal"] for r in results)
    summary = {
        "device": torch.cuda.get_device_name(0),
        "driver": driver_version(),
        "toolchain": record["toolchain"],
        "launches": len(results),
        "variants": len({r["id"] for r in results}),
        "elements": elements,
        "bitEqualShare": equal / max(1, elements),
        "worstUlp": max((r["worstUlp"] for r in results), default=0),
        "strayBytes": sum(r["strays"] for r in results),
    }
    print(json.dumps(summary))
    if len(sys.argv) > 2:
        differing = [r for r in results if r["equal"] < r["elements"] or r["strays"]]
        pathlib.Path(sys.argv[2]).write_text(json.dumps({**summary, "differing": differing}, indent=1) + "\n")


def driver_version():
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()[0]


main()
