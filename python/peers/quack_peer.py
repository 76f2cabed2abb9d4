"""quack's kernels: RMSNorm with and without a residual, LayerNorm, softmax, top-k; outputs written where they lie."""

from typing import Any, Iterable

import torch
from quack import rmsnorm as _  # noqa: F401  (quack sets itself up)
from quack.rmsnorm import _compile_rmsnorm_fwd, _rmsnorm_fwd
from quack.rmsnorm_config import RmsNormFwdConfig
from quack.cute_dsl_utils import torch2cute_dtype_map
from quack.softmax import _softmax_fwd
from quack.topk import _topk_fwd

from problem import Absent, Builder, Call, Problem, Tensors


def configs(n: int) -> Iterable[RmsNormFwdConfig]:
    """Launch configurations beside the one that quack picks: 8 to 64 elements a thread."""
    for threads, a_row in ((128, 32), (128, 64), (128, 128), (256, 128), (256, 256), (512, 512)):
        if 8 <= n // a_row <= 64 and n <= 16384:
            yield RmsNormFwdConfig(num_threads=threads, threads_per_row=a_row, cluster_n=1, reload_from=None)


def norm_ways(p: Problem, arguments: list[tuple[Any, ...]], eps: float, layer: bool, offset: float, name: str) -> list[Call]:
    """arguments: x, weight, bias, residual and out of each set; the residual is updated in place."""

    def picked(i: int) -> None:
        x, weight, bias, residual, out = arguments[i]
        _rmsnorm_fwd(x, weight, out, bias, None, None, residual, residual, eps, layer, offset)

    def configured(config: RmsNormFwdConfig) -> Call:
        x, weight, bias, residual, out = arguments[0]
        dtypes = [torch2cute_dtype_map[t.dtype] if t is not None else None for t in (x, out, residual, weight, bias, residual)]
        made: list[Any] = []

        def run(i: int) -> None:
            if not made:
                made.append(_compile_rmsnorm_fwd(*dtypes, x.shape[-1], False, False, layer, False, offset, config=config))
            x_, weight_, bias_, residual_, out_ = arguments[i]
            made[0](x_, weight_, bias_, residual_, out_, residual_, None, None, eps)

        return Call(run, f"{name}, {config.num_threads} threads, {config.threads_per_row} a row")

    return [Call(picked, name), *(configured(config) for config in configs(p.first["x"].shape[-1]))]


def rms_norm(p: Problem) -> list[Call]:
    if p.flag("gated"):
        raise Absent("quack has no gated RMSNorm")
    offset = 1.0 if p.flag("unit_offset") else 0.0
    arguments = [(t["x"], t["weight"], None, t.get("residual"), t["out"]) for t in p.sets]
    return norm_ways(p, arguments, p.scalars["eps"], False, offset, "quack.rmsnorm" + (" with residual" if "residual" in p.first else ""))


def layer_norm(p: Problem) -> list[Call]:
    # It takes its weight and bias in f32.
    arguments = [
        (t["x"], t["weight"].to(torch.float32), t["shift"].to(torch.float32) if "shift" in t else None, None, t["out"]) for t in p.sets
    ]
    return norm_ways(p, arguments, p.scalars["eps"], True, 0.0, "quack.layernorm, f32 weights")


def softmax(p: Problem) -> list[Call]:
    def run(i: int) -> None:
        _softmax_fwd(p.sets[i]["x"], p.sets[i]["out"])

    return [Call(run, "quack.softmax")]


def choosable(n: int, k: int) -> None:
    powers = n & (n - 1) == 0 and k & (k - 1) == 0
    if not powers or n > 4096 or k > 128:
        raise Absent("quack's top-k takes powers of 2: up to 128 of up to 4096")


def topk(p: Problem) -> list[Call]:
    if p.flag("smallest"):
        raise Absent("quack chooses the largest only")
    k = p.dims["k"]
    choosable(p.first["x"].shape[1], k)

    def run(i: int) -> None:
        t = p.sets[i]
        _topk_fwd(t["x"], k, False, t["values"], t["indices"])

    return [Call(run, "quack.topk")]


def moe_route(p: Problem) -> list[Call]:
    """Softmax of the chosen logits, which is that of all of them once it adds up to 1."""
    if not p.flag("softmax") or not p.flag("renormalise") or p.flag("biased"):
        raise Absent("quack's top-k has a softmax of what it chooses, and no sigmoid or bias")
    k, scale = p.dims["top_k"], p.scalars.get("scale", 1.0)
    choosable(p.first["logits"].shape[1], k)
    # It gives its results in the dtype of the logits.
    values = [torch.empty_like(t["weights"], dtype=t["logits"].dtype) for t in p.sets]

    def run(i: int) -> None:
        t = p.sets[i]
        _topk_fwd(t["logits"], k, True, values[i], t["ids"])
        if scale != 1.0:
            values[i].mul_(scale)

    def outputs(i: int) -> Tensors:
        return {"weights": values[i]}

    return [Call(run, "quack.topk with softmax" + ("" if scale == 1.0 else ", mul_"), outputs)]


PEERS: dict[str, Builder] = {
    "rms_norm": rms_norm,
    "add_rms_norm": rms_norm,
    "layer_norm": layer_norm,
    "softmax": softmax,
    "topk": topk,
    "moe_route": moe_route,
}
