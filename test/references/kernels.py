"""What each kernel computes, from the operation's public definition and in float64; no spec of this project is read.

A function takes tensors, parameters, flags and dtypes by name and gives the outputs by name; `None` marks elements that
are not written.
"""

import math

import numpy as np
from numerics import FP8_MAX, quantised, rounded


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def rms(h, weight, eps):
    """arXiv 1910.07467, equation 4: h over the root of its mean square, times the gain."""
    return h / np.sqrt(np.mean(np.square(h), axis=-1, keepdims=True) + eps) * weight


def gain(weight, flags):
    """Gemma and Qwen3-Next store weights as their difference from 1."""
    return weight + 1.0 if flags.get("unit_offset") else weight


def rms_norm(t, p, flags, types):
    y = rms(t["x"], gain(t["weight"], flags), p["eps"])
    # Qwen3-Next, gated RMSNorm: norm before gate, silu of the gate.
    return {"out": rounded(y * t["gate"] * sigmoid(t["gate"]) if flags["gated"] else y, types["T"])}


def add_rms_norm(t, p, flags, types):
    h = t["x"] + t["residual"]
    return {"residual": rounded(h, types["T"]), "out": rounded(rms(h, gain(t["weight"], flags), p["eps"]), types["T"])}


def layer_norm(t, p, flags, types):
    """arXiv 1607.06450, equations 3 and 4; the variance is that of the population."""
    x = t["x"]
    y = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + p["eps"]) * t["weight"]
    return {"out": rounded(y + t["shift"] if flags["bias"] else y, types["T"])}


def fp8(values, run):
    """arXiv 2209.05433: the largest magnitude of a run is mapped to the largest e4m3."""
    q, scale = quantised(values, run or values.shape[-1], FP8_MAX)
    return {"out": rounded(q, "e4m3"), "scale": scale if run else scale[..., 0]}


def norm_then_fp8(run, residual):
    def reference(t, p, flags, types):
        h = t["x"] + t["residual"] if residual else t["x"]
        stored = {"residual": rounded(h, types["T"])} if residual else {}
        return {**stored, **fp8(rms(h, t["weight"], p["eps"]), run)}

    return reference


def quant_int8(t, p, flags, types):
    q, scale = quantised(t["x"], t["x"].shape[-1], 127.0)
    return {"out": np.clip(np.rint(q), -128, 127), "scale": scale[..., 0]}


def swiglu_of(gate_up):
    """arXiv 2002.05202, equation 6, on a fused row: the gate half, then the up half."""
    gate, up = np.split(gate_up, 2, axis=-1)
    return gate * sigmoid(gate) * up


def flat_halves(t):
    return t["gate_up"].reshape(t["gate_up"].shape[0], -1)


def gelu_bias(t, p, flags, types):
    """arXiv 1606.08415: x times the normal distribution function, or the tanh form of section 2."""
    x = t["x"] + t["bias"]
    if flags["tanh_form"]:
        # (1 + tanh u) / 2 is 1 / (1 + exp(-2 u)), which keeps its digits for large negative u.
        y = x / (1.0 + np.exp(-2.0 * math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))
    else:
        y = 0.5 * x * np.vectorize(math.erfc, otypes=[float])(-x / math.sqrt(2.0))
    return {"out": rounded(y, types["T"])}


def softmax(t, p, flags, types):
    e = np.exp(t["x"] - t["x"].max(-1, keepdims=True))
    return {"out": rounded(e / e.sum(-1, keepdims=True), types["T"])}


def embedding(t, p, flags, types):
    ids, table = t["ids"].astype(np.int64), t["table"]
    known = (ids >= 0) & (ids < table.shape[0])
    rows = table[np.where(known, ids, 0)] if table.shape[0] else np.zeros((len(ids), table.shape[1]))
    return {"out": np.where(known[:, None], rows, 0.0)}


def unit(v):
    """L2 normalisation as torch.nn.functional.normalize defines it: the norm is clamped from below."""
    return v / np.maximum(np.sqrt(np.square(v).sum(-1, keepdims=True)), 1e-12)


def mean_pool_l2(t, p, flags, types):
    x, offsets = t["x"], t["offsets"].astype(int)
    rows = [x[a:b].mean(0) if b > a else np.zeros(x.shape[1]) for a, b in zip(offsets[:-1], offsets[1:])]
    return {"out": rounded(unit(np.array(rows).reshape(-1, x.shape[1])), types["O"])}


def last_token_pool_l2(t, p, flags, types):
    x, last = t["x"], t["offsets"].astype(int)[1:] - 1
    rows = [x[i] if 0 <= i < len(x) else np.zeros(x.shape[1]) for i in last]
    return {"out": rounded(unit(np.array(rows).reshape(-1, x.shape[1])), types["O"])}


def rotate(x, cos, sin):
    """RoPE in the neox layout (arXiv 2104.09864, equation 34): element i of a head turns with element i + half."""
    first, second = np.split(x, 2, axis=-1)
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def qk_norm_rope_cache(t, p, flags, types):
    tokens = t["qkv"].shape[0]
    heads = t["qkv"].shape[1]
    head = t["qkv"].shape[2] * t["qkv"].shape[3] if t["qkv"].ndim == 4 else t["qkv"].shape[2]
    qkv = t["qkv"].reshape(tokens, heads, head)
    k_heads = t["k_cache_shape"][2]
    q_heads = heads - 2 * k_heads
    q, k, v = np.split(qkv, [q_heads, q_heads + k_heads], axis=1)
    if flags["norm"]:
        q, k = rms(q, t["q_weight"].reshape(-1), p["eps"]), rms(k, t["k_weight"].reshape(-1), p["eps"])
    table = t["cos_sin"].reshape(t["cos_sin"].shape[0], head)
    position = t["position"].astype(np.int64)
    known = (position >= 0) & (position < len(table))
    turned = np.where(known[:, None], table[np.where(known, position, 0)], 0.0)[:, None, :]
    cos, sin = np.split(turned, 2, axis=-1)
    q, k = rotate(q, cos, sin), rotate(k, cos, sin)
    if flags["quantised"]:
        k, v = k / p["k_scale"], v / p["v_scale"]
    pages, page = t["k_cache_shape"][:2]
    caches = {}
    for name, rows in (("k_cache", k), ("v_cache", v)):
        cache = np.full((pages * page, k_heads, head), np.nan)
        written = np.zeros(cache.shape, dtype=bool)
        for row, slot in zip(rounded(rows, types["C"]), t["slot"].astype(np.int64)):
            if 0 <= slot < len(cache):
                cache[slot], written[slot] = row, True
        caches[name] = (cache, written)
    return {"q": rounded(q, types["T"]), **caches}


def combined(t, flags):
    """arXiv 2101.03961, equation 2: each token's expert rows, weighted; DeepSeek adds a shared expert, Qwen2-MoE a gated one."""
    x, slot = t["x"], t["slot"].astype(np.int64)
    y = np.zeros((slot.shape[0], x.shape[1]))
    for token, slots in enumerate(slot):
        for place, row in enumerate(slots):
            if 0 <= row < len(x):
                y[token] += t["weight"][token, place] * x[row]
    if not flags["shared"]:
        return y
    return y + (sigmoid(t["shared_gate"])[:, None] if flags["gated"] else 1.0) * t["shared_x"]


def moe_combine(t, p, flags, types):
    y = combined(t, flags)
    return {"out": rounded(y + t["stream"] if flags["residual"] else y, types["T"])}


def moe_combine_rms_norm(t, p, flags, types):
    h = combined(t, flags) + t["residual"]
    return {"residual": rounded(h, types["T"]), "out": rounded(rms(h, gain(t["gain"], flags), p["eps"]), types["T"])}


def selected(keys, count):
    """Positions of the largest keys, largest first: NaN above every number, of equal keys the lower position first."""
    ranks = np.where(np.isnan(keys), np.inf, keys)
    # NaN comes before infinity; lexsort is stable, and its last key counts first.
    order = np.lexsort((np.broadcast_to(np.arange(keys.shape[-1]), keys.shape), -ranks, ~np.isnan(keys)), axis=-1)
    return order[..., :count]


def moe_route(t, p, flags, types):
    """arXiv 2101.03961, equation 1; with sigmoid and bias arXiv 2412.19437, equations 13 to 16."""
    logits = t["logits"]
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    scores = shifted / shifted.sum(-1, keepdims=True) if flags["softmax"] else sigmoid(logits)
    ids = selected(scores + t["bias"] if flags["biased"] else logits, t["ids_shape"][-1])
    weights = np.take_along_axis(scores, ids, -1)
    if flags["renormalise"]:
        weights = weights / weights.sum(-1, keepdims=True)
    return {"ids": ids, "weights": weights * p["scale"]}


def moe_route_grouped(t, p, flags, types):
    """arXiv 2412.19437, equations 13 to 16 and section 2.1.2."""
    scores = sigmoid(t["logits"])
    tokens, experts = scores.shape
    biased = scores + t["bias"]
    # Sorting puts NaN last: it is among the two largest of its group.
    best = np.sort(biased.reshape(tokens, p["groups"], -1), axis=-1)[..., -2:].sum(-1)
    closed = np.ones(best.shape)
    np.put_along_axis(closed, selected(best, p["kept"]), 0, -1)
    order = selected(biased, experts)
    # A stable sort by what is closed leaves the open experts in their order; more than those no model asks for.
    later = np.take_along_axis(np.repeat(closed, experts // p["groups"], axis=-1), order, -1)
    ids = np.take_along_axis(order, np.argsort(later, axis=-1, kind="stable"), -1)[..., : t["ids_shape"][-1]]
    weights = np.take_along_axis(scores, ids, -1)
    return {"ids": ids, "weights": weights / weights.sum(-1, keepdims=True) * p["scale"]}


def topk(t, p, flags, types):
    x = t["x"]
    lengths = t["lengths"] if flags["ragged"] else np.full(len(x), x.shape[1])
    held = np.arange(x.shape[1]) < lengths[:, None]
    ids = selected(np.where(held, -x if flags["smallest"] else x, -np.inf), t["indices_shape"][-1])
    values, there = np.take_along_axis(x, ids, -1), np.take_along_axis(held, ids, -1)
    return {"values": np.where(there, values, -np.inf), "indices": np.where(there, ids, -1)}


def argsort(t, p, flags, types):
    return {"indices": np.argsort(-t["x"] if flags["descending"] else t["x"], axis=-1, kind="stable")}


def permuted(t, p):
    """Rows of the choices in the order of their local experts, of equal ones in their own; padded runs. Row -1 is none."""
    ids = t["ids"].astype(np.int64)
    experts, rows, pad = t["counts_shape"][0], t["source_shape"][0], p["pad"]
    local = (ids - p["first"]).ravel()
    kept = (local >= 0) & (local < experts)
    counts = np.bincount(local[kept], minlength=experts)
    ends = np.cumsum(-(-counts // pad) * pad)
    starts = np.concatenate([[0], ends[:-1]])
    order = np.argsort(local[kept], kind="stable")
    slot = np.full(local.size, -1)
    slot[np.flatnonzero(kept)[order]] = np.concatenate([starts[e] + np.arange(n) for e, n in enumerate(counts)])
    source = np.full(max(rows, ends[-1]), -1)
    source[slot[kept]] = np.flatnonzero(kept) // ids.shape[1]
    slot[slot >= rows] = -1
    written = np.arange(rows) < ends[-1]
    wrong = np.sum((ids < 0) | (ids >= p["total"]))
    return {
        "slot": slot.reshape(ids.shape),
        "source": (source[:rows], written),
        "counts": counts,
        "starts": starts,
        "ends": ends,
        "errors": np.array([wrong, max(ends[-1] - rows, 0)]),
    }


def moved(slot, rows, values):
    """A token's values at the rows of its slots; rows that no slot names are not written."""
    slot = slot.astype(np.int64)
    reached = (slot >= 0) & (slot < rows)
    out, written = np.zeros((rows, *values.shape[1:])), np.zeros((rows, *values.shape[1:]), bool)
    out[slot[reached]] = values[np.nonzero(reached)[0]]
    written[slot[reached]] = True
    return out, written


def moving(run, quantises, dispatches):
    """What becomes of the rows (see `fp8`), and where they go: to slots that are given, or to those of the experts."""

    def reference(t, p, flags, types):
        index = permuted(t, p) if dispatches else {}
        slot = index["slot"] if dispatches else t["slot"]
        values = fp8(t["x"], run) if quantises else {"out": t["x"]}
        return {**index, **{name: moved(slot, t["out_shape"][0], value) for name, value in values.items()}}

    return reference


def philox(key, counter, length):
    """Philox 4x32-10 (Salmon et al., SC11): word p % 4 of the counter (p // 4, 0, counter) for each position p."""
    mask, count = np.uint64(2**32 - 1), (length + 3) // 4
    parts = [np.arange(count), np.zeros(count), np.full(count, counter % 2**32), np.full(count, counter // 2**32 % 2**32)]
    x = [part.astype(np.uint64) for part in parts]
    k0, k1 = key % 2**32, key // 2**32 % 2**32
    for _ in range(10):
        a, b = x[0] * np.uint64(0xD2511F53), x[2] * np.uint64(0xCD9E8D57)
        x = [b >> np.uint64(32) ^ x[1] ^ np.uint64(k0), b & mask, a >> np.uint64(32) ^ x[3] ^ np.uint64(k1), a & mask]
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return np.stack(x, axis=-1).reshape(-1)[:length]


def adjusted(t, flags):
    """arXiv 1909.05858, section 4.1, with both signs; then the usual frequency and presence penalties, bias and mask."""
    x = t["logits"]
    if flags["penalised"]:
        row = {name: t[name][:, None] for name in ("repetition", "frequency", "presence")}
        counts = t["counts"].astype(np.int64)
        times = np.where(counts < 0, counts + 2**31, counts)
        x = np.where(counts == 0, x, np.where(x > 0, x / row["repetition"], x * row["repetition"]))
        x = np.where(times > 0, x - row["frequency"] * times - row["presence"], x)
    if flags["biased"]:
        x = x + t["bias"]
    if flags["masked"]:
        words = t["mask"].astype(np.int64) % 2**32
        bits = words[:, :, None] >> np.arange(32) & 1
        x = np.where(bits.reshape(len(x), -1)[:, : x.shape[1]] == 1, x, -np.inf)
    return np.where(np.isnan(x), -np.inf, x)


def drawn(filtered):
    """The least of exponential numbers over probabilities is a draw from them: of what the filters leave, in turn."""

    def reference(t, p, flags, types):
        tokens = []
        for row, x in enumerate(adjusted(t, flags)):
            warm = t["temperature"][row] >= np.float32(1e-5)
            order = np.lexsort((np.arange(len(x)), -x))
            order = order[x[order] > -np.inf]
            if len(order) == 0 or not warm:
                tokens.append(order[0] if len(order) > 0 else -1)
                continue
            weight = np.exp((x - x.max()) / t["temperature"][row])
            if filtered:
                if t["top_k"][row] > 0:
                    order = order[: int(t["top_k"][row])]
                if t["top_p"][row] < 1:
                    before = np.cumsum(weight[order]) - weight[order]
                    order = order[before < max(t["top_p"][row], 1e-300) * weight[order].sum()]
                order = order[(weight[order] >= t["min_p"][row]) | (x[order] == x.max())]
            bits = philox(int(t["seed"][row]), int(t["offset"][row]), len(x))[order] & np.uint64(2**31 - 1)
            wait = -np.log1p(-(bits.astype(np.float64) + 0.5) / 2**31)
            tokens.append(order[np.argmin(np.log(wait) - (x[order] - x.max()) / t["temperature"][row])])
        return {"token": np.array(tokens, dtype=np.float64)}

    return reference


def count_tokens(t, p, flags, types):
    """One more of each row's token; what is out of range counts nowhere."""
    counts = t["counts"].copy()
    written = np.zeros(counts.shape, bool)
    for row, token in enumerate(t["token"].astype(int)):
        if 0 <= token < counts.shape[1]:
            counts[row, token] += 1
            written[row, token] = True
    return {"counts": (counts, written)}


def ragged_offsets(t, p, flags, types):
    ends = np.cumsum(t["lengths"])
    return {"starts": ends - t["lengths"], "ends": ends}


def ragged_expand(t, p, flags, types):
    tokens = np.arange(t["sequence_shape"][0])
    owner = np.sum(t["ends"][None, :] <= tokens[:, None], axis=1)
    known = owner < len(t["ends"])
    shift = np.append(t["cached"] - t["starts"], 0)[owner]
    return {"sequence": np.where(known, owner, -1), "position": np.where(known, tokens + shift, 0)}


def slot_mapping(t, p, flags, types):
    """A token's slot is its page times the page's length plus its place in the page."""
    table = t["block_table"]
    slots = []
    for sequence, position in zip(t["sequence"].astype(int), t["position"].astype(int)):
        block, place = divmod(position, p["page"])
        held = 0 <= sequence < table.shape[0] and 0 <= block < table.shape[1] and table[sequence, block] >= 0
        slots.append(table[sequence, block] * p["page"] + place if held else -1)
    return {"slot": np.array(slots)}


def top_logprobs(t, p, flags, types):
    """The log-softmax at its n largest places."""
    x = t["logits"]
    ids = selected(x, t["ids_shape"][-1])
    most = x.max(-1, keepdims=True)
    every = x - most - np.log(np.exp(x - most).sum(-1, keepdims=True))
    return {"ids": ids, "logprobs": np.take_along_axis(every, ids, -1)}


def token_logprob(t, p, flags, types):
    """The log-softmax at one place, and how many come before it in falling order; nothing outside of the row."""
    x = t["logits"]
    rows, vocab = x.shape
    token = t["token"].astype(int)
    held = (token >= 0) & (token < vocab)
    own = x[np.arange(rows), np.where(held, token, 0)][:, None]
    most = x.max(-1, keepdims=True)
    logprob = (own - most - np.log(np.exp(x - most).sum(-1, keepdims=True)))[:, 0]
    ahead = (x > own) | ((x == own) & (np.arange(vocab) < token[:, None]))
    return {"logprob": np.where(held, logprob, -np.inf), "place": np.where(held, ahead.sum(-1), -1)}


REFERENCES = {
    "rms_norm": rms_norm,
    "add_rms_norm": add_rms_norm,
    "layer_norm": layer_norm,
    "rms_norm_quant_fp8": norm_then_fp8(None, False),
    "rms_norm_quant_fp8_block": norm_then_fp8(128, False),
    "add_rms_norm_quant_fp8": norm_then_fp8(None, True),
    "add_rms_norm_quant_fp8_block": norm_then_fp8(128, True),
    "quant_fp8": lambda t, p, flags, types: fp8(t["x"], None),
    "quant_fp8_block": lambda t, p, flags, types: fp8(t["x"], 128),
    "quant_int8": quant_int8,
    "swiglu": lambda t, p, flags, types: {"out": rounded(swiglu_of(flat_halves(t)), types["T"])},
    "swiglu_quant_fp8": lambda t, p, flags, types: fp8(swiglu_of(flat_halves(t)), None),
    "swiglu_quant_fp8_block": lambda t, p, flags, types: fp8(swiglu_of(flat_halves(t)), 128),
    "gelu_bias": gelu_bias,
    "softmax": softmax,
    "embedding": embedding,
    "mean_pool_l2": mean_pool_l2,
    "last_token_pool_l2": last_token_pool_l2,
    "qk_norm_rope_cache": qk_norm_rope_cache,
    "moe_combine": moe_combine,
    "moe_combine_rms_norm": moe_combine_rms_norm,
    "moe_route": moe_route,
    "topk": topk,
    "moe_route_grouped": moe_route_grouped,
    "ragged_offsets": ragged_offsets,
    "ragged_expand": ragged_expand,
    "slot_mapping": slot_mapping,
    "moe_permute": lambda t, p, flags, types: permuted(t, p),
    "moe_dispatch": moving(None, False, True),
    "moe_dispatch_quant_fp8": moving(None, True, True),
    "moe_dispatch_quant_fp8_block": moving(128, True, True),
    "moe_move": moving(None, False, False),
    "moe_move_quant_fp8": moving(None, True, False),
    "moe_move_quant_fp8_block": moving(128, True, False),
    "argsort": argsort,
    "greedy": lambda t, p, flags, types: {"token": selected(np.where(np.isnan(t["logits"]), -np.inf, t["logits"]), 1)[..., 0]},
    "top_logprobs": top_logprobs,
    "token_logprob": token_logprob,
    "count_tokens": count_tokens,
    "sample_temperature": drawn(False),
    "sample_top_k_top_p": drawn(True),
}
