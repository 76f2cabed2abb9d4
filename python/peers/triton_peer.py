"""The operations as hand-written Triton: each kernel in several shapes of its tiles, the quickest of which is kept."""

from typing import Any

import torch
import triton

import triton_moe
import triton_rows as rows_of
import triton_select
import triton_tiles as tiles
from problem import Builder, Call, Problem, Tensors
from triton_ways import LONGEST, WARP, both, launches, over_parts, over_rows, power_of_2, whole_row


def norm(quantised: bool, by: int) -> Builder:
    def builder(p: Problem) -> list[Call]:
        count, n = p.first["x"].shape
        add, gated = "residual" in p.first, p.flag("gated")

        def given(t: Tensors) -> tuple[Any, ...]:
            # A kernel takes no note of what its constants leave out.
            return (t["x"], t.get("residual", t["x"]), t["weight"], t.get("gate", t["x"]), t["out"], t.get("scale", t["out"]), count, p.scalars["eps"])

        offset = 1.0 if p.flag("unit_offset") else 0.0
        return over_rows(p, rows_of.rms_kernel, count, n, given, ADD=add, GATED=gated, OFFSET=offset, QUANTISED=quantised, BY=by)

    return builder


def layer_norm(p: Problem) -> list[Call]:
    count, n = p.first["x"].shape
    shift = "shift" in p.first

    def given(t: Tensors) -> tuple[Any, ...]:
        return t["x"], t["weight"], t.get("shift", t["weight"]), t["out"], count, p.scalars["eps"]

    return over_rows(p, rows_of.layer_norm_kernel, count, n, given, SHIFT=shift)


def softmax(p: Problem) -> list[Call]:
    count, n = p.first["x"].shape
    ways = [
        launches(p, rows_of.softmax_loop_kernel, (count,), lambda t: (t["x"], t["out"]), {"N": n, "LENGTH": length}, warps, f"{length} elements at a time")
        for length, warps in ((4096, 8), (8192, 16), (16384, 32))
        if n > length
    ]
    if power_of_2(n) <= LONGEST:
        ways = over_rows(p, rows_of.softmax_kernel, count, n, lambda t: (t["x"], t["out"], count)) + ways
    return ways


def quant(source: str, by: int, limit: int) -> Builder:
    """source: the tensor that is quantised, x, or gate_up, whose halves are combined first."""

    def builder(p: Problem) -> list[Call]:
        count, n = p.first["out"].shape
        gate = source == "gate_up"
        ways = over_rows(p, rows_of.quant_kernel, count, n, lambda t: (t[source], t["out"], t["scale"], count), GATE=gate, BY=by, LIMIT=limit)
        if by == 0:
            return ways
        blocks = count * (n // by)
        for some, warps in ((2, 1), (4, 1), (4, 2), (8, 2), (8, 4), (16, 4), (32, 4), (32, 8), (64, 8)):
            grid = (triton.cdiv(blocks, some),)
            constants = {"N": n, "BY": by, "BLOCKS": some, "GATE": gate}
            ways.append(launches(p, rows_of.quant_block_kernel, grid, lambda t: (t[source], t["out"], t["scale"], blocks), constants, warps, f"{some} blocks a program"))
        return ways

    return builder


def swiglu(p: Problem) -> list[Call]:
    count, n = p.first["out"].shape
    return over_parts(p, tiles.swiglu_kernel, count, n, lambda t: (t["gate_up"], t["out"]))


def gelu_bias(p: Problem) -> list[Call]:
    count, n = p.first["x"].shape
    return over_parts(p, tiles.gelu_bias_kernel, count, n, lambda t: (t["x"], t["bias"], t["out"]), TANH=p.flag("tanh_form"))


def embedding(p: Problem) -> list[Call]:
    count, n = p.first["out"].shape
    vocab = p.first["table"].shape[0]
    return over_parts(p, tiles.embedding_kernel, count, n, lambda t: (t["ids"], t["table"], t["out"], vocab))


def last_token_pool_l2(p: Problem) -> list[Call]:
    count, n = p.first["out"].shape
    return whole_row(p, tiles.last_pool_kernel, count, n, lambda t: (t["x"], t["offsets"], t["out"]))


def mean_pool_l2(p: Problem) -> list[Call]:
    count, n = p.first["out"].shape
    length = power_of_2(n)
    ways = [
        launches(p, tiles.mean_pool_kernel, (count,), lambda t: (t["x"], t["offsets"], t["out"]), {"N": n, "LENGTH": length, "ROWS": rows}, warps, f"{rows} rows at a time")
        for rows, warps in ((1, 4), (2, 8), (4, 8), (4, 16), (8, 16))
        if rows * length // (WARP * warps) <= 64
    ]
    for parts in (4, 16, 64):
        width = min(1024, length)
        # Sums of the parts: of the peer's own, one for each set.
        sums = {t["x"].data_ptr(): torch.empty((count, parts, n), dtype=torch.float32, device=t["x"].device) for t in p.sets}
        first = launches(
            p, tiles.mean_part_kernel, (count, parts, triton.cdiv(n, width)), lambda t, sums=sums: (t["x"], t["offsets"], sums[t["x"].data_ptr()]),
            {"N": n, "LENGTH": width, "ROWS": 4, "PARTS": parts}, 4, f"{parts} parts a sequence",
        )
        second = launches(
            p, tiles.mean_whole_kernel, (count,), lambda t, sums=sums: (sums[t["x"].data_ptr()], t["offsets"], t["out"]),
            {"N": n, "LENGTH": length, "PARTS": parts}, 8, "",
        )
        ways.append(both(first, second))
    return ways


def combine(normalised: bool) -> Builder:
    def builder(p: Problem) -> list[Call]:
        count, n = p.first["out"].shape
        k = p.first["slot"].shape[1]
        shared, gated = "shared_x" in p.first, "shared_gate" in p.first
        stream = "residual" if normalised else "stream"

        def given(t: Tensors) -> tuple[Any, ...]:
            x = t["x"]
            return (x, t["slot"], t["weight"], t.get("shared_x", x), t.get("shared_gate", x), t.get(stream, x), t.get("gain", x), t["out"], p.scalars.get("eps", 0.0))

        offset = 1.0 if p.flag("unit_offset") else 0.0
        shapes = whole_row if normalised else over_parts
        return shapes(p, tiles.combine_kernel, count, n, given, K=k, SHARED=shared, GATED=gated, STREAM=stream in p.first, NORM=normalised, OFFSET=offset)

    return builder


def qk_norm_rope_cache(p: Problem) -> list[Call]:
    tokens = p.first["qkv"].shape[0]
    q_heads, k_heads, half = p.dims["q_heads"], p.dims["k_heads"], p.dims["half"]
    scalars = tuple(p.scalars.get(name, 1.0) for name in ("eps", "k_scale", "v_scale"))
    width = power_of_2(half)

    def given(t: Tensors) -> tuple[Any, ...]:
        qkv = t["qkv"]
        return (qkv, t.get("q_weight", qkv), t.get("k_weight", qkv), t["cos_sin"], t["position"], t["slot"], t["q"], t["k_cache"], t["v_cache"], *scalars)

    constants = {"Q_HEADS": q_heads, "K_HEADS": k_heads, "HALF": half, "WIDTH": width, "NORM": "q_weight" in p.first, "SCALED": p.flag("quantised")}
    ways = []
    for heads in (1, 2, 4, 8, 16, 32):
        if heads > power_of_2(max(q_heads, k_heads)):
            break
        grid = (tokens, triton.cdiv(q_heads, heads) + triton.cdiv(k_heads, heads))
        for warps in (1, 2, 4, 8):
            if 2 <= heads * width // (WARP * warps) <= 32:
                ways.append(launches(p, tiles.qk_norm_rope_cache_kernel, grid, given, {**constants, "HEADS": heads}, warps, f"{heads} heads a program"))
    return ways


PEERS: dict[str, Builder] = {
    "rms_norm": norm(False, 0),
    "add_rms_norm": norm(False, 0),
    "rms_norm_quant_fp8": norm(True, 0),
    "rms_norm_quant_fp8_block": norm(True, 128),
    "add_rms_norm_quant_fp8": norm(True, 0),
    "add_rms_norm_quant_fp8_block": norm(True, 128),
    "layer_norm": layer_norm,
    "softmax": softmax,
    "swiglu": swiglu,
    "gelu_bias": gelu_bias,
    "quant_fp8": quant("x", 0, 448),
    "quant_fp8_block": quant("x", 128, 448),
    "quant_int8": quant("x", 0, 127),
    "swiglu_quant_fp8": quant("gate_up", 0, 448),
    "swiglu_quant_fp8_block": quant("gate_up", 128, 448),
    "embedding": embedding,
    "last_token_pool_l2": last_token_pool_l2,
    "mean_pool_l2": mean_pool_l2,
    "moe_combine": combine(False),
    "moe_combine_rms_norm": combine(True),
    "qk_norm_rope_cache": qk_norm_rope_cache,
    **triton_select.PEERS,
    **triton_moe.PEERS,
}
