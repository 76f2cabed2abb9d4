"""Calls -> a CUDA graph of them -> microseconds a call."""

import gc
import time
from statistics import median
from typing import Callable

import torch

Run = Callable[[int], None]
"""Queues a call on set i, on the current stream."""

QUEUED = 32
"""Calls that are queued before the host waits: a stream holds about a thousand launches, and a call may be dozens."""


class Graph:
    """`calls` calls that rotate through `sets` sets, captured once; to be warmed up before."""

    def __init__(self, run: Run, sets: int, calls: int, stream: torch.cuda.Stream, flush: torch.Tensor | None) -> None:
        self._calls, self._stream, self._flush = calls, stream, flush
        self._graph = torch.cuda.CUDAGraph()
        # Nothing may be freed by chance during a capture.
        gc.disable()
        try:
            with torch.cuda.stream(stream):
                stream.synchronize()
                self._graph.capture_begin(capture_error_mode="thread_local")
                try:
                    for call in range(calls):
                        run(call % sets)
                finally:
                    self._graph.capture_end()
        finally:
            gc.enable()
        self._start, self._end = (torch.cuda.Event(enable_timing=True) for _ in range(2))

    def round(self, replays: int) -> list[float]:
        """One replay that is not timed, then `replays` that are: microseconds a call of each."""
        samples = []
        with torch.cuda.stream(self._stream):
            self._graph.replay()
            for _ in range(replays):
                if self._flush is not None:
                    self._flush.zero_()
                self._start.record()
                self._graph.replay()
                self._end.record()
                self._end.synchronize()
                samples.append(self._start.elapsed_time(self._end) * 1e3 / self._calls)
        return samples

    def close(self) -> None:
        self._stream.synchronize()
        self._graph.reset()


def warm_up(run: Run, sets: int, stream: torch.cuda.Stream) -> None:
    """Every set at least once: compilers work in the first calls."""
    with torch.cuda.stream(stream):
        for call in range(max(3, sets)):
            run(call % sets)
    stream.synchronize()


def host_microseconds(run: Run, sets: int, calls: int, stream: torch.cuda.Stream, runs: int = 5) -> float:
    """Host time of a call outside a graph, the device never waited for while time is taken: the median of some runs."""
    samples = []
    with torch.cuda.stream(stream):
        for _ in range(runs):
            spent, done = 0.0, 0
            while done < calls:
                count = min(QUEUED, calls - done)
                stream.synchronize()
                start = time.perf_counter()
                for call in range(count):
                    run((done + call) % sets)
                spent += time.perf_counter() - start
                done += count
            samples.append(spent * 1e6 / calls)
        stream.synchronize()
    return median(samples)
