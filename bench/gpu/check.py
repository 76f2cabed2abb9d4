"""Runs every variant of a build on the GPU at hand and compares it with torch: python3 check.py BUILD_FOLDER [OUT.json].

Outputs are poisoned first, inputs are random, and each variant runs at several row counts. The error of an output is its
largest distance from the float64 reference in units of the output dtype's spacing at that value, where 2^-20 of the
row's largest element is forgiven: f32 arithmetic leaves that much where terms cancel.
"""

import json
import sys

import torch
from driver import Library, evaluate
from references import REFERENCES

DTYPES = {
    "f32": torch.float32,
    "bf16": torch.bfloat16,
    "f16": torch.float16,
    "e4m3": torch.float8_e4m3fn,
    "e5m2": torch.float8_e5m2,
    "i8": torch.int8,
    "u8": torch.uint8,
    "i32": torch.int32,
    "i64": torch.int64,
    "bool": torch.bool,
}
# bits of precision and exponent of the smallest normal number
FORMATS = {"f32": (24, -126), "bf16": (8, -126), "f16": (11, -14), "e4m3": (4, -6), "e5m2": (3, -14)}
ROWS = {"decode": [1, 3, 8, 33], "prefill": [1, 127, 1000]}
device = "cuda"
sms = torch.cuda.get_device_properties(0).multi_processor_count


def ulps(actual, expected, dtype):
    actual, expected = actual.double(), expected.double()
    if dtype not in FORMATS:
        return (actual - expected).abs().max().item()
    bits, smallest = FORMATS[dtype]
    slack = expected.abs().flatten(0, -2).amax(-1).reshape(expected.shape[:-1] + (1,)) * 2.0**-20 if expected.dim() > 1 else 0.0
    exponent = torch.frexp(expected.abs().clamp_min(2.0**smallest)).exponent - 1
    return (((actual - expected).abs() - slack).clamp_min(0) / torch.exp2((exponent - bits + 1).double())).max().item()


def dims_for(variant, rows):
    sizes = {"vocab": 5000, "positions": 4096, "pages": rows + 3, "sequences": max(1, rows // 7)}
    return {dim: sizes.get(dim, rows) for dim, extent in variant["dims"].items() if extent == "dynamic"}


def make_inputs(variant, rows, generator):
    dims = {**{k: v for k, v in variant["dims"].items() if v != "dynamic"}, **dims_for(variant, rows)}
    tensors = {}
    for entry in variant["tensors"]:
        shape = [evaluate(extent, dims, {}, sms) for extent in entry["shape"]]
        name, dtype = entry["name"], DTYPES[entry["dtype"]]
        if name == "ids":
            value = torch.randint(0, dims["vocab"], shape, generator=generator, device=device)
        elif name == "position":
            value = torch.randint(0, dims["positions"], shape, generator=generator, device=device)
        elif name == "slot":
            value = torch.randperm(dims["pages"] * dims["page"], generator=generator, device=device)[: shape[0]]
            value[1::5] = -1
        elif name == "offsets":
            cuts = torch.randint(0, dims["tokens"] + 1, (shape[0] - 2,), generator=generator, device=device).sort().values
            value = torch.cat([torch.zeros(1, device=device), cuts, torch.full((1,), dims["tokens"], device=device)])
            if variant["kernel"].startswith("last"):
                value = torch.arange(shape[0], device=device) * (dims["tokens"] // (shape[0] - 1))
        elif entry["access"] == "out":
            value = torch.full(shape, 7.0, device=device)
        else:
            value = torch.randn(shape, generator=generator, device=device) * 2
        if dtype in (torch.float8_e4m3fn, torch.float8_e5m2):
            value = value.float()
        tensors[name] = value.to(dtype).contiguous()
        strides = entry["strides"]
        if strides[0]["kind"] == "stride":  # a row stride given at launch: leave a gap between the rows
            wide = torch.zeros(shape[0], *[e for e in shape[1:-1]], shape[-1], dtype=dtype, device=device)
            padded = torch.zeros(shape[0], wide[0].numel() + 64 if shape[0] else 64, dtype=dtype, device=device)
            view = padded[:, : wide[0].numel()].unflatten(1, shape[1:]) if shape[0] else wide
            view.copy_(tensors[name])
            tensors[name] = view
    return tensors, dims


def run_variant(library, variant, rows):
    generator = torch.Generator(device=device).manual_seed(rows * 7919 + len(variant["id"]))
    tensors, dims = make_inputs(variant, rows, generator)
    scalars = {"eps": 1e-6, "k_scale": 0.03, "v_scale": 0.05}
    expected = REFERENCES[variant["kernel"]](tensors, scalars, variant)
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    library.launcher(variant, tensors, scalars, dims, sms)()
    torch.cuda.synchronize()
    worst = {}
    for entry in variant["tensors"]:
        name = entry["name"]
        if entry["access"] == "in":
            same = torch.equal(before[name].view(torch.uint8) if name != "x" else before[name], tensors[name].view(torch.uint8) if name != "x" else tensors[name]) if tensors[name].is_contiguous() else True
            if not same:
                worst[name] = float("inf")
            continue
        worst[name] = ulps(tensors[name].float(), expected[name], entry["dtype"])
    return worst


def main():
    library = Library(sys.argv[1])
    results, failed = [], 0
    for variant in library.manifest["variants"]:
        if variant["arch"] != "sm90":
            continue
        for rows in ROWS[variant["phase"]]:
            try:
                errors = run_variant(library, variant, rows)
            except Exception as error:
                results.append({"id": variant["id"], "rows": rows, "error": str(error)[:300]})
                print("ERROR", variant["id"], rows, str(error)[:200], flush=True)
                failed += 1
                if "CUDA" in str(error) and "illegal" in str(error):
                    break
                continue
            # f32 results of a reduction differ from float64 by the order of the sum; everything else is within 1 of its spacing.
            ok = all(value <= (16.0 if out_dtype(variant, name) == "f32" else 1.0) for name, value in errors.items())
            failed += not ok
            results.append({"id": variant["id"], "rows": rows, "ulps": errors, "ok": ok})
            if not ok:
                print("WRONG", variant["id"], rows, errors, flush=True)
    summary = {"device": torch.cuda.get_device_name(0), "torch": torch.__version__, "runs": len(results), "failed": failed}
    print(json.dumps(summary))
    if len(sys.argv) > 2:
        with open(sys.argv[2], "w") as file:
            json.dump({**summary, "results": results}, file, indent=1)


def out_dtype(variant, name):
    return next(entry["dtype"] for entry in variant["tensors"] if entry["name"] == name)


main()
