"""Rows to their experts in Triton: the layout in one program or in three kernels, and a kernel that moves, and quantises, rows."""

from typing import Any

import torch
import triton

import triton_experts as experts_of
from problem import Builder, Call, Problem, Tensors
from triton_ways import both, launches, over_parts, power_of_2, whole_row

ONE_PROGRAM = 8192
"""Choices up to which one program is tried for all of them."""


def permute(p: Problem) -> list[Call]:
    ids = p.first["ids"]
    count, experts = ids.numel(), p.dims["experts"]
    common = {"EXPERTS": experts, "WIDTH": power_of_2(experts)}
    layout = {**common, "K": ids.shape[1], "PAD": p.dims["pad"], "HOLES": power_of_2(p.dims["pad"])}
    first = int(p.scalars.get("first", 0))

    def written(t: Tensors) -> tuple[torch.Tensor, ...]:
        return (t["slot"], t["source"], t["counts"], t["starts"], t["ends"])

    ways = []
    for chunk, warps in ((16, 4), (64, 4), (128, 8), (256, 16)):
        if count <= ONE_PROGRAM and chunk <= max(16, power_of_2(count)):
            given = lambda t: (t["ids"], *written(t), count, first)  # noqa: E731
            ways.append(launches(p, experts_of.align_kernel, (1,), given, {**layout, "CHUNK": chunk}, warps, f"one program, {chunk} choices at a time"))
    for chunk, warps in ((64, 4), (128, 4), (128, 8), (256, 8)):
        if count > chunk:
            ways.append(in_three(p, chunk, warps, count, first, common, layout, written))
    return ways


def in_three(p: Problem, chunk: int, warps: int, count: int, first: int, common: dict[str, Any], layout: dict[str, Any], written: Any) -> Call:
    chunks, experts = triton.cdiv(count, chunk), common["EXPERTS"]
    device = p.first["ids"].device
    # Of the peer's own, for each set: counts by expert and chunk, and by expert.
    own = {
        t["ids"].data_ptr(): (torch.empty((experts, chunks), dtype=torch.int32, device=device), torch.empty(experts, dtype=torch.int32, device=device))
        for t in p.sets
    }
    parts = lambda t: own[t["ids"].data_ptr()][0]  # noqa: E731
    totals = lambda t: own[t["ids"].data_ptr()][1]  # noqa: E731
    histogram = launches(
        p, experts_of.histogram_kernel, (chunks,), lambda t: (t["ids"], parts(t), count, chunks, first),
        {**common, "CHUNK": chunk}, warps, f"histogram, scan, scatter of {chunk} choices a program",
    )
    block = min(1024, max(32, power_of_2(chunks)))
    scan = launches(p, experts_of.scan_kernel, (experts,), lambda t: (parts(t), totals(t), chunks), {"BLOCK": block}, 1, "")
    scatter = launches(
        p, experts_of.scatter_kernel, (chunks,), lambda t: (t["ids"], parts(t), totals(t), *written(t), count, chunks, first),
        {**layout, "CHUNK": chunk}, warps, "",
    )
    return both(both(histogram, scan), scatter)


def move(quantised: bool, by: int) -> Builder:
    def builder(p: Problem) -> list[Call]:
        tokens, n = p.first["x"].shape
        shapes = whole_row if quantised and by == 0 else over_parts

        def given(t: Tensors) -> tuple[Any, ...]:
            return (t["x"], t["slot"], t["out"], t.get("scale", t["x"]))

        return shapes(p, experts_of.move_kernel, tokens, n, given, K=p.first["slot"].shape[1], QUANTISED=quantised, BY=by)

    return builder


def dispatch(quantised: bool, by: int) -> Builder:
    def builder(p: Problem) -> list[Call]:
        rest = move(quantised, by)(p)
        first = rest.pop(0)

        def together(layout: Call, rows: Call) -> Call:
            return both(layout, rows, f"{layout.note}; rows: {rows.note}")

        def way(layout: Call) -> Call:
            """Its layout with the first shape of the move; where it is the quickest, with the others, too."""
            begun = together(layout, first)
            return Call(begun.run, begun.note, refine=lambda: [*(together(layout, rows) for rows in rest), *begun.refine()])

        return [way(layout) for layout in permute(p)]

    return builder


PEERS: dict[str, Builder] = {
    "moe_permute": permute,
    "moe_move": move(False, 0),
    "moe_move_quant_fp8": move(True, 0),
    "moe_move_quant_fp8_block": move(True, 128),
    "moe_dispatch": dispatch(False, 0),
    "moe_dispatch_quant_fp8": dispatch(True, 0),
    "moe_dispatch_quant_fp8_block": dispatch(True, 128),
}
