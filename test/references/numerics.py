"""Tensors as float64 arrays, and the roundings that kernels declare."""

import base64

import ml_dtypes
import numpy as np

FORMATS = {
    "f32": np.float32,
    "bf16": ml_dtypes.bfloat16,
    "f16": np.float16,
    "e4m3": ml_dtypes.float8_e4m3fn,
    "e5m2": ml_dtypes.float8_e5m2,
}
FP8_MAX = 448.0
# Scales stay above this, so that a row of zeros is not divided by zero.
LEAST_SCALE = 1e-12


def decode(tensor):
    return np.frombuffer(base64.b64decode(tensor["data"]), dtype=np.float64).reshape(tensor["shape"])


def encode(values):
    data = np.ascontiguousarray(values, dtype=np.float64)
    return {"shape": list(data.shape), "data": base64.b64encode(data.tobytes()).decode()}


def rounded(values, dtype):
    """The nearest values of a dtype; fp8 saturates, f32 is left to the comparison."""
    if dtype == "f32":
        return values
    if dtype == "e4m3":
        values = np.clip(values, -FP8_MAX, FP8_MAX)
    return values.astype(FORMATS[dtype]).astype(np.float64)


def quantised(values, axis_length, limit):
    """Symmetric quantisation of runs of `axis_length` elements of the last axis: values over scale, and scales."""
    runs = values.reshape(*values.shape[:-1], -1, axis_length)
    scale = np.maximum(np.abs(runs).max(-1) / limit, LEAST_SCALE)
    return (runs / scale[..., None]).reshape(values.shape), scale
