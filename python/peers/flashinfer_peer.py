"""FlashInfer's kernels: RMSNorm in its forms, LayerNorm, gated activation, and QK norm with rotation in its own steps."""

import flashinfer
import torch

from problem import Absent, Builder, Call, Problem


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


PEERS: dict[str, Builder] = {
    "rms_norm": rms_norm,
    "add_rms_norm": add_rms_norm,
    "layer_norm": layer_norm,
    "swiglu": swiglu,
    "qk_norm_rope_cache": qk_norm_rope_cache,
}
