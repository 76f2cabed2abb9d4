"""The operations in eager torch: the fewest kernels that torch has for each, written to where the outputs lie if it can."""

from typing import Callable

import torch
import torch.nn.functional as F

import torch_moe
import torch_select
from problem import Absent, Builder, Call, Problem, Tensors
from torch_ways import Step, way

FP8_MAX, INT8_MAX, LEAST_SCALE = 448.0, 127.0, 1e-12

def norm_weights(p: Problem, name: str = "weight") -> dict[int, torch.Tensor]:
    """Weights as torch takes them, by their tensor's address: 1 is added once, as an engine does when it loads them."""
    offset = p.flag("unit_offset")
    return {t[name].data_ptr(): (t[name].float() + 1.0).to(t[name].dtype) if offset else t[name] for t in p.sets}


def normalise(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    return F.rms_norm(x, weight.shape, weight, eps)


def rms_norm(p: Problem) -> list[Call]:
    eps, gated, weights = p.scalars["eps"], p.flag("gated"), norm_weights(p)

    def step(t: Tensors) -> Tensors | None:
        y = normalise(t["x"], weights[t["weight"].data_ptr()], eps)
        if not gated:
            return {"out": y}
        torch.mul(y, F.silu(t["gate"]), out=t["out"])
        return None

    return [way(p, "torch.nn.functional.rms_norm" + (" * silu" if gated else ""), step)]


def add_rms_norm(p: Problem) -> list[Call]:
    eps, weights = p.scalars["eps"], norm_weights(p)

    def step(t: Tensors) -> Tensors:
        return {"out": normalise(t["residual"].add_(t["x"]), weights[t["weight"].data_ptr()], eps)}

    return [way(p, "add_, torch.nn.functional.rms_norm", step)]


def layer_norm(p: Problem) -> list[Call]:
    eps = p.scalars["eps"]

    def step(t: Tensors) -> Tensors:
        return {"out": F.layer_norm(t["x"], t["weight"].shape, t["weight"], t.get("shift"), eps)}

    return [way(p, "torch.nn.functional.layer_norm", step)]


def softmax(p: Problem) -> list[Call]:
    def step(t: Tensors) -> None:
        torch.softmax(t["x"], -1, out=t["out"])

    return [way(p, "torch.softmax", step)]


def gate(gate_up: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
    left, right = gate_up.chunk(2, -1)
    return torch.mul(F.silu(left), right, out=out)


def swiglu(p: Problem) -> list[Call]:
    def step(t: Tensors) -> None:
        gate(t["gate_up"], t["out"])

    return [way(p, "torch.nn.functional.silu * up", step)]


def gelu_bias(p: Problem) -> list[Call]:
    form = "tanh" if p.flag("tanh_form") else "none"

    def step(t: Tensors) -> None:
        torch._C._nn.gelu(t["x"] + t["bias"], approximate=form, out=t["out"])

    return [way(p, f"add, gelu (approximate={form})", step)]


def embedding(p: Problem) -> list[Call]:
    def select(t: Tensors) -> None:
        torch.index_select(t["table"], 0, t["ids"], out=t["out"])

    def look_up(t: Tensors) -> Tensors:
        return {"out": F.embedding(t["ids"], t["table"])}

    return [way(p, "torch.nn.functional.embedding", look_up), way(p, "torch.index_select", select)]


def quantise(y: torch.Tensor, t: Tensors, limit: float, by: int | None, direct: bool) -> None:
    """y -> t's `out` and `scale`. direct: the division writes the 8-bit result itself."""
    out, scale = t["out"], t["scale"]
    if by is not None:
        y, out = y.unflatten(-1, (-1, by)), out.unflatten(-1, (-1, by))
    torch.linalg.vector_norm(y, float("inf"), -1, dtype=torch.float32, out=scale)
    scale.mul_(1.0 / limit).clamp_min_(LEAST_SCALE)
    if direct:
        torch.div(y, scale.unsqueeze(-1), out=out)
        return
    quotient = torch.div(y, scale.unsqueeze(-1))
    out.copy_(quotient.round_() if limit == INT8_MAX else quotient)


def quantising(note: str, source: Callable[[Problem], Callable[[Tensors], torch.Tensor]], limit: float, by: int | None) -> Builder:
    """A builder: the rows that `source` makes, quantised."""

    def builder(p: Problem) -> list[Call]:
        rows = source(p)

        def step(direct: bool) -> Step:
            return lambda t: quantise(rows(t), t, limit, by, direct)

        ways = [way(p, f"{note}vector_norm, div, copy_", step(False))]
        # Only a float can be written by the division itself: to an integer it would cut off.
        return ways if limit == INT8_MAX else [*ways, way(p, f"{note}vector_norm, div(out=)", step(True))]

    return builder


def given(_: Problem) -> Callable[[Tensors], torch.Tensor]:
    return lambda t: t["x"]


def normed(p: Problem) -> Callable[[Tensors], torch.Tensor]:
    eps = p.scalars["eps"]
    return lambda t: normalise(t["residual"].add_(t["x"]) if "residual" in t else t["x"], t["weight"], eps)


def gated_rows(_: Problem) -> Callable[[Tensors], torch.Tensor]:
    return lambda t: gate(t["gate_up"])


def qk_norm_rope_cache(p: Problem) -> list[Call]:
    q_heads, k_heads, half = p.dims["q_heads"], p.dims["k_heads"], p.dims["half"]
    norm, quantised = "q_weight" in p.first, p.flag("quantised")
    if bool((p.first["slot"] < 0).any()):
        raise Absent("torch's index_copy_ cannot leave out the tokens whose slot is negative")

    def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, out: torch.Tensor) -> None:
        a, b = x.chunk(2, -1)
        left, right = out.chunk(2, -1)
        torch.addcmul(a * cos, b, sin, value=-1.0, out=left)
        torch.addcmul(b * cos, a, sin, out=right)

    def store(cache: torch.Tensor, slot: torch.Tensor, x: torch.Tensor, scale: float) -> None:
        if quantised:
            x = (x.float() / scale).clamp_(-FP8_MAX, FP8_MAX)
        x = x.to(cache.dtype)
        flat = cache.view(-1, k_heads, 2 * half)
        if cache.dtype.itemsize == 1:
            flat, x = flat.view(torch.uint8), x.view(torch.uint8)
        flat.index_copy_(0, slot, x)

    def step(t: Tensors) -> None:
        q, k, v = t["qkv"].split([q_heads, k_heads, k_heads], 1)
        if norm:
            q, k = normalise(q, t["q_weight"], p.scalars["eps"]), normalise(k, t["k_weight"], p.scalars["eps"])
        cos, sin = t["cos_sin"].index_select(0, t["position"]).unsqueeze(1).chunk(2, -1)
        turned = torch.empty_like(k)
        rotate(q, cos, sin, t["q"])
        rotate(k, cos, sin, turned)
        store(t["k_cache"], t["slot"], turned, p.scalars.get("k_scale", 1.0))
        store(t["v_cache"], t["slot"], v, p.scalars.get("v_scale", 1.0))

    return [way(p, "rms_norm, index_select, mul, addcmul, index_copy_", step)]


def last_token_pool_l2(p: Problem) -> list[Call]:
    def step(t: Tensors) -> None:
        rows = t["x"].index_select(0, t["offsets"][1:] - 1).float()
        torch.div(rows, torch.linalg.vector_norm(rows, 2.0, -1, keepdim=True).clamp_min_(LEAST_SCALE), out=t["out"])

    return [way(p, "index_select, vector_norm, div", step)]


def mean_pool_l2(p: Problem) -> list[Call]:
    def unit(rows: torch.Tensor, out: torch.Tensor) -> None:
        torch.div(rows, torch.linalg.vector_norm(rows, 2.0, -1, keepdim=True).clamp_min_(LEAST_SCALE), out=out)

    def reduce(t: Tensors) -> None:
        unit(torch.segment_reduce(t["x"].float(), "mean", offsets=t["offsets"], initial=0.0), t["out"])

    def add(t: Tensors) -> None:
        offsets, x = t["offsets"], t["x"]
        owner = torch.searchsorted(offsets[1:], torch.arange(x.shape[0], dtype=torch.int32, device=x.device), right=True)
        sums = torch.zeros(t["out"].shape, dtype=torch.float32, device=x.device).index_add_(0, owner, x.float())
        unit(sums.div_(offsets.diff().clamp_min_(1).unsqueeze(-1)), t["out"])

    return [way(p, "index_add_, vector_norm, div", add), way(p, "segment_reduce, vector_norm, div", reduce)]


def combine(t: Tensors) -> torch.Tensor:
    """Sum of each token's expert rows in f32."""
    slot = t["slot"]
    weight = torch.where(slot >= 0, t["weight"], 0.0)
    rows = t["x"].index_select(0, slot.clamp_min(0).flatten()).view(*slot.shape, -1)
    total = torch.mul(rows, weight.unsqueeze(-1)).sum(1)
    if "shared_x" in t:
        gate = torch.sigmoid(t["shared_gate"].float()).unsqueeze(-1) if "shared_gate" in t else 1.0
        total += gate * t["shared_x"].float()
    return total


def moe_combine(p: Problem) -> list[Call]:
    def step(t: Tensors) -> None:
        total = combine(t)
        if "stream" in t:
            torch.add(total, t["stream"], out=t["out"])
        else:
            t["out"].copy_(total)

    return [way(p, "index_select, mul, sum", step)]


def moe_combine_rms_norm(p: Problem) -> list[Call]:
    eps, weights = p.scalars["eps"], norm_weights(p, "gain")

    def step(t: Tensors) -> Tensors:
        residual = t["residual"].add_(combine(t))
        return {"out": normalise(residual, weights[t["gain"].data_ptr()], eps)}

    return [way(p, "index_select, mul, sum, add_, rms_norm", step)]


PEERS: dict[str, Builder] = {
    "rms_norm": rms_norm,
    "add_rms_norm": add_rms_norm,
    "layer_norm": layer_norm,
    "softmax": softmax,
    "swiglu": swiglu,
    "gelu_bias": gelu_bias,
    "embedding": embedding,
    "quant_fp8": quantising("", given, FP8_MAX, None),
    "quant_fp8_block": quantising("", given, FP8_MAX, 128),
    "quant_int8": quantising("", given, INT8_MAX, None),
    "rms_norm_quant_fp8": quantising("rms_norm, ", normed, FP8_MAX, None),
    "rms_norm_quant_fp8_block": quantising("rms_norm, ", normed, FP8_MAX, 128),
    "add_rms_norm_quant_fp8": quantising("add_, rms_norm, ", normed, FP8_MAX, None),
    "add_rms_norm_quant_fp8_block": quantising("add_, rms_norm, ", normed, FP8_MAX, 128),
    "swiglu_quant_fp8": quantising("silu, mul, ", gated_rows, FP8_MAX, None),
    "swiglu_quant_fp8_block": quantising("silu, mul, ", gated_rows, FP8_MAX, 128),
    "qk_norm_rope_cache": qk_norm_rope_cache,
    "last_token_pool_l2": last_token_pool_l2,
    "mean_pool_l2": mean_pool_l2,
    "moe_combine": moe_combine,
    "moe_combine_rms_norm": moe_combine_rms_norm,
    **torch_moe.EAGER,
    **torch_select.EAGER,
}
