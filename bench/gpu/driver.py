"""Launches variants of a manifest through libcuda with ctypes: what a runtime does, in the fewest lines that can check it."""

import ctypes
import json
import pathlib

cuda = ctypes.CDLL("libcuda.so.1")


class LaunchAttribute(ctypes.Structure):
    _fields_ = [("id", ctypes.c_int), ("pad", ctypes.c_char * 4), ("value", ctypes.c_uint32 * 16)]


class LaunchConfig(ctypes.Structure):
    _fields_ = [
        ("grid", ctypes.c_uint * 3),
        ("block", ctypes.c_uint * 3),
        ("shared", ctypes.c_uint),
        ("stream", ctypes.c_void_p),
        ("attributes", ctypes.POINTER(LaunchAttribute)),
        ("count", ctypes.c_uint),
    ]


CLUSTER_DIMENSION, DEPENDENT_LAUNCH = 4, 6
MAX_DYNAMIC_SHARED = 8


def check(status, call):
    if status != 0:
        text = ctypes.c_char_p()
        cuda.cuGetErrorString(status, ctypes.byref(text))
        raise RuntimeError(f"{call}: {status} {text.value.decode() if text.value else ''}")


def evaluate(expr, dims, strides, sms):
    kind = expr["kind"]
    if kind == "const":
        return expr["value"]
    if kind == "dim":
        return dims[expr["name"]]
    if kind == "stride":
        return strides[expr["tensor"]][expr["axis"]]
    if kind == "smCount":
        return sms
    a = evaluate(expr["left"], dims, strides, sms)
    b = evaluate(expr["right"], dims, strides, sms)
    return {
        "add": lambda: a + b,
        "sub": lambda: a - b,
        "mul": lambda: a * b,
        "div": lambda: a // b,
        "ceilDiv": lambda: -(-a // b),
        "mod": lambda: a % b,
        "min": lambda: min(a, b),
        "max": lambda: max(a, b),
    }[expr["op"]]()


class Library:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.manifest = json.loads((self.folder / "manifest.json").read_text())
        self.functions = {}

    def function(self, variant):
        if variant["id"] not in self.functions:
            module, function = ctypes.c_void_p(), ctypes.c_void_p()
            data = (self.folder / variant["files"]["cubin"]["path"]).read_bytes()
            check(cuda.cuModuleLoadData(ctypes.byref(module), data), "cuModuleLoadData")
            check(cuda.cuModuleGetFunction(ctypes.byref(function), module, variant["entry"].encode()), "cuModuleGetFunction")
            shared = variant["launch"]["sharedMemoryBytes"]
            if shared > 48 * 1024:
                check(cuda.cuFuncSetAttribute(function, MAX_DYNAMIC_SHARED, shared), "cuFuncSetAttribute")
            self.functions[variant["id"]] = function
        return self.functions[variant["id"]]

    def launcher(self, variant, tensors, scalars, dims, sms, stream=None):
        """A function that launches once; tensors are torch tensors by name."""
        function = self.function(variant)
        strides = {name: list(tensor.stride()) for name, tensor in tensors.items()}
        all_dims = {**{k: v for k, v in variant["dims"].items() if v != "dynamic"}, **dims}
        params = variant["params"]
        size = max((p["offset"] + p["size"] for p in params), default=0)
        buffer = bytearray(size)
        for p in params:
            source = p["source"]
            if source["kind"] == "tensor":
                value = tensors[source["tensor"]].data_ptr()
            elif source["kind"] == "dim":
                value = all_dims[source["dim"]]
            elif source["kind"] == "stride":
                value = strides[source["tensor"]][source["axis"]]
            else:
                value = scalars[source["name"]]
            code = {"pointer": ctypes.c_uint64, "i32": ctypes.c_int32, "i64": ctypes.c_int64, "f32": ctypes.c_float}[p["kind"]]
            buffer[p["offset"] : p["offset"] + p["size"]] = bytes(code(value))
        launch = variant["launch"]
        grid = [evaluate(g, all_dims, strides, sms) for g in launch["grid"]]
        if 0 in grid:
            return lambda: None
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
        config = LaunchConfig((ctypes.c_uint * 3)(*grid), (ctypes.c_uint * 3)(*launch["block"]), launch["sharedMemoryBytes"], stream, attributes, count)
        packed = (ctypes.c_char * size).from_buffer(buffer)
        length = ctypes.c_size_t(size)
        extra = (ctypes.c_void_p * 5)(1, ctypes.addressof(packed), 2, ctypes.addressof(length), 0)
        keep = (packed, length, extra, config, attributes, tensors)

        def run(keep=keep):
            check(cuda.cuLaunchKernelEx(ctypes.byref(config), function, None, extra), "cuLaunchKernelEx")

        return run
