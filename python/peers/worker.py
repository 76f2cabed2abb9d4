"""Other implementations of the kernels, timed for `rose-gen bench --against`: JSON lines in, JSON lines out.

    {"id": 1, "op": "prepare", "kernel": "rms_norm", "tensors": [...], "sets": 8, "calls": 24, "flush": 0, "peers": [...], ...}
    {"id": 1, "ok": true, "peers": {"torch": {"outputs": {"out": "FILE"}}, "quack": {"absent": "not installed"}}}
    {"id": 2, "op": "round", "peer": "torch", "replays": 5}      -> {"id": 2, "ok": true, "microseconds": [...]}
    {"id": 3, "op": "host", "peer": "torch", "calls": 200}       -> {"id": 3, "ok": true, "microseconds": 9.4}
    {"id": 4, "op": "release"}                                   -> {"id": 4, "ok": true}
    {"id": 5, "op": "quit"}

Each peer's calls are captured in one CUDA graph that rotates through copies of the tensors, and compiled or tuned before that.
"""

import gc
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

PACKAGES = {"torch": "torch", "torch.compile": "torch", "triton": "triton", "quack": "quack", "flashinfer": "flashinfer"}
DISTRIBUTIONS = {"quack": "quack-kernels", "flashinfer": "flashinfer-python"}


def claim_standard_output():
    """Keep the real standard output for answers; whatever else prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return answers


def version(peer):
    package = PACKAGES[peer]
    if importlib.util.find_spec(package) is None:
        return None
    return importlib.metadata.version(DISTRIBUTIONS.get(package, package))


def builder(peer):
    import torch_peers

    if peer == "torch":
        return torch_peers.eager
    if peer == "torch.compile":
        return torch_peers.compiled
    if peer == "triton":
        import triton_peers

        return triton_peers.handwritten
    import library_peers

    return getattr(library_peers, peer)


class Session:
    """What the last `prepare` made."""

    def __init__(self):
        self.sets, self.graphs, self.calls, self.kept, self.flush, self.count = [], {}, {}, {}, None, 1

    def prepare(self, request):
        import torch

        self.release()
        dtypes = {
            "bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32, "e4m3": torch.float8_e4m3fn,
            "e5m2": torch.float8_e5m2, "i8": torch.int8, "u8": torch.uint8, "bool": torch.bool, "i32": torch.int32, "i64": torch.int64,
        }  # fmt: skip
        first = {}
        for each in request["tensors"]:
            dtype, shape = dtypes[each["dtype"]], each["shape"]
            if each["role"] == "out":
                first[each["name"]] = torch.empty(shape, dtype=torch.float32, device="cuda").to(dtype)
            else:
                data = bytearray(pathlib.Path(each["file"]).read_bytes())
                first[each["name"]] = torch.frombuffer(data, dtype=torch.uint8).cuda().view(dtype).view(shape)
        self.fresh = first
        self.written = [each["name"] for each in request["tensors"] if each["role"] != "in"]
        self.sets = [{name: tensor.clone() for name, tensor in first.items()} for _ in range(request["sets"])]
        self.count = request["calls"]
        if request["flush"]:
            self.flush = torch.empty(request["flush"], dtype=torch.uint8, device="cuda")
        return {peer: self.ready(peer, request) for peer in request["peers"]}

    def ready(self, peer, request):
        import torch
        from torch_peers import Absent

        if peer not in PACKAGES or version(peer) is None:
            return {"absent": "not installed" if peer in PACKAGES else "no such peer"}
        try:
            # Tuning writes to the sets: outputs are looked at after a call on fresh contents.
            call = builder(peer)(request, self.sets)
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for i in range(3):
                    call(i % len(self.sets))
            torch.cuda.current_stream().wait_stream(side)
            for name, tensor in self.fresh.items():
                self.sets[0][name].copy_(tensor)
            result = {**{name: self.sets[0][name] for name in self.written}, **call(0)}
            outputs = {}
            for name in self.written:
                path = pathlib.Path(request["folder"]) / f"{name}.{peer}"
                path.write_bytes(result[name].contiguous().view(torch.uint8).cpu().numpy().tobytes())
                outputs[name] = str(path)
            graph = torch.cuda.CUDAGraph()
            kept = {}
            with torch.cuda.graph(graph):
                for i in range(self.count):
                    # Results live on until their set comes round again, as ours do.
                    kept[i % len(self.sets)] = call(i % len(self.sets))
            self.graphs[peer], self.calls[peer], self.kept[peer] = graph, call, kept
            return {"outputs": outputs}
        except Absent as reason:
            return {"absent": str(reason)}
        except Exception as error:  # Whatever a library does, the others go on.
            torch.cuda.synchronize()
            return {"error": f"{type(error).__name__}: {str(error)[:500]}"}

    def round(self, peer, replays):
        import torch

        graph = self.graphs[peer]
        graph.replay()
        times = []
        for _ in range(replays):
            if self.flush is not None:
                self.flush.zero_()
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            graph.replay()
            end.record()
            end.synchronize()
            times.append(start.elapsed_time(end) * 1000 / self.count)
        return times

    def host(self, peer, calls):
        import torch

        runs = []
        for _ in range(5):
            torch.cuda.synchronize()
            start = time.perf_counter()
            for i in range(calls):
                self.calls[peer](i % len(self.sets))
            runs.append((time.perf_counter() - start) * 1e6 / calls)
        torch.cuda.synchronize()
        return statistics.median(runs)

    def release(self):
        import torch

        self.__init__()
        gc.collect()
        torch.cuda.empty_cache()


def main():
    answers = claim_standard_output()

    def answer(message):
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    import torch

    torch.set_grad_enabled(False)
    answer({"ready": True, "device": torch.cuda.get_device_name(), "peers": {peer: version(peer) for peer in PACKAGES}})
    session = Session()
    for line in sys.stdin:
        request = json.loads(line)
        op, number = request["op"], request["id"]
        if op == "quit":
            return 0
        try:
            if op == "prepare":
                result = {"peers": session.prepare(request)}
            elif op == "round":
                result = {"microseconds": session.round(request["peer"], request["replays"])}
            elif op == "host":
                result = {"microseconds": session.host(request["peer"], request["calls"])}
            elif op == "release":
                session.release()
                result = {}
            else:
                raise ValueError(f"no such operation: {op}")
            answer({"id": number, "ok": True, **result})
        except Exception as error:  # A request that fails is an answer.
            answer({"id": number, "ok": False, "error": f"{type(error).__name__}: {error}"})
    return 0


if __name__ == "__main__":
    sys.exit(main())
