"""Other implementations of the operations of rose-gen, timed on request: lines of JSON in, lines of JSON out (protocol.py).

prepare: tensors as files, sets, calls, flush, folder, peers -> by peer: files of its outputs, or why there are none
round: peer, replays -> microseconds a call, one sample a replay of the peer's graph
host: peer, calls -> microseconds of host time a call
release, quit
"""

import gc
import importlib
import importlib.metadata
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from protocol import claim_stdout, describe, serve  # noqa: E402

answers = claim_stdout()

import torch  # noqa: E402
from graphs import Graph, host_microseconds, warm_up  # noqa: E402
from problem import Absent, Builder, Call, Problem, no_more  # noqa: E402
from tensors import TensorSets, write  # noqa: E402

# peer: (our file, what has to be importable, its distribution)
SOURCES = {
    "torch": ("torch_eager", "torch", "torch"),
    "torch.compile": ("torch_compiled", "torch", "torch"),
    "triton": ("triton_peer", "triton", "triton"),
    "quack": ("quack_peer", "quack", "quack-kernels"),
    "flashinfer": ("flashinfer_peer", "flashinfer", "flashinfer-python"),
}
TRIALS = 3
"""Replays that choose between two ways to run an operation."""


class Session:
    """The peers of one process, and what the last `prepare` made."""

    def __init__(self) -> None:
        self.stream = torch.cuda.Stream()
        self.modules: dict[str, ModuleType] = {}
        self.versions: dict[str, str | None] = {}
        self.reasons: dict[str, str] = {}
        for peer, (file, package, distribution) in SOURCES.items():
            self.versions[peer] = None
            try:
                found = importlib.import_module(package)
                self.modules[peer] = importlib.import_module(file)
                self.versions[peer] = version(found, distribution)
            except ModuleNotFoundError as error:
                self.reasons[peer] = "not installed" if error.name == package else f"{error.name} is not installed"
            except Exception as error:
                self.reasons[peer] = describe(error)
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
        if peer not in self.modules:
            raise Absent(self.reasons.get(peer, f"there is no peer of the name {peer}"))
        builder: Builder | None = self.modules[peer].PEERS.get(problem.kernel)
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
        return {"outputs": outputs, "note": call.note}

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
        for candidate in best[1].refine():
            attempt(candidate, False)
        return best[1], best[2]

    def round(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"microseconds": self.calls[request["peer"]][1].round(request["replays"])}

    def host(self, request: dict[str, Any]) -> dict[str, Any]:
        call, _ = self.calls[request["peer"]]
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


def version(module: ModuleType, distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return str(getattr(module, "__version__", "unknown"))


def driver() -> str | None:
    """The version of the kernel's module, where the system tells it."""
    file = Path("/proc/driver/nvidia/version")
    found = re.search(r"Kernel Module.*?(\d+\.\d+(?:\.\d+)?)", file.read_text()) if file.exists() else None
    return found.group(1) if found else None


def main() -> None:
    if not torch.cuda.is_available():
        sys.exit("torch finds no GPU")
    torch.set_grad_enabled(False)
    session = Session()
    ready = {
        "ready": True,
        "device": torch.cuda.get_device_name(0),
        "driver": driver(),
        "torch": torch.__version__,
        "peers": session.versions,
        "reasons": session.reasons,
    }
    answers.write(json.dumps(ready) + "\n")
    answers.flush()
    handlers = {"prepare": session.prepare, "round": session.round, "host": session.host, "release": session.release}
    serve(handlers, sys.stdin, answers)


if __name__ == "__main__":
    main()
