"""A Triton kernel -> ways to launch it: shapes of its tiles, each with its warps; the quickest with dependent launch, too."""

from typing import Any, Callable, Iterable

import torch
import triton

from problem import Absent, Call, Problem, Tensors

WARP = 32
BUSY = 264
"""Programs below which a program is not given more rows: two for each multiprocessor of a large GPU."""
LONGEST = 65536
"""Elements of a row that a program may keep in registers."""

Launch = Callable[..., Any]


def power_of_2(n: int) -> int:
    return 1 << max(0, n - 1).bit_length()


def launches(p: Problem, kernel: Any, grid: tuple[int, ...], given: Callable[[Tensors], tuple[Any, ...]], constants: dict[str, Any], warps: int, words: str) -> Call:
    """One shape of a kernel; the quickest shape is tried with programmatic dependent launch, too."""
    launch = kernel[grid]
    arguments = [given(t) for t in p.sets]

    def call(pdl: bool) -> Call:
        extra: dict[str, Any] = {"PDL": pdl, "num_warps": warps, **({"launch_pdl": True} if pdl else {})}
        note = f"Triton, {words}, {warps} warps" + (", dependent launch" if pdl else "")
        if pdl:
            return Call(lambda i: launch(*arguments[i], **constants, **extra), note)
        return Call(lambda i: launch(*arguments[i], **constants, **extra), note, refine=dependent)

    def dependent() -> list[Call]:
        able = torch.cuda.is_available() and torch.cuda.get_device_capability()[0] >= 9
        return [call(True)] if able else []

    return call(False)


def row_shapes(count: int, length: int) -> Iterable[tuple[int, int]]:
    """(rows, warps) of a program that keeps whole rows: 4 to 64 elements a thread, and enough programs."""
    for rows in (1, 2, 4, 8, 16):
        if rows > 1 and count < rows * BUSY:
            break
        for warps in (1, 2, 4, 8, 16, 32):
            elements = rows * length // (WARP * warps)
            if (4 if rows == 1 else 8) <= elements <= (64 if rows == 1 else 32) or (rows == 1 and warps == 1 and elements < 4):
                yield rows, warps


def over_rows(p: Problem, kernel: Any, count: int, n: int, given: Callable[[Tensors], tuple[Any, ...]], **constants: Any) -> list[Call]:
    length = power_of_2(n)
    if length > LONGEST:
        raise Absent(f"the Triton kernel keeps rows of up to {LONGEST} elements in registers")
    return [
        launches(p, kernel, (triton.cdiv(count, rows),), given, {"N": n, "LENGTH": length, "ROWS": rows, **constants}, warps, f"{rows} rows a program")
        for rows, warps in row_shapes(count, length)
    ]


def over_parts(p: Problem, kernel: Any, count: int, n: int, given: Callable[[Tensors], tuple[Any, ...]], **constants: Any) -> list[Call]:
    """A row in parts of equal length, one a program."""
    found = []
    for length, warps in ((256, 1), (512, 1), (512, 2), (1024, 2), (1024, 4), (2048, 4), (2048, 8), (4096, 4), (4096, 8), (8192, 8)):
        if length > power_of_2(n) and length > 256:
            continue
        grid = (count * triton.cdiv(n, length),)
        found.append(launches(p, kernel, grid, given, {"N": n, "LENGTH": length, **constants}, warps, f"{length} elements a program"))
    return found


def whole_row(p: Problem, kernel: Any, count: int, n: int, given: Callable[[Tensors], tuple[Any, ...]], **constants: Any) -> list[Call]:
    """A row a program."""
    length = power_of_2(n)
    return [
        launches(p, kernel, (count,), given, {"N": n, "LENGTH": length, **constants}, warps, "a row a program")
        for rows, warps in row_shapes(1, length)
    ]


def both(first: Call, second: Call, note: str | None = None) -> Call:
    """One after the other; with dependent launch both or neither."""

    def run(i: int) -> None:
        first.run(i)
        second.run(i)

    def dependent() -> list[Call]:
        return [both(a, b, None if note is None else f"{note}, dependent launch") for a, b in zip(first.refine(), second.refine())]

    return Call(run, first.note if note is None else note, refine=dependent)
