"""torch as it is, and compiled by Inductor."""

import torch
from operations import OPERATIONS


class Absent(Exception):
    """The peer has no such operation."""


def operation(request):
    found = OPERATIONS.get(request["kernel"])
    if found is None:
        raise Absent(f"no {request['kernel']} was written for torch")
    return found


def eager(request, sets):
    """A call on one of the sets, by its number; returns what it does not write in place."""
    work, s, f = operation(request), request["scalars"], request["flags"]
    return lambda i: work(sets[i], s, f)


def compiled(request, sets):
    torch._dynamo.reset()
    # What of max-autotune concerns kernels without matrix products: every configuration of theirs is timed.
    torch._inductor.config.max_autotune_pointwise = True
    work, s, f = operation(request), request["scalars"], request["flags"]
    names = [name for name, tensor in sets[0].items() if tensor is not None]

    def function(*tensors):
        return work(dict(zip(names, tensors)), s, f)

    call = torch.compile(function, dynamic=False, fullgraph=True)
    return lambda i: call(*[sets[i][name] for name in names])
