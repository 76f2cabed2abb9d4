"""The operations as one function each for torch.compile, f32 inside."""

from typing import Callable

import torch
import torch.nn.functional as F

import torch_moe
import torch_select
from problem import Absent, Builder, Call, Problem, Tensors
from torch_ways import compiled, compiled_way

FP8_MAX, INT8_MAX, LEAST_SCALE = 448.0, 127.0, 1e-12

def rms(h: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    return h * torch.rsqrt(h.square().mean(-1, keepdim=True) + eps) * weight


def added(t: Tensors) -> torch.Tensor:
    """x, or the residual stream after x was added to it: f32."""
    return t["x"].float() + t["residual"].float() if "residual" in t else t["x"].float()


def quantise(y: torch.Tensor, limit: float, by: int | None) -> Tensors:
    blocks = y if by is None else y.unflatten(-1, (-1, by))
    scale = (blocks.abs().amax(-1) * (1.0 / limit)).clamp_min(LEAST_SCALE)
    quotient = (blocks / scale.unsqueeze(-1)).reshape(y.shape)
    return {"out": quotient.round() if limit == INT8_MAX else quotient, "scale": scale}


def rms_norm(p: Problem) -> list[Call]:
    eps, gated, offset = p.scalars["eps"], p.flag("gated"), 1.0 if p.flag("unit_offset") else 0.0

    def body(t: Tensors) -> Tensors:
        y = rms(t["x"].float(), t["weight"].float() + offset, eps)
        return {"out": y * F.silu(t["gate"].float()) if gated else y}

    return compiled(p, body)


def add_rms_norm(p: Problem) -> list[Call]:
    eps, offset = p.scalars["eps"], 1.0 if p.flag("unit_offset") else 0.0

    def body(t: Tensors) -> Tensors:
        h = added(t)
        return {"residual": h, "out": rms(h, t["weight"].float() + offset, eps)}

    return compiled(p, body)


def layer_norm(p: Problem) -> list[Call]:
    eps = p.scalars["eps"]

    def body(t: Tensors) -> Tensors:
        return {"out": F.layer_norm(t["x"], t["weight"].shape, t["weight"], t.get("shift"), eps)}

    return compiled(p, body)


def softmax(p: Problem) -> list[Call]:
    def body(t: Tensors) -> Tensors:
        return {"out": torch.softmax(t["x"].float(), -1)}

    return compiled(p, body)


def gate(gate_up: torch.Tensor) -> torch.Tensor:
    left, right = gate_up.float().chunk(2, -1)
    return F.silu(left) * right


def swiglu(p: Problem) -> list[Call]:
    def body(t: Tensors) -> Tensors:
        return {"out": gate(t["gate_up"])}

    return compiled(p, body)


def gelu_bias(p: Problem) -> list[Call]:
    form = "tanh" if p.flag("tanh_form") else "none"

    def body(t: Tensors) -> Tensors:
        return {"out": F.gelu(t["x"].float() + t["bias"].float(), approximate=form)}

    return compiled(p, body)


def embedding(p: Problem) -> list[Call]:
    def body(t: Tensors) -> Tensors:
        return {"out": F.embedding(t["ids"], t["table"])}

    return compiled(p, body)


Rows = Callable[[Problem], Callable[[Tensors], tuple[torch.Tensor, Tensors]]]
"""What makes the rows that are quantised, and outputs beside them."""


def quantising(source: Rows, limit: float, by: int | None) -> Builder:
    def builder(p: Problem) -> list[Call]:
        rows = source(p)

        def body(t: Tensors) -> Tensors:
            y, more = rows(t)
            return {**more, **quantise(y, limit, by)}

        return compiled(p, body)

    return builder


def given(_: Problem) -> Callable[[Tensors], tuple[torch.Tensor, Tensors]]:
    return lambda t: (t["x"].float(), {})


def normed(p: Problem) -> Callable[[Tensors], tuple[torch.Tensor, Tensors]]:
    eps = p.scalars["eps"]

    def rows(t: Tensors) -> tuple[torch.Tensor, Tensors]:
        h = added(t)
        return rms(h, t["weight"].float(), eps), {"residual": h} if "residual" in t else {}

    return rows


def gated_rows(_: Problem) -> Callable[[Tensors], tuple[torch.Tensor, Tensors]]:
    return lambda t: (gate(t["gate_up"]), {})


def qk_norm_rope_cache(p: Problem) -> list[Call]:
    q_heads, k_heads, half = p.dims["q_heads"], p.dims["k_heads"], p.dims["half"]
    norm, quantised = "q_weight" in p.first, p.flag("quantised")
    eps, k_scale, v_scale = (p.scalars.get(name, 1.0) for name in ("eps", "k_scale", "v_scale"))
    if bool((p.first["slot"] < 0).any()):
        raise Absent("an indexed write of torch cannot leave out the tokens whose slot is negative")

    def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        a, b = x.chunk(2, -1)
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)

    def store(cache: torch.Tensor, slot: torch.Tensor, x: torch.Tensor, scale: float) -> None:
        y = (x / scale).clamp(-FP8_MAX, FP8_MAX) if quantised else x
        cache.view(-1, k_heads, 2 * half)[slot] = y.to(cache.dtype)

    def body(t: Tensors) -> Tensors:
        q, k, v = t["qkv"].float().split([q_heads, k_heads, k_heads], 1)
        if norm:
            q, k = rms(q, t["q_weight"].float(), eps), rms(k, t["k_weight"].float(), eps)
        cos, sin = t["cos_sin"][t["position"]].float().unsqueeze(1).chunk(2, -1)
        store(t["k_cache"], t["slot"], rotate(k, cos, sin), k_scale)
        store(t["v_cache"], t["slot"], v, v_scale)
        return {"q": rotate(q, cos, sin)}

    def returned(t: Tensors) -> Tensors:
        return {"q": body(t)["q"].to(t["q"].dtype)}

    # Norm, rotation and the writes of k and v have no reduction in common: kernels side by side in one may pay.
    return [*compiled(p, body), compiled_way(p, returned, "new tensors", combo_kernels=True, benchmark_combo_kernel=True)]


def unit(rows: torch.Tensor) -> torch.Tensor:
    return rows / rows.square().sum(-1, keepdim=True).sqrt().clamp_min(LEAST_SCALE)


def last_token_pool_l2(p: Problem) -> list[Call]:
    def body(t: Tensors) -> Tensors:
        return {"out": unit(t["x"][t["offsets"][1:] - 1].float())}

    return compiled(p, body)


def mean_pool_l2(p: Problem) -> list[Call]:
    def body(t: Tensors) -> Tensors:
        offsets, x = t["offsets"], t["x"]
        place = torch.arange(x.shape[0], dtype=torch.int32, device=x.device)
        owner = torch.searchsorted(offsets[1:], place, right=True)
        sums = torch.zeros(t["out"].shape, dtype=torch.float32, device=x.device).index_add(0, owner, x.float())
        return {"out": unit(sums / offsets.diff().clamp_min(1).unsqueeze(-1))}

    return compiled(p, body)


def combine(t: Tensors) -> torch.Tensor:
    """Sum of each token's expert rows in f32."""
    slot = t["slot"]
    weight = torch.where(slot >= 0, t["weight"], 0.0)
    total = (t["x"][slot.clamp_min(0)].float() * weight.unsqueeze(-1)).sum(1)
    if "shared_x" in t:
        gate = torch.sigmoid(t["shared_gate"].float()).unsqueeze(-1) if "shared_gate" in t else 1.0
        total = total + gate * t["shared_x"].float()
    return total


def moe_combine(p: Problem) -> list[Call]:
    def body(t: Tensors) -> Tensors:
        total = combine(t)
        return {"out": total + t["stream"].float() if "stream" in t else total}

    return compiled(p, body)


def moe_combine_rms_norm(p: Problem) -> list[Call]:
    eps, offset = p.scalars["eps"], 1.0 if p.flag("unit_offset") else 0.0

    def body(t: Tensors) -> Tensors:
        h = combine(t) + t["residual"].float()
        return {"residual": h, "out": rms(h, t["gain"].float() + offset, eps)}

    return compiled(p, body)


PEERS: dict[str, Builder] = {
    "rms_norm": rms_norm,
    "add_rms_norm": add_rms_norm,
    "layer_norm": layer_norm,
    "softmax": softmax,
    "swiglu": swiglu,
    "gelu_bias": gelu_bias,
    "embedding": embedding,
    "quant_fp8": quantising(given, FP8_MAX, None),
    "quant_fp8_block": quantising(given, FP8_MAX, 128),
    "quant_int8": quantising(given, INT8_MAX, None),
    "rms_norm_quant_fp8": quantising(normed, FP8_MAX, None),
    "rms_norm_quant_fp8_block": quantising(normed, FP8_MAX, 128),
    "add_rms_norm_quant_fp8": quantising(normed, FP8_MAX, None),
    "add_rms_norm_quant_fp8_block": quantising(normed, FP8_MAX, 128),
    "swiglu_quant_fp8": quantising(gated_rows, FP8_MAX, None),
    "swiglu_quant_fp8_block": quantising(gated_rows, FP8_MAX, 128),
    "qk_norm_rope_cache": qk_norm_rope_cache,
    "last_token_pool_l2": last_token_pool_l2,
    "mean_pool_l2": mean_pool_l2,
    "moe_combine": moe_combine,
    "moe_combine_rms_norm": moe_combine_rms_norm,
    **torch_moe.COMPILED,
    **torch_select.COMPILED,
}
