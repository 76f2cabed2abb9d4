"""Reference results in torch, written from each operation's public definition; float64 where it matters."""

import torch
import torch.nn.functional as F

FP8_MAX = 448.0


def rms(h, weight, eps):
    h = h.double()
    return h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + eps) * weight.double()


def quant(y, by=None, limit=FP8_MAX):
    y = y.double()
    blocks = y if by is None else y.unflatten(-1, (-1, by))
    scale = (blocks.abs().amax(-1, keepdim=True) / limit).clamp_min(1e-12)
    return (blocks / scale).flatten(-2) if by is not None else blocks / scale, scale.squeeze(-1)


def rms_norm(t, s, v):
    weight = t["weight"].double() + (1.0 if v["flags"]["unit_offset"] else 0.0)
    y = rms(t["x"], weight, s["eps"])
    return {"out": y * F.silu(t["gate"].double()) if v["flags"]["gated"] else y}


def add_rms_norm(t, s, v):
    h = t["x"].float() + t["residual"].float()
    weight = t["weight"].double() + (1.0 if v["flags"].get("unit_offset") else 0.0)
    return {"residual": h, "out": rms(h, weight, s["eps"])}


def layer_norm(t, s, v):
    bias = t["shift"].double() if v["flags"]["bias"] else None
    return {"out": F.layer_norm(t["x"].double(), t["x"].shape[-1:], t["weight"].double(), bias, s["eps"])}


def gated(gate_up):
    gate, up = gate_up.double().chunk(2, -1)
    return F.silu(gate) * up


def norm_quant(by):
    def reference(t, s, v):
        h = t["x"].float() + t["residual"].float() if "residual" in t else t["x"]
        out, scale = quant(rms(h, t["weight"], s["eps"]), by)
        return {**({"residual": h} if "residual" in t else {}), "out": out, "scale": scale}

    return reference


def only_quant(by, source="x", fn=lambda x: x, limit=FP8_MAX):
    def reference(t, s, v):
        out, scale = quant(fn(t[source]), by, limit)
        return {"out": out.round() if limit == 127.0 else out, "scale": scale}

    return reference


def gelu_bias(t, s, v):
    h = t["x"].double() + t["bias"].double()
    return {"out": F.gelu(h, approximate="tanh" if v["flags"]["tanh_form"] else "none")}


def qk_norm_rope_cache(t, s, v):
    d = v["dims"]
    q_heads, k_heads, dim = d["q_heads"], d["k_heads"], 2 * d["half"]
    qkv = t["qkv"].double()
    q, k, value = qkv.split([q_heads, k_heads, k_heads], dim=1)
    if v["flags"]["norm"]:
        q, k = rms(q, t["q_weight"], s["eps"]), rms(k, t["k_weight"], s["eps"])
    cos, sin = t["cos_sin"][t["position"]].double().unsqueeze(1).chunk(2, -1)

    def rotate(x):
        a, b = x.chunk(2, -1)
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)

    q, k = rotate(q), rotate(k)
    if v["flags"]["quantised"]:
        k = (k / s["k_scale"]).clamp(-FP8_MAX, FP8_MAX)
        value = (value / s["v_scale"]).clamp(-FP8_MAX, FP8_MAX)
    k_cache, v_cache = t["k_cache"].double(), t["v_cache"].double()
    live = t["slot"] >= 0
    slots = t["slot"][live]
    k_cache.view(-1, k_heads, dim)[slots] = k[live]
    v_cache.view(-1, k_heads, dim)[slots] = value[live]
    return {"q": q, "k_cache": k_cache, "v_cache": v_cache}


def mean_pool_l2(t, s, v):
    offsets = t["offsets"].tolist()
    rows = [t["x"][a:b].double().mean(0) if b > a else torch.zeros_like(t["x"][0]).double() for a, b in zip(offsets, offsets[1:])]
    return {"out": F.normalize(torch.stack(rows), dim=-1)}


REFERENCES = {
    "rms_norm": rms_norm,
    "add_rms_norm": add_rms_norm,
    "layer_norm": layer_norm,
    "qk_norm_rope_cache": qk_norm_rope_cache,
    "swiglu": lambda t, s, v: {"out": gated(t["gate_up"])},
    "swiglu_quant_fp8": only_quant(None, "gate_up", gated),
    "swiglu_quant_fp8_block": only_quant(128, "gate_up", gated),
    "gelu_bias": gelu_bias,
    "embedding": lambda t, s, v: {"out": t["table"][t["ids"].long()]},
    "rms_norm_quant_fp8": norm_quant(None),
    "rms_norm_quant_fp8_block": norm_quant(128),
    "add_rms_norm_quant_fp8": norm_quant(None),
    "add_rms_norm_quant_fp8_block": norm_quant(128),
    "quant_fp8": only_quant(None),
    "quant_fp8_block": only_quant(128),
    "quant_int8": only_quant(None, limit=127.0),
    "softmax": lambda t, s, v: {"out": t["x"].double().softmax(-1)},
    "mean_pool_l2": mean_pool_l2,
    "last_token_pool_l2": lambda t, s, v: {"out": F.normalize(t["x"][t["offsets"][1:].long() - 1].double(), dim=-1)},
}
