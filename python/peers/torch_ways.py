"""A function of a set's tensors -> ways to run it: as it is, or compiled by Inductor."""

from typing import Callable

import torch

from problem import Call, Problem, Tensors

Step = Callable[[Tensors], Tensors | None]
"""Runs on one set; returns the outputs that torch allocated itself."""

Body = Callable[[Tensors], Tensors]
"""The whole operation on one set: its outputs, of any float or integer dtype; caches it writes itself."""

Mend = Callable[[Tensors, Tensors], Tensors]
"""A set and what a call on it returned -> outputs to compare: what the operation leaves open, made as it was."""


def as_returned(_: Tensors, returned: Tensors) -> Tensors:
    return returned


def way(p: Problem, note: str, step: Step, mend: Mend = as_returned, compared: bool = True) -> Call:
    # What torch allocates is kept until the set's turn comes again: in a graph, too, each set has outputs of its own.
    kept: list[Tensors] = [{} for _ in p.sets]

    def run(i: int) -> None:
        kept[i] = step(p.sets[i]) or {}

    return Call(run, note, lambda i: mend(p.sets[i], kept[i]), compared=compared)


def compiled(p: Problem, body: Body, words: str = "", mend: Mend = as_returned, compared: bool = True) -> list[Call]:
    """Two forms: outputs written where they lie, and outputs as new tensors. Inductor fuses now the one, now the other better."""

    def written(t: Tensors) -> None:
        for name, value in body(t).items():
            t[name].copy_(value)

    def returned(t: Tensors) -> Tensors:
        return {name: value.to(t[name].dtype) for name, value in body(t).items()}

    return [
        compiled_way(p, step, f"{words}{form}", mend, compared)
        for step, form in ((written, "in place"), (returned, "new tensors"))
    ]


def compiled_way(p: Problem, step: Step, words: str, mend: Mend = as_returned, compared: bool = True, **more: bool) -> Call:
    """With the options that `mode="max-autotune-no-cudagraphs"` stands for, and more."""
    options = {"max_autotune": True, "coordinate_descent_tuning": True, **more}
    function = torch.compile(step, fullgraph=True, dynamic=False, options=options)
    note = ", ".join(["torch.compile(mode='max-autotune-no-cudagraphs')", words, *more])
    return way(p, note, function, mend, compared)
