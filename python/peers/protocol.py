"""Lines of JSON on standard input -> calls of handlers -> lines of JSON on standard output.

A request has `op` and `id`; its answer has the same `id`, `ok`, and what the handler returned or, where it raised, `error`.
No failure of a handler ends the loop: only `{"op": "quit"}` and the end of the input do.
"""

import json
import os
import sys
import traceback
from typing import Any, Callable, Mapping, TextIO

Handler = Callable[[dict[str, Any]], Mapping[str, Any]]


def claim_stdout() -> TextIO:
    """Standard output for answers alone: what anything else prints, in Python or below it, goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return answers


def describe(error: BaseException) -> str:
    """One line that says what went wrong; the rest goes to standard error."""
    traceback.print_exception(error, file=sys.stderr)
    text = str(error).strip()
    return f"{type(error).__name__}: {text[:600]}" if text else type(error).__name__


def serve(handlers: Mapping[str, Handler], requests: TextIO, answers: TextIO) -> None:
    for line in requests:
        if not line.strip():
            continue
        identity = None
        try:
            request = json.loads(line)
            identity = request.get("id")
            if request["op"] == "quit":
                return
            handler = handlers.get(request["op"])
            if handler is None:
                raise ValueError(f"there is no operation {request['op']}")
            answer = {"ok": True, **handler(request)}
        except KeyboardInterrupt:
            return
        except BaseException as error:  # a library may raise SystemExit
            answer = {"ok": False, "error": describe(error)}
        answers.write(json.dumps({"id": identity, **answer}) + "\n")
        answers.flush()
