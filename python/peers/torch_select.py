"""Selections and draws in torch: top-k, sorted positions, greedy and filtered sampling; as it is and compiled."""

import torch

from problem import Absent, Builder, Call, Problem, Tensors
from torch_ways import Body, compiled, way

SORTED_WHOLE = 1024
"""Largest k of all rows up to which the k largest are chosen first, and filtered and drawn from alone."""

GREEDY_BELOW = 1e-5
"""Temperatures below it take the largest logit."""

Bodies = list[tuple[str, Body]]


def topk(p: Problem) -> Bodies:
    k, largest = p.dims["k"], not p.flag("smallest")

    def body(t: Tensors) -> Tensors:
        values, indices = t["x"].topk(k, -1, largest=largest, sorted=True)
        return {"values": values, "indices": indices}

    return [("torch.topk", body)]


def argsort(p: Problem) -> Bodies:
    descending = p.flag("descending")

    def body(t: Tensors) -> Tensors:
        return {"indices": t["x"].sort(dim=-1, descending=descending, stable=True).indices}

    return [("torch.sort(stable=True)", body)]


def top_logprobs(p: Problem) -> Bodies:
    n = p.dims["n"]

    def chosen_first(t: Tensors) -> Tensors:
        values, ids = t["logits"].topk(n, -1)
        return {"ids": ids, "logprobs": values.float() - t["logits"].float().logsumexp(-1, keepdim=True)}

    def whole(t: Tensors) -> Tensors:
        values, ids = t["logits"].log_softmax(-1, dtype=torch.float32).topk(n, -1)
        return {"ids": ids, "logprobs": values}

    return [("topk, logsumexp", chosen_first), ("log_softmax, topk", whole)]


def token_logprob(_: Problem) -> Bodies:
    def body(t: Tensors) -> Tensors:
        x = t["logits"].float()
        own = x.gather(-1, t["token"].long()[:, None])
        ahead = (x > own).sum(-1, dtype=torch.int32)
        return {"logprob": (own - x.logsumexp(-1, keepdim=True))[:, 0], "place": ahead}

    return [("logsumexp", body)]


def greedy(_: Problem) -> Bodies:
    return [("torch.argmax", lambda t: {"token": t["logits"].argmax(-1)})]


def plain(p: Problem) -> None:
    for flag in ("penalised", "biased", "masked"):
        if p.flag(flag):
            raise Absent(f"only the form that is not {flag} was written")


def draw(probabilities: torch.Tensor) -> torch.Tensor:
    """A column of each row: the largest probability over an exponential number. multinomial would wait for the device."""
    return (probabilities / torch.empty_like(probabilities).exponential_(1.0)).argmax(-1)


class Settings:
    """What all rows have in common, as an engine knows it of its batch: what is not needed is left out."""

    def __init__(self, p: Problem) -> None:
        t = p.first
        warm = t["temperature"] >= GREEDY_BELOW
        self.all_warm, self.none_warm = bool(warm.all()), not bool(warm.any())
        if "top_k" in t:
            self.vocab = t["logits"].shape[-1]
            k = torch.where(t["top_k"] > 0, t["top_k"], self.vocab)
            self.largest_k = int(k.max())
            self.min_p = bool((t["min_p"] > 0).any())

    def heated(self, t: Tensors) -> torch.Tensor:
        temperature = t["temperature"]
        divisor = temperature if self.all_warm else torch.where(temperature >= GREEDY_BELOW, temperature, 1.0)
        return t["logits"].float() / divisor.unsqueeze(-1)

    def token(self, t: Tensors, drawn: torch.Tensor) -> Tensors:
        if self.all_warm:
            return {"token": drawn}
        return {"token": torch.where(t["temperature"] >= GREEDY_BELOW, drawn, t["logits"].argmax(-1))}


def sample_temperature(p: Problem) -> Bodies:
    plain(p)
    settings = Settings(p)
    if settings.none_warm:
        return greedy(p)
    return [("softmax, exponential_, argmax", lambda t: settings.token(t, draw(settings.heated(t).softmax(-1))))]


def sample_top_k_top_p(p: Problem) -> Bodies:
    plain(p)
    settings = Settings(p)
    if settings.none_warm:
        return greedy(p)
    column = torch.arange(settings.vocab, device=p.first["logits"].device)

    def filtered(t: Tensors, ordered: torch.Tensor, index: torch.Tensor) -> Tensors:
        """Largest first, the k largest of each row or more."""
        limit = t["top_k"].unsqueeze(-1)
        ordered = ordered.masked_fill((column[: ordered.shape[-1]] >= limit) & (limit > 0), float("-inf"))
        probabilities = ordered.softmax(-1)
        before = probabilities.cumsum(-1) - probabilities
        out = before >= t["top_p"].unsqueeze(-1)
        out[:, 0] = False
        if settings.min_p:
            out = out | (probabilities < probabilities[:, :1] * t["min_p"].unsqueeze(-1))
        drawn = draw(probabilities.masked_fill(out, 0.0))
        return settings.token(t, index.gather(-1, drawn.unsqueeze(-1)).squeeze(-1))

    def by_sort(t: Tensors) -> Tensors:
        return filtered(t, *settings.heated(t).sort(-1, descending=True))

    def by_topk(t: Tensors) -> Tensors:
        return filtered(t, *settings.heated(t).topk(settings.largest_k, -1))

    ways: Bodies = [("sort, softmax, cumsum, exponential_, argmax", by_sort)]
    if settings.largest_k <= SORTED_WHOLE:
        ways.append((f"topk of {settings.largest_k}, softmax, cumsum, exponential_, argmax", by_topk))
    return ways


MAKERS = {
    "topk": topk,
    "argsort": argsort,
    "top_logprobs": top_logprobs,
    "token_logprob": token_logprob,
    "greedy": greedy,
    "sample_temperature": sample_temperature,
    "sample_top_k_top_p": sample_top_k_top_p,
}
DRAWN = ("sample_temperature", "sample_top_k_top_p")


def eager(kernel: str) -> Builder:
    def builder(p: Problem) -> list[Call]:
        return [way(p, words, body, compared=kernel not in DRAWN) for words, body in MAKERS[kernel](p)]

    return builder


def by_inductor(kernel: str) -> Builder:
    def builder(p: Problem) -> list[Call]:
        bodies = MAKERS[kernel](p)
        return [call for words, body in bodies for call in compiled(p, body, f"{words}, ", compared=kernel not in DRAWN)]

    return builder


EAGER = {kernel: eager(kernel) for kernel in MAKERS}
COMPILED = {kernel: by_inductor(kernel) for kernel in MAKERS}
