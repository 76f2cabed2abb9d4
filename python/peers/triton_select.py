"""Selections in Triton: routing, top-k and sorted rows that fit into registers, and the best of a long row in one part or many."""

from typing import Any

import torch
import triton

import triton_keys as keys
from problem import Absent, Builder, Call, Problem, Tensors
from triton_ways import both, launches, over_rows, power_of_2

LONGEST_SORTED = 8192
"""Elements of a row that a program sorts."""


def fits(n: int) -> None:
    if power_of_2(n) > LONGEST_SORTED:
        raise Absent(f"the Triton kernel sorts rows of up to {LONGEST_SORTED} elements in registers")


def topk(p: Problem) -> list[Call]:
    count, n = p.first["x"].shape
    fits(n)
    k = p.dims["k"]
    given = lambda t: (t["x"], t["values"], t["indices"], count)  # noqa: E731
    return over_rows(p, keys.topk_kernel, count, n, given, K=k, WIDTH=power_of_2(k), SMALLEST=p.flag("smallest"))


def argsort(p: Problem) -> list[Call]:
    count, n = p.first["x"].shape
    fits(n)
    given = lambda t: (t["x"], t["indices"], count)  # noqa: E731
    return over_rows(p, keys.argsort_kernel, count, n, given, SMALLEST=not p.flag("descending"))


def route(p: Problem) -> list[Call]:
    count, n = p.first["logits"].shape
    k, biased = p.dims["top_k"], p.flag("biased")

    def given(t: Tensors) -> tuple[Any, ...]:
        return (t["logits"], t.get("bias", t["weights"]), t["ids"], t["weights"], count, p.scalars.get("scale", 1.0))

    constants = {"SOFTMAX": p.flag("softmax"), "BIASED": biased, "RENORMALISE": p.flag("renormalise")}
    return over_rows(p, keys.route_kernel, count, n, given, K=k, WIDTH=power_of_2(k), **constants)


def best(drawn: bool) -> Builder:
    def builder(p: Problem) -> list[Call]:
        for flag in ("penalised", "biased", "masked"):
            if p.flag(flag):
                raise Absent(f"only the form that is not {flag} was written")
        count, n = p.first["logits"].shape
        ways = []
        for span in sorted({2048, 4096, 8192, 16384, 65536, max(1024, power_of_2(n))}):
            if span > max(power_of_2(n), 1024):
                continue
            parts = triton.cdiv(n, span)
            found = {t["logits"].data_ptr(): torch.empty((count, parts), dtype=torch.int64, device=t["logits"].device) for t in p.sets}

            def given(t: Tensors, found: dict[int, torch.Tensor] = found) -> tuple[Any, ...]:
                h = t["logits"]
                settings = (t["temperature"], t["seed"], t["offset"]) if drawn else (h, h, h)
                return (h, *settings, found[h.data_ptr()], t["token"])

            for length, warps in ((1024, 4), (2048, 4), (4096, 8), (8192, 16)):
                if length > max(span, 1024):
                    continue
                constants = {"N": n, "LENGTH": length, "SPAN": span, "DRAW": drawn}
                first = launches(p, keys.best_part_kernel, (count * parts,), given, constants, warps, f"{parts} parts a row, {length} elements at a time")
                if parts == 1:
                    ways.append(first)
                    continue
                second = launches(
                    p, keys.best_whole_kernel, (count,), lambda t, found=found: (found[t["logits"].data_ptr()], t["token"]),
                    {"PARTS": parts, "WIDTH": power_of_2(parts)}, 1, "",
                )
                ways.append(both(first, second))
        return [undrawn(call) for call in ways] if drawn else ways

    return builder


def undrawn(call: Call) -> Call:
    """The same, whose results are not compared: its random numbers are its own."""
    return Call(call.run, call.note, refine=lambda: [undrawn(other) for other in call.refine()], compared=False)


PEERS: dict[str, Builder] = {
    "topk": topk,
    "argsort": argsort,
    "moe_route": route,
    "greedy": best(False),
    "sample_temperature": best(True),
}
