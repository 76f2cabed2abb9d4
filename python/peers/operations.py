"""The operations in torch, as somebody who serves a model would write them: functions of tensors, in place where an engine is.

Each takes the tensors of the spec by name (`t`), its scalars (`s`) and flags (`f`), writes to caches in place, and returns the rest.
The residual stream is returned as a new tensor: Inductor makes one kernel of that, and several of a sum in place.
"""

import torch
import torch.nn.functional as F

FP8 = torch.float8_e4m3fn
FP8_MAX = 448.0


def scaled(y, limit, dtype, block=None):
    """Quantised rows, or blocks of rows, and their scales."""
    y = y if block is None else y.unflatten(-1, (-1, block))
    scale = (y.abs().amax(-1, keepdim=True) * (1.0 / limit)).clamp_min(1e-12)
    q = y / scale
    q = q.round().clamp(-128, 127).to(dtype) if dtype is torch.int8 else q.clamp(-limit, limit).to(dtype)
    return {"out": q if block is None else q.flatten(-2), "scale": scale.squeeze(-1)}


def rms(h, weight, eps):
    h = h.float()
    return h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + eps) * weight.float()


def weight_of(t, f):
    return t["weight"].float() + 1.0 if f.get("unit_offset") else t["weight"]


def rms_norm(t, s, f):
    x = t["x"]
    if not f.get("gated") and not f.get("unit_offset"):
        return {"out": F.rms_norm(x, x.shape[-1:], t["weight"], s["eps"])}
    y = rms(x, weight_of(t, f), s["eps"])
    return {"out": (y * F.silu(t["gate"].float()) if f.get("gated") else y).to(x.dtype)}


def add_rms_norm(t, s, f):
    h = t["x"].float() + t["residual"].float()
    return {"residual": h.to(t["x"].dtype), "out": rms(h, weight_of(t, f), s["eps"]).to(t["x"].dtype)}


def layer_norm(t, s, f):
    x = t["x"]
    return {"out": F.layer_norm(x, x.shape[-1:], t["weight"], t.get("shift"), s["eps"])}


def swiglu(t, s, f):
    gate, up = t["gate_up"].chunk(2, -1)
    return {"out": F.silu(gate) * up}


def gated(t):
    gate, up = t["gate_up"].float().chunk(2, -1)
    return F.silu(gate) * up


def norm_quant(block):
    def operation(t, s, f):
        h = t["x"].float()
        if "residual" not in t:
            return scaled(rms(h, t["weight"], s["eps"]), FP8_MAX, FP8, block)
        h = h + t["residual"].float()
        return {"residual": h.to(t["x"].dtype), **scaled(rms(h, t["weight"], s["eps"]), FP8_MAX, FP8, block)}

    return operation


def qk_norm_rope_cache(t, s, f):
    q_out, k_cache, v_cache = t["q"], t["k_cache"], t["v_cache"]
    q_heads, k_heads, dim = q_out.shape[1], k_cache.shape[2], q_out.shape[2]
    q, k, v = t["qkv"].split([q_heads, k_heads, k_heads], dim=1)
    if f.get("norm"):
        q, k = rms(q, t["q_weight"], s["eps"]), rms(k, t["k_weight"], s["eps"])
    cos, sin = t["cos_sin"][t["position"]].float().unsqueeze(1).chunk(2, -1)

    def rotate(x):
        a, b = x.float().chunk(2, -1)
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)

    k, v = rotate(k), v.float()
    if f.get("quantised"):
        k, v = (k / s["k_scale"]).clamp(-FP8_MAX, FP8_MAX), (v / s["v_scale"]).clamp(-FP8_MAX, FP8_MAX)
    q_out.copy_(rotate(q))
    slots = t["slot"]
    k_cache.view(-1, k_heads, dim).index_copy_(0, slots, k.to(k_cache.dtype))
    v_cache.view(-1, k_heads, dim).index_copy_(0, slots, v.to(v_cache.dtype))
    return {}


OPERATIONS = {
    "rms_norm": rms_norm,
    "add_rms_norm": add_rms_norm,
    "layer_norm": layer_norm,
    "softmax": lambda t, s, f: {"out": t["x"].softmax(-1)},
    "swiglu": swiglu,
    "gelu_bias": lambda t, s, f: {
        "out": F.gelu(t["x"] + t["bias"], approximate="tanh" if f.get("tanh_form") else "none")
    },
    "embedding": lambda t, s, f: {"out": F.embedding(t["ids"], t["table"])},
    "quant_fp8": lambda t, s, f: scaled(t["x"].float(), FP8_MAX, FP8),
    "quant_fp8_block": lambda t, s, f: scaled(t["x"].float(), FP8_MAX, FP8, 128),
    "quant_int8": lambda t, s, f: scaled(t["x"].float(), 127.0, torch.int8),
    "swiglu_quant_fp8": lambda t, s, f: scaled(gated(t), FP8_MAX, FP8),
    "swiglu_quant_fp8_block": lambda t, s, f: scaled(gated(t), FP8_MAX, FP8, 128),
    "rms_norm_quant_fp8": norm_quant(None),
    "rms_norm_quant_fp8_block": norm_quant(128),
    "add_rms_norm_quant_fp8": norm_quant(None),
    "add_rms_norm_quant_fp8_block": norm_quant(128),
    "qk_norm_rope_cache": qk_norm_rope_cache,
}
