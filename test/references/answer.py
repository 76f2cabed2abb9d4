"""Requests in, answers out: a JSON list on standard input, one answer each on standard output.

A request has `kernel`, `flags`, `params`, `types`, `tensors` (by name: shape, float64 data in base64) and `shapes` of
outputs; an answer has, for each output, its values and, where not all are written, which.
"""

import json
import sys

import numpy as np
from kernels import REFERENCES
from numerics import decode, encode


def answer(request):
    tensors = {name: decode(tensor) for name, tensor in request["tensors"].items()}
    tensors.update({f"{name}_shape": shape for name, shape in request["shapes"].items()})
    with np.errstate(all="ignore"):
        outputs = REFERENCES[request["kernel"]](tensors, request["params"], request["flags"], request["types"])
    found = {}
    for name, values in outputs.items():
        values, written = values if isinstance(values, tuple) else (values, None)
        found[name] = encode(values)
        if written is not None:
            found[name]["written"] = encode(written)["data"]
    return found


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
