"""Mixtures of experts in torch: routing, and the rows of the tokens to their experts; as it is and compiled."""

from typing import Callable

import torch

from problem import Absent, Builder, Call, Problem, Tensors
from torch_ways import Body, compiled, way

FP8, FP8_MAX, LEAST_SCALE = torch.float8_e4m3fn, 448.0, 1e-12

COUNTED_BY_SUMS = 2**22
"""Choices times experts up to which a running sum over a table of both is tried."""

Maker = Callable[[Problem], list[tuple[str, Body]]]
"""A problem -> ways to compute it, by what they are called."""


def weighted(p: Problem, picked: torch.Tensor) -> torch.Tensor:
    """Weights of the chosen experts from their scores."""
    if p.flag("renormalise"):
        picked = picked / picked.sum(-1, keepdim=True)
    scale = p.scalars.get("scale", 1.0)
    return picked if scale == 1.0 else picked * scale


def route(p: Problem) -> list[tuple[str, Body]]:
    k, biased, softmax = p.dims["top_k"], p.flag("biased"), p.flag("softmax")

    def scores(t: Tensors) -> torch.Tensor:
        return t["logits"].softmax(-1, dtype=torch.float32) if softmax else t["logits"].float().sigmoid()

    def of_scores(t: Tensors) -> Tensors:
        score = scores(t)
        if biased:
            ids = (score + t["bias"]).topk(k, -1).indices
            picked = score.gather(-1, ids)
        else:
            picked, ids = score.topk(k, -1)
        return {"ids": ids, "weights": weighted(p, picked)}

    def of_logits(t: Tensors) -> Tensors:
        """The scores of the chosen experts alone: they are the same once they add up to 1."""
        picked, ids = t["logits"].topk(k, -1)
        picked = picked.softmax(-1, dtype=torch.float32)
        scale = p.scalars.get("scale", 1.0)
        return {"ids": ids, "weights": picked if scale == 1.0 else picked * scale}

    ways: list[tuple[str, Body]] = [(f"{'softmax' if softmax else 'sigmoid'}, topk, renormalisation", of_scores)]
    if softmax and p.flag("renormalise") and not biased:
        ways.append(("topk of logits, softmax of these", of_logits))
    return ways


def route_grouped(p: Problem) -> list[tuple[str, Body]]:
    k, groups, kept, scale = p.dims["top_k"], p.dims["groups"], p.dims["kept"], p.scalars.get("scale", 1.0)

    def body(t: Tensors) -> Tensors:
        score = t["logits"].float().sigmoid()
        biased = (score + t["bias"]).unflatten(-1, (groups, -1))
        best = biased.topk(2, -1).values.sum(-1).topk(kept, -1, sorted=False).indices
        closed = torch.ones(biased.shape[:-1], dtype=torch.bool, device=biased.device).scatter(-1, best, False)
        ids = biased.masked_fill(closed.unsqueeze(-1), float("-inf")).flatten(-2).topk(k, -1).indices
        picked = score.gather(-1, ids)
        return {"ids": ids, "weights": picked / picked.sum(-1, keepdim=True) * scale}

    return [("sigmoid, topk of groups, masked_fill, topk, gather", body)]


class Layout:
    """Where the rows go. Counting with bincount would wait for the device, which a graph cannot: sorted choices are searched."""

    def __init__(self, p: Problem) -> None:
        self.experts, self.pad = p.dims["experts"], p.dims["pad"]
        self.first = int(p.scalars.get("first", 0))
        ids = p.first["ids"]
        self.k, self.rows = ids.shape[1], p.first["source"].shape[0]
        self.places = torch.arange(ids.numel(), device=ids.device)
        self.edges = torch.arange(self.experts + 1, dtype=torch.int32, device=ids.device)
        local = (ids >= self.first) & (ids < self.first + self.experts)
        if not bool(local.all()):
            raise Absent("an indexed write of torch cannot leave out the choices of experts elsewhere")

    def starts(self, counts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        padded = (counts + (self.pad - 1)).div(self.pad, rounding_mode="floor") * self.pad
        ends = padded.cumsum(0)
        return ends - padded, ends

    def by_sort(self, t: Tensors) -> tuple[Tensors, torch.Tensor, torch.Tensor]:
        """Outputs; and, in the order of the rows, each choice's token and row."""
        ordered, order = (t["ids"].flatten() - self.first).sort(stable=True)
        bounds = torch.searchsorted(ordered, self.edges)
        counts = bounds.diff()
        starts, ends = self.starts(counts)
        row = self.places + (starts - bounds[:-1])[ordered]
        slot = torch.empty_like(row).scatter(0, order, row)
        return self.outputs(t, slot, order.div(self.k, rounding_mode="floor"), row, counts, starts, ends)

    def by_sums(self, t: Tensors) -> tuple[Tensors, torch.Tensor, torch.Tensor]:
        """The same from a running sum over a table of choices and experts."""
        bins = t["ids"].flatten() - self.first
        table = bins.unsqueeze(-1) == self.edges[:-1]
        running = table.cumsum(0, dtype=torch.int32)
        counts = running[-1].long()
        starts, ends = self.starts(counts)
        row = ((starts - 1) + running).gather(-1, bins.long().unsqueeze(-1)).squeeze(-1)
        return self.outputs(t, row, self.places.div(self.k, rounding_mode="floor"), row, counts, starts, ends)

    def outputs(
        self,
        t: Tensors,
        slot: torch.Tensor,
        token: torch.Tensor,
        row: torch.Tensor,
        counts: torch.Tensor,
        starts: torch.Tensor,
        ends: torch.Tensor,
    ) -> tuple[Tensors, torch.Tensor, torch.Tensor]:
        source = torch.full_like(t["source"], -1).scatter(0, row, token.int())
        slot = slot.view(t["ids"].shape)
        return {"slot": slot, "source": source, "counts": counts, "starts": starts, "ends": ends}, token, row

    def ways(self) -> list[tuple[str, Callable[[Tensors], tuple[Tensors, torch.Tensor, torch.Tensor]]]]:
        found = [("sort, searchsorted, cumsum, scatter", self.by_sort)]
        if self.places.numel() * self.experts <= COUNTED_BY_SUMS:
            found.append(("cumsum of a table, gather, scatter", self.by_sums))
        return found


def quantised(x: torch.Tensor, block: int | None) -> Tensors:
    y = x.float() if block is None else x.float().unflatten(-1, (-1, block))
    scale = (y.abs().amax(-1) * (1.0 / FP8_MAX)).clamp_min(LEAST_SCALE)
    return {"out": (y / scale.unsqueeze(-1)).to(FP8).reshape(x.shape), "scale": scale}


def moved(t: Tensors, block: int | None | bool) -> Tensors:
    """What is moved of each token: its row, or with a block its row quantised, and its scales."""
    return {"out": t["x"]} if block is False else quantised(t["x"], block)


def as_bytes(x: torch.Tensor) -> torch.Tensor:
    return x.view(torch.uint8) if x.dtype == FP8 else x


def scatter(t: Tensors, rows: Tensors, token: torch.Tensor, row: torch.Tensor) -> None:
    for name, value in rows.items():
        as_bytes(t[name]).index_copy_(0, row, as_bytes(value).index_select(0, token))


def permute(p: Problem) -> list[tuple[str, Body]]:
    layout = Layout(p)

    def body_of(place: Callable[[Tensors], tuple[Tensors, torch.Tensor, torch.Tensor]]) -> Body:
        return lambda t: place(t)[0]

    return [(words, body_of(place)) for words, place in layout.ways()]


def dispatch(block: int | None | bool) -> Maker:
    def maker(p: Problem) -> list[tuple[str, Body]]:
        layout = Layout(p)

        def scattered(place: Callable[[Tensors], tuple[Tensors, torch.Tensor, torch.Tensor]]) -> Body:
            def body(t: Tensors) -> Tensors:
                found, token, row = place(t)
                scatter(t, moved(t, block), token, row)
                return found

            return body

        def gathered(place: Callable[[Tensors], tuple[Tensors, torch.Tensor, torch.Tensor]]) -> Body:
            """All rows, those between experts as copies of the first token's."""

            def body(t: Tensors) -> Tensors:
                found, _, _ = place(t)
                token = found["source"].clamp_min(0)
                rows = {name: value.index_select(0, token) for name, value in moved(t, block).items()}
                return {**found, **rows}

            return body

        return [
            (f"{words}, {form}", make(place))
            for words, place in layout.ways()
            for form, make in (("index_copy_", scattered), ("index_select", gathered))
        ]

    return maker


def move(block: int | None | bool) -> Maker:
    def maker(p: Problem) -> list[tuple[str, Body]]:
        slot = p.first["slot"]
        if bool((slot < 0).any()):
            raise Absent("an indexed write of torch cannot leave out the choices that were dropped")
        token = torch.arange(slot.shape[0], device=slot.device).repeat_interleave(slot.shape[1])

        def body(t: Tensors) -> Tensors:
            scatter(t, moved(t, block), token, t["slot"].flatten().long())
            return {}

        return [("index_copy_", body)]

    return maker


def between(t: Tensors, returned: Tensors) -> Tensors:
    """Rows that no token has were 0 before: outputs of which the operation writes a part alone."""
    if "source" not in t or "ends" not in returned:
        return returned
    source = returned["source"]
    mended = dict(returned)
    inside = torch.arange(source.shape[0], device=source.device) < returned["ends"][-1]
    mended["source"] = torch.where(inside, source, torch.zeros_like(source))
    for name in ("out", "scale"):
        if name in returned:
            rows = as_bytes(returned[name])
            empty = (source < 0).view(-1, *[1] * (rows.dim() - 1))
            mended[name] = rows.masked_fill(empty, 0).view(returned[name].dtype)
    return mended


MAKERS: dict[str, Maker] = {
    "moe_route": route,
    "moe_route_grouped": route_grouped,
    "moe_permute": permute,
    "moe_dispatch": dispatch(False),
    "moe_dispatch_quant_fp8": dispatch(None),
    "moe_dispatch_quant_fp8_block": dispatch(128),
    "moe_move": move(False),
    "moe_move_quant_fp8": move(None),
    "moe_move_quant_fp8_block": move(128),
}


def eager(maker: Maker) -> Builder:
    def builder(p: Problem) -> list[Call]:
        return [way(p, words, body, between) for words, body in maker(p)]

    return builder


def by_inductor(maker: Maker) -> Builder:
    def builder(p: Problem) -> list[Call]:
        found = []
        for words, body in maker(p):
            # Only what is returned can be mended: written in place, a part of it would be the operation's own to leave open.
            ways = compiled(p, body, f"{words}, ", between)
            found += ways[1:] if "source" in p.first else ways
        return found

    return builder


EAGER = {kernel: eager(maker) for kernel, maker in MAKERS.items()}
COMPILED = {kernel: by_inductor(maker) for kernel, maker in MAKERS.items()}
