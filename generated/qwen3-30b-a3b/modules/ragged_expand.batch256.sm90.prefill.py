# ragged_expand.batch256.sm90.prefill: rendered by rose-gen, do not edit
# 
# The sequence of each token of a ragged batch and its position there, after what the cache holds of it
# already. Tokens past the last end get sequence -1, which slot_mapping maps to no slot, and position 0.
# 
# target: sm90, prefill, dependent launch
# key: 0d0aca171601ab33152c940c09105660ea88827ab788cef2b5e221dea852d46f
# made with: rose-gen 0.1.0, nvidia-cutlass-dsl 4.8.1
# schedule: 256 elements a row, 4 at a time, 8 threads a row
# schedule: 128 threads a CTA

import cutlass
import cutlass.cute as cute
from cutlass import Float32, Int32, Int64
from cutlass.cute.runtime import make_fake_stream, make_ptr


@cute.jit
def fold_sum(values: cute.TensorSSA, count: cutlass.Constexpr):
    # the second half on the first, again and again: a tree has fewer steps in a row than a chain
    parts = cute.make_rmem_tensor((count,), values.dtype)
    parts.store(values)
    while cutlass.const_expr(count > 1):
        half = (count + 1) // 2
        for i in cutlass.range_constexpr(count - half):
            parts[i] = parts[i] + parts[i + half]
        count = half
    return parts[0]


@cute.jit
def reduce_sum(value: Float32, threads: cutlass.Constexpr, stride: cutlass.Constexpr) -> Float32:
    # butterfly over groups of `threads` lanes of a warp, `stride` lanes apart
    offset = threads * stride // 2
    while cutlass.const_expr(offset >= stride):
        other = cute.arch.shuffle_sync_bfly(value, offset=offset)
        value = value + other
        offset = offset // 2
    return value


@cute.kernel
def kernel(
    starts_ptr: cute.Pointer,  # (batch=256) i32
    ends_ptr: cute.Pointer,  # (batch=256) i32
    cached_ptr: cute.Pointer,  # (batch=256) i32
    sequence_ptr: cute.Pointer,  # (tokens) i32, written
    position_ptr: cute.Pointer,  # (tokens) i32, written
    tokens: Int32,  # extent
):
    thread = cute.arch.thread_idx()[0]
    cta = cute.arch.block_idx()[0]
    lane = thread % 8
    row = cta * 16 + thread // 8
    valid = row < tokens
    # ends: (batch=256) i32
    g_ends = cute.make_tensor(ends_ptr, cute.make_layout((8, 4, 8), stride=(4, 1, 32)))
    r_ends = cute.make_rmem_tensor((4, 8), Int32)
    cute.arch.griddepcontrol_wait()
    cute.arch.griddepcontrol_launch_dependents()
    for tile in cutlass.range_constexpr(8):
        r_ends[None, tile].store(g_ends[lane, None, tile].load())
    sum = Float32(0.0)
    token = Int32(Int64(row))
    for tile in cutlass.range_constexpr(8):
        sum = sum + fold_sum(cute.where(r_ends[None, tile].load() <= token, cute.full((4,), Float32(1.0), Float32), cute.full((4,), Float32(0.0), Float32)), 4)
    sum = reduce_sum(sum, 8, 1)
    # sequence: (tokens) i32
    g_sequence = cute.make_tensor(sequence_ptr + Int64(row), cute.make_layout(1))
    owner = Int32(sum)
    held = owner < 256
    if valid and lane == 0:
        g_sequence[0] = Int32(cutlass.select_(held, Int32(owner), Int32(-1)))
    # position: (tokens) i32
    g_position = cute.make_tensor(position_ptr + Int64(row), cute.make_layout(1))
    # starts: (batch=256) i32
    g_starts = cute.make_tensor(starts_ptr + Int64(owner), cute.make_layout(1))
    starts = 0
    if valid and Int64(owner) >= 0 and Int64(owner) < 256:
        starts = g_starts[0]
    # cached: (batch=256) i32
    g_cached = cute.make_tensor(cached_ptr + Int64(owner), cute.make_layout(1))
    cached = 0
    if valid and Int64(owner) >= 0 and Int64(owner) < 256:
        cached = g_cached[0]
    if valid and lane == 0:
        g_position[0] = Int32(cutlass.select_(held, Int32(token - starts + cached), Int32(0)))


@cute.jit
def launch(starts_ptr: cute.Pointer, ends_ptr: cute.Pointer, cached_ptr: cute.Pointer, sequence_ptr: cute.Pointer, position_ptr: cute.Pointer, tokens: Int32, stream):
    kernel.set_name_prefix("ragged_expand", remove_cutlass_symbol=True, keep_mangled_name=False)
    kernel(starts_ptr, ends_ptr, cached_ptr, sequence_ptr, position_ptr, tokens).launch(
        grid=((tokens + 15) // 16, 1, 1), block=(128, 1, 1), stream=stream, use_pdl=True
    )


def compile_kernel(options: str):
    """Compiles for stand-in arguments; `options` names the architecture, such as "--gpu-arch sm_90a"."""

    def pointer(dtype, align):
        return make_ptr(dtype, align, cute.AddressSpace.gmem, assumed_align=align)

    return cute.compile(
        launch,
        pointer(Int32, 4),
        pointer(Int32, 16),
        pointer(Int32, 4),
        pointer(Int32, 4),
        pointer(Int32, 4),
        Int32(1),
        make_fake_stream(),
        options=options,
    )
