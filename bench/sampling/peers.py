"""Times torch's ways to sample, in CUDA graphs on rotating logits: `python peers.py VOCAB BATCHES`, JSON on standard output.

Each call reads logits of its own, together more than three times the L2, so that the L2 is cold.
"""

import json
import sys

import torch

TOP_K, TOP_P = 50, 0.9


def draw(probs):
    """A token of each row: the largest probability over an exponential number, as vLLM and gpt-fast draw."""
    return (probs / torch.empty_like(probs).exponential_(1)).argmax(-1)


def greedy(logits):
    return logits.argmax(-1)


def by_sort(logits):
    """Filters on the sorted row, as vLLM's own fallback does."""
    ordered, index = logits.sort(-1, descending=True)
    ordered[:, TOP_K:] = -float("inf")
    probs = ordered.softmax(-1)
    probs[probs.cumsum(-1) - probs >= TOP_P] = 0
    return index.gather(-1, draw(probs)[:, None])[:, 0]


def by_topk(logits):
    """The k largest first, and the rest on k numbers a row: only where k is small and the same for all rows."""
    best, index = logits.topk(TOP_K, -1)
    probs = best.softmax(-1)
    probs[probs.cumsum(-1) - probs >= TOP_P] = 0
    return index.gather(-1, draw(probs)[:, None])[:, 0]


def temperature(logits):
    return draw(logits.softmax(-1))


WAYS = {
    "greedy": {"torch.argmax": greedy, "torch.compile": torch.compile(greedy, mode="max-autotune-no-cudagraphs")},
    "sample_temperature": {
        "torch": temperature,
        "torch.compile": torch.compile(temperature, mode="max-autotune-no-cudagraphs"),
    },
    "sample_top_k_top_p": {
        "torch.sort": by_sort,
        "torch.topk": by_topk,
        "torch.compile of topk": torch.compile(by_topk, mode="max-autotune-no-cudagraphs"),
    },
}


def microseconds(run, sets):
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            run(sets[0].clone())
        stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            for logits in sets:
                run(logits)
        times = []
        for _ in range(15):
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record(stream)
            graph.replay()
            end.record(stream)
            end.synchronize()
            times.append(start.elapsed_time(end) * 1000 / len(sets))
    return sorted(times[3:])[6]


def add_flashinfer():
    filtered, drawn = WAYS["sample_top_k_top_p"], WAYS["sample_temperature"]
    try:
        import flashinfer
    except ImportError as error:
        filtered["flashinfer"] = drawn["flashinfer"] = str(error)
        return
    sampling = flashinfer.sampling
    filtered["flashinfer"] = lambda logits: sampling.top_k_top_p_sampling_from_logits(logits, TOP_K, TOP_P)
    drawn["flashinfer"] = sampling.sampling_from_logits
    # Its cluster kernels for Hopper and newer, which take probabilities.
    radix = getattr(flashinfer, "cake_top_k_top_p_sampling_from_probs", None)
    if radix:
        filtered["flashinfer radix"] = lambda logits: radix(sampling.softmax(logits), TOP_K, TOP_P)


vocab, batches = int(sys.argv[1]), [int(batch) for batch in sys.argv[2].split(",")]
add_flashinfer()
found = []
for batch in batches:
    count = max(2, min(64, -(-200_000_000 // (batch * vocab * 4))))
    sets = [torch.randn(batch, vocab, device="cuda") * 2 for _ in range(count)]
    for kernel, ways in WAYS.items():
        for name, run in ways.items():
            entry = {"kernel": kernel, "batch": batch, "peer": name}
            if isinstance(run, str):
                found.append({**entry, "absent": run})
                continue
            try:
                found.append({**entry, "microseconds": microseconds(run, sets)})
            except Exception as error:  # noqa: BLE001
                found.append({**entry, "error": str(error)[:200]})
print(json.dumps({"torch": torch.__version__, "peers": found}))
