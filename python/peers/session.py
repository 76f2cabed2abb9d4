"""What a `prepare` asked for, ready to be timed: every peer's quickest way to run the operation, in a graph of its own."""

import gc
import sys
from pathlib import Path
from typing import Any

import torch

from graphs import Graph, host_microseconds, warm_up
from problem import Absent, Builder, Call, Problem, no_more
from protocol import describe
from registry import Found
from tensors import TensorSets, write

TRIALS = 3
"""Replays that choose between two ways to run an operation."""


class Session:
    """The peers of one process, and what the last `prepare` made."""

    def __init__(self, found: Found) -> None:
        self.stream = torch.cuda.Stream()
        self.found = found
        self.tensors: TensorSets | None = None
        self.calls: dict[str, tuple[Call, Graph]] = {}

    def prepare(self, request: dict[str, Any]) -> dict[str, Any]:
        self.release({})
        self.tensors = TensorSets(request["tensors"], request["sets"], "cuda")
        problem = Problem(
            kernel=request["kernel"],
            sets=self.tensors.sets,
            written=self.tensors.written,
            scalars=request.get("scalars", {}),
            flags=request.get("flags", {}),
            dims=request.get("dims", {}),
        )
        flush_bytes = request.get("flush", 0)
        flush = torch.empty(flush_bytes, dtype=torch.uint8, device="cuda") if flush_bytes else None
        # Copies are made on the default stream.
        torch.cuda.synchronize()
        states: dict[str, Any] = {}
        for peer in request["peers"]:
            try:
                states[peer] = self.ready(peer, problem, request, flush)
            except Absent as reason:
                states[peer] = {"absent": str(reason)}
            except Exception as error:
                states[peer] = {"error": describe(error)}
        return {"peers": states}

    def ready(self, peer: str, problem: Problem, request: dict[str, Any], flush: torch.Tensor | None) -> dict[str, Any]:
        """Chooses a way, keeps its graph and writes the outputs of a call on set 0 as it was at first."""
        if peer not in self.found.modules:
            raise Absent(self.found.reasons.get(peer, f"there is no peer of the name {peer}"))
        builder: Builder | None = self.found.modules[peer].PEERS.get(problem.kernel)
        if builder is None:
            raise Absent(f"{peer} has no {problem.kernel}")
        with torch.cuda.stream(self.stream):
            candidates = builder(problem)
        call, graph = self.choose(candidates, len(problem.sets), request["calls"], flush)
        try:
            outputs = self.write_outputs(peer, call, problem, request["folder"])
        except Exception:
            graph.close()
            raise
        self.calls[peer] = (call, graph)
        return {**({"outputs": outputs} if call.compared else {}), "note": call.note}

    def write_outputs(self, peer: str, call: Call, problem: Problem, folder: str) -> dict[str, str]:
        assert self.tensors is not None
        outputs = {}
        with torch.cuda.stream(self.stream):
            self.tensors.restore()
            call.renew(0)
            call.run(0)
            results = {name: problem.first[name] for name in problem.written} | dict(call.outputs(0))
            self.stream.synchronize()
            for name, tensor in results.items():
                tensor = tensor.to(problem.first[name].dtype)
                outputs[name] = str(Path(folder) / f"{name}.{peer}")
                write(tensor, outputs[name])
        return outputs

    def choose(self, candidates: list[Call], sets: int, calls: int, flush: torch.Tensor | None) -> tuple[Call, Graph]:
        """The quickest of some ways, measured as it will be measured. Raises what the first raised if none runs."""
        best: tuple[float, Call, Graph] | None = None
        failure: Exception | None = None

        def attempt(candidate: Call, alone: bool) -> None:
            nonlocal best, failure
            try:
                warm_up(candidate.run, sets, self.stream)
                graph = Graph(candidate.run, sets, calls, self.stream, flush)
                spent = 0.0 if alone else min(graph.round(TRIALS))
            except Exception as error:
                print(f"{candidate.note}: {type(error).__name__}: {str(error)[:300]}", file=sys.stderr)
                failure = failure or error
                return
            if best is None or spent < best[0]:
                if best is not None:
                    best[2].close()
                best = (spent, candidate, graph)
            else:
                graph.close()

        for candidate in candidates:
            attempt(candidate, len(candidates) == 1 and candidate.refine is no_more)
        if best is None:
            raise failure or Absent("no way to run it was found")
        refined: Call | None = None
        while best[1] is not refined:
            refined = best[1]
            for candidate in refined.refine():
                attempt(candidate, False)
        return best[1], best[2]

    def round(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"microseconds": self.prepared(request["peer"])[1].round(request["replays"])}

    def prepared(self, peer: str) -> tuple[Call, Graph]:
        if peer not in self.calls:
            raise ValueError(f"nothing of {peer} is prepared")
        return self.calls[peer]

    def host(self, request: dict[str, Any]) -> dict[str, Any]:
        call, _ = self.prepared(request["peer"])
        assert self.tensors is not None
        return {"microseconds": host_microseconds(call.run, len(self.tensors.sets), request["calls"], self.stream)}

    def release(self, _: dict[str, Any]) -> dict[str, Any]:
        for _call, graph in self.calls.values():
            graph.close()
        self.calls.clear()
        self.tensors = None
        torch._dynamo.reset()
        gc.collect()
        torch.cuda.empty_cache()
        return {}
