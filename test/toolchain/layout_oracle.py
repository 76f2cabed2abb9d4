"""NVIDIA's answers to questions of layout algebra.

    python layout_oracle.py pycute < questions.json > answers.json
    python layout_oracle.py cutedsl < questions.json > answers.json

A question is [operation, argument, ...]; an answer is {"value": ...}, or {"error": ...} where NVIDIA's code raises.
Tuples are JSON lists, layouts are {"shape": ..., "stride": ...}, and a missing mode is null. `pycute` is the folder of
that name in the package nvidia-cutlass; `cutedsl` is nvidia-cutlass-dsl, which answers with the text it prints.
"""

import json
import sys


def to_tuple(value):
    return tuple(map(to_tuple, value)) if isinstance(value, list) else value


def decode(value, make_layout):
    """JSON -> ints, None, tuples and layouts."""
    if isinstance(value, dict):
        return make_layout(to_tuple(value["shape"]), to_tuple(value["stride"]))
    if isinstance(value, list):
        return tuple(decode(part, make_layout) for part in value)
    return value


def answer(operations, make_layout, encode, question):
    name, *arguments = question
    try:
        return {"value": encode(operations[name](*(decode(a, make_layout) for a in arguments)))}
    except Exception as error:  # whatever NVIDIA's code raises is its answer
        return {"error": f"{type(error).__name__}: {error}"}


def ask_pycute(questions):
    import pycute

    def encode(value):
        if isinstance(value, pycute.Layout):
            return {"shape": value.shape, "stride": value.stride}
        return value

    def slice_and_offset(layout, coordinate):
        part, offset = pycute.slice_and_offset(coordinate, layout)
        return [encode(part), offset]

    operations = {
        "flatten": pycute.flatten,
        "product": pycute.product,
        "prefix_product": pycute.prefix_product,
        "size": pycute.size,
        "cosize": pycute.cosize,
        "evaluate": lambda layout, coordinate: layout(coordinate),
        "crd2idx": pycute.crd2idx,
        "idx2crd": pycute.idx2crd,
        "crd2crd": pycute.crd2crd,
        "slice_and_offset": slice_and_offset,
        "coalesce": pycute.coalesce,
        "filter": pycute.filter,
        "composition": pycute.composition,
        "complement": pycute.complement,
        "right_inverse": pycute.right_inverse,
        "left_inverse": pycute.left_inverse,
        "logical_divide": pycute.logical_divide,
        "zipped_divide": pycute.zipped_divide,
        "tiled_divide": pycute.tiled_divide,
        "logical_product": pycute.logical_product,
        "zipped_product": pycute.zipped_product,
        "tiled_product": pycute.tiled_product,
        "composed": lambda fields, offset, layout, crd: pycute.ComposedLayout(
            pycute.Swizzle(*fields), offset, layout
        )(crd),
    }
    return [answer(operations, pycute.Layout, encode, question) for question in questions]


def ask_cutedsl(questions):
    import cutlass.cute as cute

    def make_layout(shape, stride):
        return cute.make_layout(shape, stride=stride)

    def composed(fields, offset, layout, coordinate):
        swizzled = cute.make_composed_layout(cute.make_swizzle(*fields), offset, layout)
        return swizzled(coordinate)

    def print_composed(fields, offset, layout):
        return cute.make_composed_layout(cute.make_swizzle(*fields), offset, layout)

    operations = {
        "print_composed": print_composed,
        "composed": composed,
        "evaluate": lambda layout, coordinate: layout(coordinate),
        "cosize": cute.cosize,
        "coalesce": lambda layout, profile=None: cute.coalesce(layout, target_profile=profile),
        "filter": cute.filter,
        "composition": cute.composition,
        "complement": cute.complement,
        "right_inverse": cute.right_inverse,
        "left_inverse": cute.left_inverse,
        "logical_divide": cute.logical_divide,
        "zipped_divide": cute.zipped_divide,
        "tiled_divide": cute.tiled_divide,
        "flat_divide": cute.flat_divide,
        "logical_product": cute.logical_product,
        "zipped_product": cute.zipped_product,
        "tiled_product": cute.tiled_product,
        "flat_product": cute.flat_product,
        "blocked_product": cute.blocked_product,
        "raked_product": cute.raked_product,
        "make_layout_tv": lambda threads, values: cute.make_layout_tv(threads, values)[1],
        "tv_tile": lambda threads, values: cute.make_layout_tv(threads, values)[0],
        "max_common_layout": cute.max_common_layout,
        "max_common_vector": cute.max_common_vector,
    }
    answers = []

    @cute.jit
    def trace():
        answers.extend(answer(operations, make_layout, str, question) for question in questions)

    trace()
    return answers


if __name__ == "__main__":
    ask = {"pycute": ask_pycute, "cutedsl": ask_cutedsl}[sys.argv[1]]
    questions = json.load(sys.stdin)
    json.dump(ask(questions), sys.stdout)
