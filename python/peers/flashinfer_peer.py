"""FlashInfer's kernels: RMSNorm in its forms, LayerNorm, gated activation, QK norm with rotation in its own steps, top-k, sampling."""

import flashinfer
import torch

from problem import Absent, Builder, Call, Problem, Tensors
from torch_select import Settings, plain


def rms_norm(p: Problem) -> list[Call]:
    if p.flag("gated"):
        raise Absent("FlashInfer has no gated RMSNorm of this form")
    gemma = p.flag("unit_offset")
    norm = flashinfer.norm.gemma_rmsnorm if gemma else flashinfer.norm.rmsnorm
    eps = p.scalars["eps"]

    def run(i: int) -> None:
        t = p.sets[i]
        norm(t["x"], t["weight"], eps, out=t["out"])

    return [Call(run, f"flashinfer.norm.{'gemma_rmsnorm' if gemma else 'rmsnorm'}")]


def add_rms_norm(p: Problem) -> list[Call]:
    gemma = p.flag("unit_offset")
    norm = flashinfer.norm.gemma_fused_add_rmsnorm if gemma else flashinfer.norm.fused_add_rmsnorm
    eps = p.scalars["eps"]
    # The result takes the place of x: other peers are to find x as it was.
    inputs = [t["x"].clone() for t in p.sets]

    def run(i: int) -> None:
        norm(inputs[i], p.sets[i]["residual"], p.sets[i]["weight"], eps)

    def renew(i: int) -> None:
        inputs[i].copy_(p.sets[i]["x"])

    note = f"flashinfer.norm.{'gemma_' if gemma else ''}fused_add_rmsnorm"
    return [Call(run, note, outputs=lambda i: {"out": inputs[i]}, renew=renew)]


def layer_norm(p: Problem) -> list[Call]:
    if p.first["x"].dtype != torch.bfloat16:
        raise Absent("FlashInfer's LayerNorm takes bf16")
    eps = p.scalars["eps"]
    weights = [t["weight"].float() for t in p.sets]
    shifts = [t["shift"].float() if "shift" in t else torch.zeros_like(w) for t, w in zip(p.sets, weights)]
    kept: list[torch.Tensor | None] = [None for _ in p.sets]

    def run(i: int) -> None:
        kept[i] = flashinfer.norm.layernorm(p.sets[i]["x"], weights[i], shifts[i], eps)

    def outputs(i: int) -> dict[str, torch.Tensor]:
        out = kept[i]
        return {} if out is None else {"out": out}

    return [Call(run, "flashinfer.norm.layernorm, f32 weights", outputs=outputs)]


def swiglu(p: Problem) -> list[Call]:
    def run(i: int) -> None:
        flashinfer.activation.silu_and_mul(p.sets[i]["gate_up"], out=p.sets[i]["out"])

    return [Call(run, "flashinfer.activation.silu_and_mul")]


def qk_norm_rope_cache(p: Problem) -> list[Call]:
    """Norms into copies of q and k, a rotation of both in place, and torch's write into the cache."""
    if p.flag("quantised") or p.first["cos_sin"].dtype != torch.float32:
        raise Absent("FlashInfer's rotation takes cosines in f32, and its write of a quantised cache is of another form")
    if bool((p.first["slot"] < 0).any()):
        raise Absent("torch's index_copy_ cannot leave out the tokens whose slot is negative")
    q_heads, k_heads, dim = p.dims["q_heads"], p.dims["k_heads"], 2 * p.dims["half"]
    normed, eps = "q_weight" in p.first, p.scalars.get("eps", 0.0)
    keys = [torch.empty_like(t["qkv"][:, :k_heads].contiguous()) for t in p.sets]

    def run(i: int) -> None:
        t = p.sets[i]
        q, k, v = t["qkv"].split([q_heads, k_heads, k_heads], 1)
        if normed:
            flashinfer.norm.rmsnorm(q, t["q_weight"], eps, out=t["q"])
            flashinfer.norm.rmsnorm(k, t["k_weight"], eps, out=keys[i])
        else:
            t["q"].copy_(q)
            keys[i].copy_(k)
        flashinfer.rope.apply_rope_with_cos_sin_cache_inplace(
            t["position"], t["q"].view(-1, q_heads * dim), keys[i].view(-1, k_heads * dim), dim, t["cos_sin"], is_neox=True
        )
        t["k_cache"].view(-1, k_heads, dim).index_copy_(0, t["slot"], keys[i])
        t["v_cache"].view(-1, k_heads, dim).index_copy_(0, t["slot"], v)

    return [Call(run, "flashinfer rmsnorm, apply_rope_with_cos_sin_cache_inplace; torch index_copy_")]


def add_rms_norm_quant_fp8_block(p: Problem) -> list[Call]:
    rows, hidden = p.first["x"].shape
    if p.first["x"].dtype != torch.bfloat16 or hidden % (256 if hidden <= 8192 else 512) or hidden > 16384:
        raise Absent("FlashInfer's fused kernel takes bf16 rows of a multiple of 256, above 8192 of 512, up to 16384")
    eps = p.scalars["eps"]
    # Scales lie by column, and the normalised row is written as well.
    scales = [torch.empty((hidden // 128, -(-rows // 4) * 4), dtype=torch.float32, device=t["x"].device) for t in p.sets]
    normed = [torch.empty_like(t["x"]) for t in p.sets]

    def run(i: int) -> None:
        t = p.sets[i]
        flashinfer.norm.fused_add_rmsnorm_fp8_block_quant(
            t["out"], scales[i], normed[i], t["x"], t["residual"], t["weight"], eps
        )

    def outputs(i: int) -> Tensors:
        return {"scale": scales[i].transpose(0, 1)[:rows]}

    return [Call(run, "flashinfer.norm.fused_add_rmsnorm_fp8_block_quant, which also writes the normalised row", outputs)]


def topk(p: Problem) -> list[Call]:
    if p.flag("smallest"):
        raise Absent("FlashInfer chooses the largest only")
    k = p.dims["k"]
    kept: list[Tensors] = [{} for _ in p.sets]

    def way(tie_break: int, words: str) -> Call:
        def run(i: int) -> None:
            values, indices = flashinfer.top_k(p.sets[i]["x"], k, sorted=True, tie_break=tie_break, dsa_graph_safe=True)
            kept[i] = {"values": values, "indices": indices}

        return Call(run, f"flashinfer.top_k, sorted{words}", lambda i: kept[i])

    return [way(0, ""), way(1, ", the lower index first")]


def warm_alone(p: Problem) -> Settings:
    plain(p)
    settings = Settings(p)
    if not settings.all_warm:
        raise Absent("FlashInfer has no rows of temperature 0 among others")
    return settings


def sample_temperature(p: Problem) -> list[Call]:
    warm_alone(p)
    kept: list[Tensors] = [{} for _ in p.sets]

    def logits(i: int) -> None:
        t = p.sets[i]
        heated = t["logits"].float() / t["temperature"].unsqueeze(-1)
        kept[i] = {"token": flashinfer.sampling.sampling_from_logits(heated, seed=t["seed"], offset=t["offset"])}

    def probabilities(i: int) -> None:
        t = p.sets[i]
        probs = flashinfer.sampling.softmax(t["logits"], temperature=t["temperature"])
        kept[i] = {"token": flashinfer.sampling.sampling_from_probs(probs, seed=t["seed"], offset=t["offset"])}

    return [
        Call(logits, "div, flashinfer.sampling.sampling_from_logits", lambda i: kept[i], compared=False),
        Call(probabilities, "flashinfer.sampling.softmax, sampling_from_probs", lambda i: kept[i], compared=False),
    ]


def sample_top_k_top_p(p: Problem) -> list[Call]:
    settings = warm_alone(p)
    if settings.min_p:
        raise Absent("FlashInfer has no min_p beside top_k and top_p")
    if bool((p.first["top_k"] <= 0).any()):
        raise Absent("FlashInfer has no rows without top_k among others")
    kept: list[Tensors] = [{} for _ in p.sets]

    def way(order: str) -> Call:
        def run(i: int) -> None:
            t = p.sets[i]
            heated = t["logits"].float() / t["temperature"].unsqueeze(-1)
            token = flashinfer.sampling.top_k_top_p_sampling_from_logits(
                heated, t["top_k"], t["top_p"], filter_apply_order=order, seed=t["seed"], offset=t["offset"]
            )
            kept[i] = {"token": token}

        return Call(run, f"div, flashinfer.sampling.top_k_top_p_sampling_from_logits, {order}", lambda i: kept[i], compared=False)

    return [way("top_k_first"), way("joint")]


PEERS: dict[str, Builder] = {
    "rms_norm": rms_norm,
    "add_rms_norm": add_rms_norm,
    "add_rms_norm_quant_fp8_block": add_rms_norm_quant_fp8_block,
    "layer_norm": layer_norm,
    "swiglu": swiglu,
    "qk_norm_rope_cache": qk_norm_rope_cache,
    "topk": topk,
    "sample_temperature": sample_temperature,
    "sample_top_k_top_p": sample_top_k_top_p,
}
