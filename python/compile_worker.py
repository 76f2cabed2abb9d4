"""Compile worker: JSON lines in, PTX and cubins out.

One request a line on standard input, one answer a line on what was standard output. The module text of a request is
executed under a pseudo-file name that linecache knows, never from a path: line numbers in tracebacks are those of the
rendered module, and the bytes of an artifact do not depend on where anything is installed.

    {"id": 1, "file": "rose/rms_norm.py", "source": "...", "options": "--gpu-arch sm_90a"}
    {"id": 1, "ok": true, "ptx": "...", "cubin": "<base64>", "seconds": 0.06, "rss": 230000000}
    {"id": 1, "ok": false, "kind": "module", "type": "ValueError", "message": "...", "line": 12, "traceback": "..."}

The first line a worker writes is {"ready": {...}}, or {"fatal": "..."} where the toolchain does not import.
`--check` prints that line and ends, `--memory-bytes` limits the address space of the process, `--scratch` is where a
worker makes its own temporary folder.
"""

import argparse
import atexit
import base64
import gc
import json
import linecache
import os
import re
import shutil
import sys
import tempfile
import time
import traceback

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
MODULE_NAME = "rose_module"
NO_OUTPUT = "the toolchain made no PTX or cubin with "


def claim_standard_output():
    """Keep the real standard output for answers; whatever else prints goes to standard error."""
    sys.stdout.flush()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return answers


def limit_memory(limit):
    if limit is None:
        return
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def resident_bytes():
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, AttributeError, ValueError):
        return None


def import_toolchain():
    """Import the DSL with the collector off (a quarter faster), then take what it made out of the collector's sight."""
    gc.disable()
    try:
        import cutlass
        import cutlass.cute  # noqa: F401
    finally:
        gc.enable()
    gc.collect()
    gc.freeze()
    return {"cutlassDsl": cutlass.__version__, "cuda": str(cutlass.CUDA_VERSION)}


def first_meaningful_line(text):
    for line in text.splitlines():
        line = line.strip().removeprefix("error: ")
        if any(character.isalpha() for character in line):
            return line
    return ""


def backend_complaint(error):
    """What libNVVM or ptxas said, where the DSL's error carries it: its own first line only says that one of them failed."""
    for attribute, name in (("ptxas_error", "ptxas"), ("nvvm_error", "libNVVM")):
        log = getattr(error, attribute, "")
        complaint = re.search(r"^.*\b(?:error|fatal)\s*:\s*(.+)$", ANSI.sub("", str(log)), re.IGNORECASE | re.MULTILINE)
        if complaint:
            return f"{name}: {complaint.group(1)}"
    return ""


def frame_line(error, file):
    """Innermost line of the module in the traceback of an error, or of what caused it."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    for cause in (error.__cause__, error.__context__):
        line = frame_line(cause, file) if cause is not None else None
        if line is not None:
            return line
    lines = [number for frame, number in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    return lines[-1] if lines else None


def describe(error, file):
    text = ANSI.sub("", str(error)).strip()
    shown = re.search(rf"--> {re.escape(file)}:(\d+)", text)
    return {
        "ok": False,
        "kind": "memory" if isinstance(error, MemoryError) else "module",
        "type": type(error).__name__,
        "message": backend_complaint(error) or first_meaningful_line(text) or type(error).__name__,
        "line": int(shown.group(1)) if shown else frame_line(error, file),
        "traceback": ANSI.sub("", "".join(traceback.format_exception(error))),
    }


def compile_module(request):
    file, source = request["file"], request["source"]
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    namespace = {"__name__": MODULE_NAME, "__file__": file}
    start = time.perf_counter()
    try:
        exec(compile(source, file, "exec"), namespace)
        if "compile_kernel" not in namespace:
            raise NameError("the module defines no compile_kernel(options)")
        compiled = namespace["compile_kernel"](request["options"])
        ptx, cubin = compiled.__ptx__, compiled.__cubin__
        if not ptx or not isinstance(cubin, bytes):
            raise RuntimeError(NO_OUTPUT + request["options"])
        return {
            "ok": True,
            "ptx": ptx.rstrip("\0"),
            "cubin": base64.b64encode(cubin).decode("ascii"),
            "seconds": round(time.perf_counter() - start, 4),
        }
    except FileNotFoundError as error:  # What the DSL should have dumped is not there.
        return {**describe(error, file), "message": NO_OUTPUT + request["options"]}
    except Exception as error:  # Every failure of a module is an answer; the worker lives on.
        return describe(error, file)
    finally:
        linecache.cache.pop(file, None)


def empty_directory(path):
    for entry in os.scandir(path):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            os.unlink(entry.path)


def remove_scratch(own, parent):
    shutil.rmtree(own, ignore_errors=True)
    if parent:
        try:
            os.rmdir(parent)  # Only if nothing else is in it.
        except OSError:
            pass


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--check", action="store_true")
    arguments.add_argument("--memory-bytes", type=int)
    arguments.add_argument("--scratch", default=None)
    options = arguments.parse_args()

    answers = claim_standard_output()

    def answer(message):
        answers.write(json.dumps(message, ensure_ascii=True) + "\n")
        answers.flush()

    # The DSL writes what it keeps to a folder: one of the worker's own, emptied after each answer.
    scratch = tempfile.mkdtemp(prefix="rose-gen-worker-", dir=options.scratch)
    atexit.register(remove_scratch, scratch, options.scratch)
    os.chdir(scratch)
    os.environ.update(CUTE_DSL_KEEP="ptx,cubin", CUTE_DSL_DUMP_DIR=scratch)
    limit_memory(options.memory_bytes)
    try:
        versions = import_toolchain()
    except Exception:
        answer({"fatal": traceback.format_exc()})
        return 1
    answer({"ready": {"python": ".".join(map(str, sys.version_info[:3])), **versions, "rss": resident_bytes()}})
    if options.check:
        return 0

    for line in sys.stdin:
        request = json.loads(line)
        result = compile_module(request)
        empty_directory(scratch)
        answer({"id": request["id"], **result, "rss": resident_bytes()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
