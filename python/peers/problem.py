"""What a peer is given, and what it gives back."""

from dataclasses import dataclass
from typing import Any, Callable, Mapping, Sequence

import torch

Tensors = Mapping[str, torch.Tensor]


class Absent(Exception):
    """The peer has no such operation, for a reason that the message gives."""


@dataclass(frozen=True)
class Problem:
    """One operation on `sets` copies of its tensors, which have the names and shapes of its spec.

    Tensors are contiguous. Outputs are tensors of a set, too: a peer writes there, or says where else (`Call.outputs`).
    """

    kernel: str
    sets: Sequence[Tensors]
    written: tuple[str, ...]
    scalars: Mapping[str, float]
    flags: Mapping[str, Any]
    dims: Mapping[str, int]

    def flag(self, name: str) -> bool:
        return bool(self.flags.get(name, False))

    @property
    def first(self) -> Tensors:
        return self.sets[0]


def nowhere_else(_: int) -> Tensors:
    return {}


def nothing(_: int) -> None:
    return None


def no_more() -> "list[Call]":
    return []


@dataclass(frozen=True)
class Call:
    """One way to run an operation.

    run: queues the operation on set i, on the current stream.
    outputs: results of set i that do not lie in the set's own tensors, in whatever integers or floats the peer gives them.
        It runs after what is timed, and may leave out what the operation leaves open.
    renew: makes copies of set i's inputs anew, where the peer overwrites them.
    refine: more ways, to be tried once this one has turned out the quickest.
    compared: whether the results are the operation's; those that a peer draws by random numbers of its own are not.
    """

    run: Callable[[int], None]
    note: str
    outputs: Callable[[int], Tensors] = nowhere_else
    renew: Callable[[int], None] = nothing
    refine: Callable[[], "list[Call]"] = no_more
    compared: bool = True


Builder = Callable[[Problem], list[Call]]
"""A problem -> the ways to run it; the quickest is kept. Raises Absent."""
