"""Other implementations of the operations of rose-gen, timed on request: lines of JSON in, lines of JSON out (protocol.py).

    {"id": 1, "op": "prepare", "kernel": "rms_norm", "tensors": [...], "sets": 8, "calls": 24, "flush": 0, "peers": [...], ...}
    {"id": 1, "ok": true, "peers": {"torch": {"outputs": {"out": "FILE"}, "note": "..."}, "quack": {"absent": "not installed"}}}
    {"id": 2, "op": "round", "peer": "torch", "replays": 5}      -> {"id": 2, "ok": true, "microseconds": [...]}
    {"id": 3, "op": "host", "peer": "torch", "calls": 200}       -> {"id": 3, "ok": true, "microseconds": 9.4}
    {"id": 4, "op": "release"}                                   -> {"id": 4, "ok": true}
    {"op": "quit"}

The first line says that it is ready, on which device and with which versions of the peers.
"""

import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from protocol import claim_stdout, serve  # noqa: E402


def driver() -> str | None:
    """The version of the kernel's module, where the system tells it."""
    file = Path("/proc/driver/nvidia/version")
    found = re.search(r"Kernel Module.*?(\d+\.\d+(?:\.\d+)?)", file.read_text()) if file.exists() else None
    return found.group(1) if found else None


def main() -> None:
    answers = claim_stdout()
    try:
        import torch
    except ImportError as error:
        sys.exit(f"torch cannot be imported by {sys.executable}: {error}")
    if not torch.cuda.is_available():
        sys.exit("torch finds no GPU")
    torch.set_grad_enabled(False)

    from registry import find
    from session import Session

    found = find()
    session = Session(found)
    ready = {
        "ready": True,
        "device": torch.cuda.get_device_name(0),
        "driver": driver(),
        "torch": torch.__version__,
        "peers": found.versions,
        "reasons": found.reasons,
    }
    answers.write(json.dumps(ready) + "\n")
    answers.flush()
    handlers = {"prepare": session.prepare, "round": session.round, "host": session.host, "release": session.release}
    serve(handlers, sys.stdin, answers)


if __name__ == "__main__":
    main()
