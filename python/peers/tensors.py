"""Files of bytes <-> tensors on the GPU, and copies of them at addresses of their own."""

import ctypes
from pathlib import Path
from typing import Any, Mapping, Sequence

import torch

DTYPES = {
    "f64": torch.float64,
    "f32": torch.float32,
    "bf16": torch.bfloat16,
    "f16": torch.float16,
    "e4m3": torch.float8_e4m3fn,
    "e5m2": torch.float8_e5m2,
    "i8": torch.int8,
    "u8": torch.uint8,
    "i16": torch.int16,
    "i32": torch.int32,
    "i64": torch.int64,
    "bool": torch.bool,
}


def read(entry: Mapping[str, Any], device: str) -> torch.Tensor:
    """The tensor whose bytes a file holds, row-major; of a tensor that is only written, zeros.

    entry: name, role (in, out, inout), dtype, shape, file
    """
    dtype, shape = DTYPES[entry["dtype"]], tuple(entry["shape"])
    if entry["role"] == "out":
        return torch.zeros(shape, dtype=torch.uint8 if dtype.itemsize == 1 else dtype, device=device).view(dtype)
    content = bytearray(Path(entry["file"]).read_bytes())
    if not content:
        return torch.empty(shape, dtype=dtype, device=device)
    flat = torch.frombuffer(content, dtype=torch.uint8)
    return flat.to(device).view(dtype).reshape(shape)


def write(tensor: torch.Tensor, file: str) -> None:
    """The tensor's bytes, row-major."""
    flat = tensor.detach().contiguous().reshape(-1).view(torch.uint8).cpu()
    Path(file).write_bytes(ctypes.string_at(flat.data_ptr(), flat.numel()) if flat.numel() else b"")


def copy_bytes(target: torch.Tensor, source: torch.Tensor) -> None:
    target.reshape(-1).view(torch.uint8).copy_(source.reshape(-1).view(torch.uint8))


class TensorSets:
    """Copies of a request's tensors; the first can be made as it was."""

    def __init__(self, entries: Sequence[Mapping[str, Any]], count: int, device: str) -> None:
        first = {entry["name"]: read(entry, device) for entry in entries}
        self.written = tuple(entry["name"] for entry in entries if entry["role"] != "in")
        self.sets = [first, *({name: clone(tensor) for name, tensor in first.items()} for _ in range(count - 1))]
        self._before = {name: clone(first[name]) for name in self.written}

    def restore(self) -> None:
        """What is written in set 0 -> as it was at first."""
        for name, tensor in self._before.items():
            copy_bytes(self.sets[0][name], tensor)


def clone(tensor: torch.Tensor) -> torch.Tensor:
    """A copy, whatever the dtype."""
    return tensor.reshape(-1).view(torch.uint8).clone().view(tensor.dtype).reshape(tensor.shape)
